"""A bounded cache for one process. Each entry has a version, and is only returned for that version.

Callers choose a version that changes with everything the value is made of (docs/caching.md lists what is cached,
and under which version), so nothing expires by time, except values with an `until`.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from cachetools import LRUCache

# Bytes, for one process.
LIMIT = 6 * 1024 * 1024
# Bytes of an entry besides its value.
OVERHEAD = 1024


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A value, the version it was made for, its size in bytes, and the instant (epoch seconds) it is valid until."""

    value: Any
    version: Hashable
    size: int
    until: float


class Cache:
    """Keeps up to `limit` bytes; the least recently used entries go first. Thread-safe."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._largest = limit // 2
        self._lock = threading.Lock()
        self._entries: LRUCache[Hashable, CacheEntry] = LRUCache(limit, getsizeof=attrgetter("size"))

    def get(self, key: Hashable, version: Hashable, now: float = 0.0) -> Any:
        """The value of this key if it was made for this version and is valid at `now` (epoch seconds), else None."""
        with self._lock:
            entry = self._entries.get(key)
        return None if entry is None or entry.version != version or entry.until <= now else entry.value

    def put(self, key: Hashable, version: Hashable, value: Any, size: int, until: float = float("inf")) -> None:
        """Store a value of `size` bytes. Values larger than half the limit are not stored."""
        # Clients choose parts of keys, so their length counts.
        size += OVERHEAD + len(repr(key))
        with self._lock:
            self._entries.pop(key, None)
            if size <= self._largest:
                self._entries[key] = CacheEntry(value, version, size, until)

    def clear(self) -> None:
        """Remove all entries."""
        with self._lock:
            self._entries.clear()
