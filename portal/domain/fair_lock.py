"""A first-come, first-served lock for threads. threading.Lock has no order."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """Released to the thread that has waited longest. Any thread may release it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def acquire(self, timeout: float) -> bool:
        """Whether the lock was acquired within `timeout` seconds."""
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
        # Acquired just after the timeout.
        return True

    def release(self) -> None:
        """Release it to the next waiting thread."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def locked(self) -> bool:
        """Whether a thread has it."""
        return self._held
