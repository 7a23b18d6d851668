"""The attacks. Each is bounded in number and time, and goes to the portal of the siege alone."""

from __future__ import annotations

import itertools
import json
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from portal.services.throttle import ACCOUNT, ACCOUNT_AND_NETWORK
from tools.siege.honest import Seen
from tools.siege.portal import PASSWORD, Browser, SiegePortal

STRANGER_ADDRESS = "198.51.100.66"
SHARED_ADDRESS = "203.0.113.5"
SLOW_BYTES_PER_SECOND = 2000
LARGEST_ANSWER = 1024 * 1024


class Scenario(Protocol):
    """An attack, and honest people whom it might hit beside those who only browse."""

    name: str
    portal: SiegePortal
    # Within which /healthz has to answer. Where the attack is work that the portal has to do, it shares the machine.
    health_seconds: float

    def people(self) -> dict[str, Callable[[Seen], None]]:
        """What further honest people do, by a name for the table. Called before the attack."""

    def attack(self, seconds: float, scale: float) -> str:
        """Attack for so long; returns what became of it, in a sentence."""

    def broken(self) -> list[str]:
        """The bounds of this attack alone that did not hold."""


class SlowConnections:
    """Silent bodies, silent headers, idle connections and readers that do not read, while two clients are slow."""

    name = "slow"
    health_seconds = 1.0

    def __init__(self, portal: SiegePortal) -> None:
        self.portal = portal

    def people(self) -> dict[str, Callable[[Seen], None]]:
        return {"sends a form at 2 kB/s": self._send_slowly, "reads a page at 2 kB/s": self._read_slowly}

    def attack(self, seconds: float, scale: float) -> str:
        head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        kinds = {
            "silent bodies": (200, head + b"Content-Length: 200000\r\n\r\nemail=a"),
            "silent headers": (200, b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-"),
            "idle": (2000, b""),
            "readers that do not read": (50, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        }
        end, opened = time.monotonic() + seconds, Counter[str]()
        wanted = {kind: max(1, int(number * scale)) for kind, (number, _sent) in kinds.items()}
        with selectors.DefaultSelector() as selector:
            try:
                for kind, number in wanted.items():
                    for _ in range(number):
                        self._open(selector, kind, kinds[kind][1])
                        opened[kind] += 1
                while time.monotonic() < end:
                    # One that the server closed is followed by another one.
                    for key, _events in selector.select(0.2):
                        if key.data != "readers that do not read" and not _is_open(key.fileobj):
                            selector.unregister(key.fileobj)
                            self._open(selector, key.data, kinds[key.data][1])
                            opened[key.data] += 1
            finally:
                for key in list(selector.get_map().values()):
                    key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
        return "connections: " + ", ".join(f"{number} {kind}" for kind, number in opened.items())

    def broken(self) -> list[str]:
        return []

    def _open(self, selector: selectors.BaseSelector, kind: str, sent: bytes) -> None:
        connection = socket.create_connection(("127.0.0.1", self.portal.port), timeout=10)
        connection.sendall(sent)
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, kind)

    def _send_slowly(self, seen: Seen) -> None:
        body = b"email=nobody%40example.org&password=" + b"x" * 8000
        head = f"POST /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        self._slowly(seen, (head + kind).encode(), body, wanted=b"HTTP/1.1 400")

    def _read_slowly(self, seen: Seen) -> None:
        self._slowly(seen, b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"", b"HTTP/1.1 200")

    def _slowly(self, seen: Seen, head: bytes, body: bytes, wanted: bytes) -> None:
        begun, received, part = time.perf_counter(), b"", SLOW_BYTES_PER_SECOND // 4
        try:
            with socket.create_connection(("127.0.0.1", self.portal.port), timeout=30) as connection:
                connection.sendall(head)
                for first in range(0, len(body), part):
                    connection.sendall(body[first : first + part])
                    time.sleep(0.25)
                while more := connection.recv(part):
                    received += more
                    if not body:
                        time.sleep(0.25)
        except OSError as error:
            received = received or str(error).encode()
        seen.seconds.append(time.perf_counter() - begun)
        if not received.startswith(wanted):
            seen.failures.append(received[:60].decode("utf-8", "replace"))


class LargeAnswers:
    """Eight at once ask for the most that can be asked: two months of one-minute slots, a length of 999 hours, the
    table and the day view of such slots, a booking of a year, and the longest addresses.
    """

    name = "answers"
    health_seconds = 5.0

    def __init__(self, portal: SiegePortal) -> None:
        self.portal = portal
        self._statuses = Counter[int]()
        self._largest = 0

    def people(self) -> dict[str, Callable[[Seen], None]]:
        return {}

    def attack(self, seconds: float, scale: float) -> str:
        end = time.monotonic() + seconds
        asks = self._asks()

        def ask(number: int) -> None:
            for method, path, body in itertools.islice(itertools.cycle(asks), number, None):
                if time.monotonic() >= end:
                    return
                headers = self.portal.token("stranger")
                answer = self.portal.ask(method, path, body=body, headers=headers, address=STRANGER_ADDRESS)
                self._statuses[answer.status] += 1
                self._largest = max(self._largest, len(answer.body), sum(map(len, answer.headers.values())))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(max(2, int(8 * scale)))))
        return f"statuses {dict(self._statuses)}, the largest answer has {self._largest:,} bytes"

    def broken(self) -> list[str]:
        found = [f"{status} to a large answer" for status in self._statuses if status == 0 or status >= 500]
        if self._largest > LARGEST_ANSWER:
            found.append(f"an answer of {self._largest:,} bytes")
        return found

    def _asks(self) -> list[tuple[str, str, str | None]]:
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        moments = {days: (now + timedelta(days=days)).isoformat() for days in (0, 1, 62, 366)}
        minutes = self.portal.offerings[0]
        window = f"start={quote(moments[0])}&end={quote(moments[62])}"
        availability = f"/api/booking-offerings/{minutes}/availability/?{window}"
        year = {"offering": minutes, "slots": [{"start": moments[1], "end": moments[366]}]}
        names = "&".join(f"field=name{number}" for number in range(1000))
        return [
            ("GET", f"{availability}&duration=999:00:00", None),
            ("GET", availability, None),
            ("GET", f"/offerings/{minutes}/?from={moments[1][:10]}", None),
            ("GET", f"/timeline/?day={moments[1][:10]}", None),
            ("GET", f"/?date={moments[1][:10]}&hours=24", None),
            # Hardly ever whole hours: refused, so that it holds nothing.
            ("POST", "/api/booking-resources/", json.dumps({**year, "offering": self.portal.offerings[1]})),
            ("GET", f"/api/booking-offerings/?page_size=300&{names}", None),
            ("GET", f"/?{names}", None),
        ]


