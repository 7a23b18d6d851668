"""Honest clients: they browse and ask for /healthz while a scenario is played, and note what they get."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.siege.portal import Answer, SiegePortal


@dataclass
class Seen:
    """What one kind of client saw: seconds for each answer, and what went wrong."""

    name: str
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def note(self, answer: Answer, wanted: int = 200) -> None:
        """Count an answer; another status than the one wanted is a failure."""
        self.seconds.append(answer.seconds)
        if answer.status != wanted:
            self.failures.append(f"{answer.status or 'no answer'} after {answer.seconds:.1f} s")

    def line(self) -> str:
        """A row of the table."""
        times = sorted(self.seconds) or [0.0]
        cells = [f"{share * 1000:.0f}" for share in (_at(times, 0.5), _at(times, 0.95), times[-1])]
        return f"{self.name:34}{len(self.seconds):>9}{len(self.failures):>10}" + "".join(f"{it:>9}" for it in cells)


HEAD = f"{'':34}{'requests':>9}{'failures':>10}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}"


class Honest:
    """Clients that go on in threads of their own until the block ends."""

    def __init__(self, portal: SiegePortal, people: dict[str, Callable[[Seen], None]]) -> None:
        self._portal = portal
        clients = {"/healthz": self._health, "catalogue": self._browse, "API list": self._list, **people}
        self.seen = {name: Seen(name) for name in clients}
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(client, self.seen[name])) for name, client in clients.items()
        ]

    def __enter__(self) -> Honest:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def broken(self, health_seconds: float) -> list[str]:
        """The bounds that every scenario has: nobody honest is refused, and /healthz answers in time."""
        found = [f"{seen.name}: {seen.failures[0]}" for seen in self.seen.values() if seen.failures]
        slowest = max(self.seen["/healthz"].seconds, default=health_seconds + 1)
        if slowest > health_seconds:
            found.append(f"/healthz took {slowest:.1f} s")
        return found

    def _repeat(self, client: Callable[[Seen], None], seen: Seen) -> None:
        while not self._stop.is_set():
            client(seen)
            time.sleep(0.1)

    def _health(self, seen: Seen) -> None:
        seen.note(self._portal.ask("GET", "/healthz", timeout=10))

    def _browse(self, seen: Seen) -> None:
        seen.note(self._portal.ask("GET", "/"))

    def _list(self, seen: Seen) -> None:
        seen.note(self._portal.ask("GET", "/api/booking-offerings/", headers=self._portal.token("visitor")))


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]
