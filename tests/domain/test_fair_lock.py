"""Threads get the lock in the order in which they asked for it, and those that give up are forgotten."""

import threading

from portal.domain.fair_lock import FairLock


def waiting(lock):
    return len(lock._waiting)


def test_the_one_that_waited_longest_comes_next():
    lock, order, threads = FairLock(), [], []
    assert lock.acquire(1)

    def wait(number):
        assert lock.acquire(60)
        order.append(number)
        lock.release()

    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while waiting(lock) <= number:
            pass
    lock.release()
    # This thread asks again at once, and comes last.
    assert lock.acquire(60)
    order.append("again")
    lock.release()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4, "again"]
    assert not lock.locked()


def test_who_gives_up_is_not_handed_the_lock():
    lock = FairLock()
    assert lock.acquire(1)
    assert not lock.acquire(0.01)
    assert waiting(lock) == 0
    lock.release()
    assert not lock.locked()
    assert lock.acquire(0)
