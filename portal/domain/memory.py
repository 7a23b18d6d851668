"""What a process remembers of what it has read, for as long as nothing of it has changed.

Whoever asks names the stamp of what is true now (portal.queries.stamp); what is remembered under another stamp is
forgotten. So nothing here can be stale, whichever process wrote.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

# Bytes that one process may remember.
LIMIT = 6 * 1024 * 1024
# What an entry costs beside what it holds.
OVERHEAD = 1024

# Two values: how many changes are noted, and the last one.
Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something remembered: its size in bytes, and the instant (seconds since the epoch) until which it holds."""

    value: Any
    size: int
    until: float


class Memory:
    """Remembers under one stamp at a time, up to `limit` bytes; what was asked for longest ago goes first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        # What is made may need something else that is made.
        self._making = threading.RLock()
        self._stamp: Stamp | None = None
        self._size = 0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()

    def get(self, stamp: Stamp, key: Hashable, now: float = 0.0) -> Any:
        """What was remembered for this key under this stamp, if it still holds at `now`; else None."""
        with self._lock:
            if stamp != self._stamp:
                return None
            entry = self._entries.get(key)
            if entry is None or entry.until <= now:
                return None
            self._entries.move_to_end(key)
            return entry.value

    def kept(self, stamp: Stamp, key: Hashable, make: Callable[[], tuple[Any, int]]) -> Any:
        """What is remembered for this key, or what `make` answers (the thing and its size in bytes), remembered then.

        What many ask for at once is made by one of them; the others wait for it.
        """
        found = self.get(stamp, key)
        if found is None:
            with self._making:
                found = self.get(stamp, key)
                if found is None:
                    found, size = make()
                    self.put(stamp, key, found, size)
        return found

    def put(self, stamp: Stamp, key: Hashable, value: Any, size: int, until: float = float("inf")) -> None:
        """Remember it. Too large a thing is not; whoever asks chooses the key, so that counts, too."""
        size += OVERHEAD + len(repr(key))
        if size > self._limit // 2:
            return
        with self._lock:
            if stamp != self._stamp:
                self._stamp = stamp
                self._entries.clear()
                self._size = 0
            before = self._entries.pop(key, None)
            self._size += size - (before.size if before else 0)
            self._entries[key] = Entry(value, size, until)
            while self._size > self._limit:
                _key, oldest = self._entries.popitem(last=False)
                self._size -= oldest.size
