"""Counts of requests and calls, in the units of Google's quota; and the quota itself."""

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from portal.dev.google_emulator.clock import EmulatorClock
from portal.dev.google_emulator.errors import ApiError, Json

KEPT_CALLS = 50_000


@dataclass
class CallQuota:
    """How many units an account may use in any minute (None: no limit), and the error for more."""

    per_minute: int | None = None
    status: int = 403
    reason: str = "rateLimitExceeded"
    retry_after: int | None = None


class CallCounters:
    """Calls by method, HTTP requests by kind, quota units, batch parts. Kept in memory."""

    def __init__(self, clock: EmulatorClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.quota = CallQuota()
        self.reset()

    def reset(self) -> None:
        """Set all counts to 0."""
        with self._lock:
            self._http: Counter[str] = Counter()
            self._calls: Counter[str] = Counter()
            self._responses: Counter[str] = Counter()
            self._units: Counter[str] = Counter()
            self._used: dict[str, deque[tuple[int, int]]] = {}
            self._parts = 0
            self._log: deque[Json] = deque(maxlen=KEPT_CALLS)

    def http(self, path: str) -> None:
        """Count one HTTP request."""
        kind = "batch" if path.startswith("/batch") else "calendar" if path.startswith("/calendar/v3") else "other"
        kind = {"/token": "token", "/revoke": "revoke"}.get(path, kind)
        with self._lock:
            self._http[kind] += 1
            self._http["total"] += 1

    def part(self) -> None:
        """Count one part of a batch."""
        with self._lock:
            self._parts += 1

    def call(self, method: str, account: str, *, units: int, part: bool, path: str) -> Json:
        """Count one API call; returns its log entry, for answered()."""
        entry: Json = {"method": method, "account": account, "units": units, "part": part, "path": path}
        with self._lock:
            self._calls[method] += 1
            self._units[account] += units
            self._log.append(entry)
        return entry

    def answered(self, entry: Json, status: int, reason: str = "") -> None:
        """Record the response of a counted call."""
        entry |= {"status": status, "reason": reason}
        with self._lock:
            self._responses[f"{status} {reason}".strip()] += 1

    def spend(self, account: str, units: int) -> None:
        """Use quota units.

        Raises:
            ApiError: the account has used up its minute (a refused call uses no units).
        """
        quota = self.quota
        if quota.per_minute is None:
            return
        now = self._clock.ms()
        with self._lock:
            used = self._used.setdefault(account, deque())
            while used and used[0][0] <= now - 60_000:
                used.popleft()
            if sum(spent for _, spent in used) + units > quota.per_minute:
                headers = {"Retry-After": str(quota.retry_after)} if quota.retry_after is not None else None
                raise ApiError(quota.status, quota.reason, headers=headers)
            used.append((now, units))

    def report(self) -> dict[str, Any]:
        """All counts: `http`, `calls`, `units` (by account and in total), `batch_parts`, `responses`."""
        with self._lock:
            return {
                "http": dict(self._http),
                "calls": dict(self._calls),
                "units": {**self._units, "total": sum(self._units.values())},
                "batch_parts": self._parts,
                "responses": dict(self._responses),
            }

    def log(self) -> list[Json]:
        """The latest calls, oldest first."""
        with self._lock:
            return [dict(entry) for entry in self._log]
