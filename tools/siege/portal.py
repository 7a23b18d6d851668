"""A portal of its own for a siege: a database in a temporary folder, people, offerings, and the shipped server."""

from __future__ import annotations

import http.client
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from portal.app import create_app
from portal.config import load_settings
from portal.documents import store as documents
from portal.extensions import transaction
from portal.models import Category, Offering, Organization, User
from portal.policies import SYSTEM
from portal.services import accounts
from tools.prepare import ROOT
from tools.run import free_port
from tools.server import server_command, server_environ
from tools.tree import answers

PASSWORD = "Quartz-harbour-91-lantern"  # noqa: S105 - of people who exist for a minute
PEOPLE = ("victim", "neighbour", "stranger", "visitor")
OFFERINGS = 25
PROCESSES = 2
# What a client sends in X-Forwarded-For; the siege is its own proxy.
HONEST_ADDRESS = "192.0.2.10"


@dataclass(frozen=True)
class Answer:
    """What came back: the status (0 for none), the headers in lower case, the body, how long it took, and cookies."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True)
class SiegePortal:
    """The portal under siege. `tokens` are API tokens by person, `offerings` UUIDs."""

    port: int
    tokens: dict[str, str]
    offerings: list[str]

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
        address: str = HONEST_ADDRESS,
        timeout: float = 30,
    ) -> Answer:
        """One request on a connection of its own. An answer with status 0 means that there was none."""
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {"X-Forwarded-For": address, **(headers or {})})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            cookies = tuple(response.headers.get_all("Set-Cookie", []))
            return Answer(response.status, found, response.read(), time.perf_counter() - begun, cookies)
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, b"", time.perf_counter() - begun)
        finally:
            connection.close()

    def token(self, person: str) -> dict[str, str]:
        """The headers of an API request by this person."""
        return {"Authorization": f"Token {self.tokens[person]}", "Content-Type": "application/json"}


class Browser:
    """Keeps cookies and fills in the sign-in form."""

    def __init__(self, portal: SiegePortal, address: str) -> None:
        self._portal = portal
        self._address = address
        self._cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """One request with the cookies that this browser has."""
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        answer = self._portal.ask(
            method, path, body=body, headers={"Cookie": cookies, **headers}, address=self._address
        )
        for cookie in answer.cookies:
            self._cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return answer

    def sign_in(self, person: str, password: str = PASSWORD) -> Answer:
        """Fetch the form and send it: 303 where the password was right."""
        form = self.ask("GET", "/login")
        fields = {"csrf_token": csrf_token(form.body), "email": f"{person}@example.org", "password": password}
        return self.ask("POST", "/login", urlencode(fields), **{"Content-Type": "application/x-www-form-urlencoded"})

    def forget_session(self) -> None:
        """Drop the session as closing the browser does; what names the device stays."""
        self._cookies = {name: value for name, value in self._cookies.items() if "session" not in name}


class _Token(HTMLParser):
    value = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("name") == "csrf_token":
            self.value = found.get("value") or ""


def csrf_token(page: bytes) -> str:
    """The token of the first form on a page; empty where there is none."""
    parser = _Token()
    parser.feed(page.decode("utf-8", "replace"))
    return parser.value


@contextmanager
def besieged() -> Iterator[SiegePortal]:
    """A portal that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="portal-siege-") as folder:
        port = free_port()
        environ = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "QUEUE_URL")},
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "INSTANCE_PATH": folder,
            "SECRET_KEY": secrets.token_hex(32),
            "LOG_LEVEL": "error",
            "PROXY_HOPS": "1",
        }
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
        subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
        app = create_app(load_settings(environ))
        with app.app_context():
            tokens, offerings = _fill()
        environ |= server_environ(Path(folder))
        server = subprocess.Popen(
            [sys.executable, *server_command("127.0.0.1", port, PROCESSES)],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while not answers("127.0.0.1", port):
                if server.poll() is not None:
                    sys.exit("The web server ended by itself (see above).")
                time.sleep(0.05)
            portal = SiegePortal(port, tokens, offerings)
            while portal.ask("GET", "/healthz").status != 200:
                time.sleep(0.1)
            yield portal
        finally:
            # The parent alone: processes that are told twice wait until they are killed.
            server.terminate()
            server.wait()


def _fill() -> tuple[dict[str, str], list[str]]:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    schedule = {
        "id": "open",
        "start": (now - timedelta(days=1)).isoformat(),
        "end": (now + timedelta(days=400)).isoformat(),
        "title": "",
        "allDay": True,
        "extendedProps": {"type": "Availability", "config": {"slotDuration": "01:00:00", "weekends": True}},
    }
    minutes = {**schedule, "extendedProps": {"type": "Availability", "config": {"slotDuration": "00:01:00"}}}
    with transaction() as session:
        organization, category = Organization(name="Institute"), Category(title="Microscopes")
        people = {
            name: User(email=f"{name}@example.org", full_name=name.title(), session_key=secrets.token_hex(16))
            for name in PEOPLE
        }
        offerings = [
            Offering(
                name=f"Microscope {number:02}",
                sort_key=f"microscope {number:02}",
                state="Active",
                shared=True,
                organization=organization,
                category=category,
                attributes={"schedules": [minutes if number == 0 else schedule]},
            )
            for number in range(OFFERINGS)
        ]
        session.add_all([organization, category, *people.values(), *offerings])
        session.flush()
        for person in people.values():
            accounts.set_password(SYSTEM, person.id, PASSWORD)
        tokens = {name: accounts.create_token(SYSTEM, person.id, "siege").key for name, person in people.items()}
        documents.refresh(session, [it.id for it in offerings])
    return tokens, [str(it.uuid) for it in offerings]