class Guesses:
    """A thousand guesses at one account and at accounts that do not exist, from one address and from many."""

    name = "guesses"
    health_seconds = 5.0

    def __init__(self, portal: SiegePortal) -> None:
        self.portal = portal
        self._statuses = Counter[int]()
        # Passwords that were compared, by whose they were to be and from where.
        self._compared = Counter[tuple[str, str]]()
        self._begun = time.monotonic()

    def people(self) -> dict[str, Callable[[Seen], None]]:
        self._known = Browser(self.portal, "192.0.2.77")
        # The victim has signed in with this browser before.
        first = self._known.sign_in("victim")
        assert first.status == 303, first
        return {
            "victim, known browser": self._sign_in_known,
            "neighbour, address of the guesser": self._sign_in_neighbour,
            "script, address of the guesser": self._sign_in_script,
            "script of the victim with a token": self._use_token,
        }

    def attack(self, seconds: float, scale: float) -> str:
        self._begun = time.monotonic()
        number, end = int(1000 * scale), self._begun + seconds

        def guess(turn: int) -> None:
            if time.monotonic() > end:
                return
            person = "victim" if turn % 2 else f"nobody{turn}"
            address = SHARED_ADDRESS if turn % 4 < 2 else f"198.51.100.{turn % 250}"
            answer = Browser(self.portal, address).sign_in(person, f"wrong guess number {turn}")
            self._statuses[answer.status] += 1
            if answer.status == 400:
                self._compared[person, address] += 1

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(guess, range(number)))
        while time.monotonic() < end:
            time.sleep(0.1)
        compared = sum(number for (person, _address), number in self._compared.items() if person == "victim")
        statuses = f"statuses {dict(self._statuses)}"
        return f"{sum(self._statuses.values())} guesses, {statuses}, {compared} compared with the victim's password"

    def broken(self) -> list[str]:
        found = [f"{status} to a guess" for status in self._statuses if status not in (400, 429)]
        passed = timedelta(seconds=time.monotonic() - self._begun)
        from_one = Counter({address: number for (who, address), number in self._compared.items() if who == "victim"})
        for what, number, limit in (
            *((f"from {address}", number, ACCOUNT_AND_NETWORK) for address, number in from_one.items()),
            ("from everywhere", from_one.total(), ACCOUNT),
        ):
            if number > limit.burst + passed // limit.interval:
                found.append(f"{number} guesses at one password were compared {what}")
        return found

    def _sign_in_known(self, seen: Seen) -> None:
        self._known.forget_session()
        seen.note(self._known.sign_in("victim"), 303)
        time.sleep(0.3)

    def _sign_in_script(self, seen: Seen) -> None:
        body = json.dumps({"username": "visitor@example.org", "password": PASSWORD})
        headers = {"Content-Type": "application/json"}
        answer = self.portal.ask("POST", "/api-auth/password/", body=body, headers=headers, address=SHARED_ADDRESS)
        seen.note(answer, 200)
        time.sleep(0.3)

    def _use_token(self, seen: Seen) -> None:
        headers = self.portal.token("victim")
        seen.note(self.portal.ask("GET", "/api/booking-offerings/", headers=headers, address=SHARED_ADDRESS))

    def _sign_in_neighbour(self, seen: Seen) -> None:
        seen.note(Browser(self.portal, SHARED_ADDRESS).sign_in("neighbour"), 303)
        time.sleep(0.3)


