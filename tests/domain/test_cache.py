"""The cache of a process: entries by version, bounded in bytes, the least recently used going first."""

import threading

import pytest

from portal.domain.cache import OVERHEAD, Cache

ENTRY = OVERHEAD + len(repr("key 0"))


def test_a_value_is_returned_for_its_version_alone():
    cache = Cache()
    cache.put("key", 1, "value", 10)
    assert cache.get("key", 1) == "value"
    assert cache.get("key", 2) is None
    assert cache.get("other", 1) is None
    cache.put("key", 2, "newer", 10)
    assert (cache.get("key", 1), cache.get("key", 2)) == (None, "newer")
    cache.clear()
    assert cache.get("key", 2) is None


def test_a_value_is_returned_until_its_instant():
    cache = Cache()
    cache.put("key", 1, "value", 10, until=100.0)
    assert cache.get("key", 1, now=99.9) == "value"
    assert cache.get("key", 1, now=100.0) is None


def test_the_least_recently_used_go_first():
    cache = Cache(limit=3 * (ENTRY + 50))
    for number in range(3):
        cache.put(f"key {number}", 1, number, 50)
    assert cache.get("key 0", 1) == 0
    cache.put("key 3", 1, 3, 50)
    assert [cache.get(f"key {number}", 1) for number in range(4)] == [0, None, 2, 3]


def test_what_a_key_had_does_not_count_any_more():
    cache = Cache(limit=3 * (ENTRY + 50))
    cache.put("key 0", 1, 0, 50)
    for version in range(20):
        cache.put("key 1", version, version, 50)
    assert (cache.get("key 0", 1), cache.get("key 1", 19)) == (0, 19)


@pytest.mark.parametrize(("key", "size"), [("key", 3_000), ("k" * 3_000, 10)])
def test_what_is_too_large_is_not_kept_and_drives_nothing_out(key, size):
    cache = Cache(limit=5_000)
    cache.put("small", 1, "value", 10)
    cache.put(key, 1, "first", 10) if key == "key" else None
    cache.put(key, 2, "large", size)
    assert (cache.get(key, 1), cache.get(key, 2)) == (None, None)
    assert cache.get("small", 1) == "value"


def test_threads_may_use_it_at_once():
    cache, wrong = Cache(limit=20 * ENTRY), []

    def use(own: int) -> None:
        for number in range(2_000):
            cache.put(f"key {number % 30}", own, (own, number), 0)
            found = cache.get(f"key {number % 30}", own)
            if found is not None and found[0] != own:
                wrong.append(found)

    threads = [threading.Thread(target=use, args=(own,)) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    cache.put("key 0", 9, "last", 0)
    assert cache.get("key 0", 9) == "last"


@pytest.mark.parametrize(("more", "kept"), [(0, "value"), (1, None)])
def test_a_value_of_half_the_limit_is_kept(more, kept):
    cache = Cache(limit=2 * (ENTRY + 50))
    cache.put("key 0", 1, "value", 50 + more)
    assert cache.get("key 0", 1) == kept
