"""Stops whole process groups when whoever started this process is gone, however that ended (kill -9 included).

Reads lines from standard input, which is a pipe held by tools/run.py alone: `+123` puts group 123 under its care,
`-123` takes it out again. At the end of the input everything left is stopped, politely first.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

GRACE_SECONDS = 5.0


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        (groups.add if line[0] == "+" else groups.discard)(group)
    stop(groups, GRACE_SECONDS)


def stop(groups: set[int], grace: float, reap: Callable[[], object] = lambda: None) -> None:
    """Ask every group to end, wait up to `grace` seconds, then end what is left.

    `reap` is called while waiting: a parent's own dead children count as alive until it has waited for them.
    """
    left = {group for group in groups if send(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        reap()
        left = {group for group in left if send(group, 0)}
    for group in left:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there was one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main()
