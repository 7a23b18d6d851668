"""A lock that threads get in the order in which they asked for it. Python's own goes to whoever comes first again."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """Handed over to the thread that has waited longest. Any thread may release it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def acquire(self, timeout: float) -> bool:
        """Whether the lock was had within `timeout` seconds."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._mutex:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        # It was handed over in the very moment.
        return True

    def release(self) -> None:
        """Hand it over to the next one."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def locked(self) -> bool:
        """Whether some thread has it."""
        return self._held