class Hoarding:
    """One person requests every hour of every offering for a week, as fast as the portal takes it."""

    name = "hoarding"
    health_seconds = 5.0
    # MAX_OPEN_REQUESTS, unless it is set.
    MAX_HELD = 20

    def __init__(self, portal: SiegePortal) -> None:
        self.portal = portal
        self._statuses = Counter[int]()
        self._lock = threading.Lock()
        self._hours = iter(range(24 * 9, 24 * 300))

    def people(self) -> dict[str, Callable[[Seen], None]]:
        return {"books an hour": self._book_honestly}

    def attack(self, seconds: float, scale: float) -> str:
        end = time.monotonic() + seconds
        wanted = [(offering, hour) for hour in range(24, 24 + 7 * 24) for offering in self.portal.offerings[1:]]

        def hold(what: tuple[str, int]) -> None:
            if time.monotonic() < end:
                status = self._book("stranger", STRANGER_ADDRESS, *what)
                with self._lock:
                    self._statuses[status] += 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(hold, wanted[: int(len(wanted) * scale)]))
        return f"the stranger holds {self._statuses[201]} slots; statuses {dict(self._statuses)}"

    def broken(self) -> list[str]:
        found = [f"{status} to a request" for status in self._statuses if status == 0 or status >= 500]
        if self._statuses[201] > self.MAX_HELD:
            found.append(f"one person holds {self._statuses[201]} slots")
        return found

    def _book_honestly(self, seen: Seen) -> None:
        begun = time.perf_counter()
        # Cancelled at once: an honest person does not run into the limits.
        headers = self.portal.token("visitor")
        body = self._body(self.portal.offerings[-1], next(self._hours))
        answer = self.portal.ask("POST", "/api/booking-resources/", body=body, headers=headers)
        seen.note(answer, 201)
        if answer.status == 201:
            uuid = json.loads(answer.body)["uuid"]
            self.portal.ask("POST", f"/api/booking-resources/{uuid}/cancel/", body="{}", headers=headers)
        time.sleep(max(0.0, 1 - (time.perf_counter() - begun)))

    def _book(self, person: str, address: str, offering: str, hour: int) -> int:
        headers = self.portal.token(person)
        body = self._body(offering, hour)
        return self.portal.ask("POST", "/api/booking-resources/", body=body, headers=headers, address=address).status

    def _body(self, offering: str, hour: int) -> str:
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=hour)
        slot = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        return json.dumps({"offering": offering, "slots": [slot], "name": "Siege"})


def _is_open(connection: object) -> bool:
    assert isinstance(connection, socket.socket)
    try:
        return bool(connection.recv(65536))
    except BlockingIOError:
        return True
    except OSError:
        return False


SCENARIOS: dict[str, Callable[[SiegePortal], Scenario]] = {
    kind.name: kind for kind in (SlowConnections, LargeAnswers, Guesses, Hoarding)
}
