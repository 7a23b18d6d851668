"""Many ask for one slot at the same instant: does exactly one get it, and is everybody else told so?

    .venv/bin/python -m tools.race [--requests 200] [--processes 4]

Works on an empty database in a temporary folder, or on DATABASE_URL, which must be migrated; there it leaves two
offerings named "Race". Starts the web server as it is shipped with as many processes, and sends the requests from as
many client processes, all at once: first for one slot, then for periods that overlap each other in every way. Prints
what was answered, and exits with 1 unless every instant was booked at most once, every winner's booking stands, and
every loser got a 409 that names the rival and the nearest free slots.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from portal.app import create_app
from portal.config import load_settings
from portal.documents import store as documents
from portal.domain.booking_states import BookingState
from portal.extensions import db, transaction
from portal.models import Booking, Category, Offering, Organization, Slot, User
from portal.policies import SYSTEM
from portal.services import accounts
from tools.guardian import stop
from tools.prepare import ROOT
from tools.run import free_port
from tools.server import server_command
from tools.tree import answers

PEOPLE = 50
STEP = timedelta(minutes=15)
# Periods of one to eight steps that begin within two days: each overlaps many others.
SPREAD = 2 * 24 * 4
LONGEST = 8


@dataclass(frozen=True)
class Ask:
    """One request: who sends it and for which period (instants as texts)."""

    token: str
    offering: str
    start: str
    end: str


@dataclass(frozen=True)
class Answer:
    """What came back: the status (0: no answer), and the body."""

    ask: Ask
    status: int
    body: Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="portal-race-") as folder:
        environ = race_environ(folder)
        problems = run(environ, options.requests, options.processes, options.seed)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


def run(environ: dict[str, str], requests: int, processes: int, seed: int = 0) -> list[str]:
    """Both races on the database of these settings; answers what went wrong, [] where nothing did."""
    one, many, tokens = prepare(environ)
    begin = (datetime.now(UTC) + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    chosen = random.Random(seed)
    problems = []
    with serving(environ, processes) as port:
        for name, offering, asks in (
            ("one slot", one, [_ask(tokens, n, one, begin, 4) for n in range(requests)]),
            (
                "overlapping periods",
                many,
                [
                    _ask(tokens, n, many, begin + chosen.randrange(SPREAD) * STEP, chosen.randint(1, LONGEST))
                    for n in range(requests)
                ],
            ),
        ):
            started = time.monotonic()
            got = send(port, asks, processes)
            took = time.monotonic() - started
            counts = dict(sorted(Counter(answer.status for answer in got).items()))
            print(f"{name}: {requests} requests from {processes} processes in {took:.1f} s: {counts}", flush=True)
            problems += [f"{name}: {problem}" for problem in judge(environ, offering, got)]
    if not problems:
        print("No instant was booked twice; every loser was told the rival and the nearest free slots.")
    return problems


def _ask(tokens: Sequence[str], number: int, offering: str, start: datetime, steps: int) -> Ask:
    return Ask(tokens[number % len(tokens)], offering, start.isoformat(), (start + steps * STEP).isoformat())


def race_environ(folder: str) -> dict[str, str]:
    """The settings to race with: this process's, on a database in the folder unless DATABASE_URL names one."""
    kept = {name: value for name, value in os.environ.items() if name != "QUEUE_URL"}
    environ = {**kept, "HOST": "127.0.0.1", "PORT": str(free_port()), "INSTANCE_PATH": folder, "LOG_LEVEL": "warning"}
    environ.setdefault("SECRET_KEY", secrets.token_hex(32))
    if not environ.get("DATABASE_URL"):
        environ["DATABASE_URL"] = f"sqlite:///{folder}/portal.db"
        upgrade = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
        subprocess.run(upgrade, cwd=ROOT, env=environ, check=True, capture_output=True)
    return environ


def prepare(environ: dict[str, str]) -> tuple[str, str, list[str]]:
    """Two offerings, open round the clock, and people with API tokens; answers their uuids and the tokens."""
    app = create_app(load_settings(environ))
    with app.app_context():
        with transaction() as session:
            organization, category = Organization(name="Race"), Category(title=f"Race {secrets.token_hex(4)}")
            offerings = [_offering(organization, category) for _ in range(2)]
            people = [User(email=f"{secrets.token_hex(8)}@race.example", full_name="Racer") for _ in range(PEOPLE)]
            for person in people:
                person.session_key = secrets.token_hex(16)
            session.add_all([*offerings, *people])
            session.flush()
            documents.refresh(session, [it.id for it in offerings])
            keys = [accounts.create_token(SYSTEM, it.id, "race").key for it in people]
        uuids = [str(it.uuid) for it in offerings]
        db.session.remove()
        db.engine.dispose()
    return uuids[0], uuids[1], keys


def _offering(organization: Organization, category: Category) -> Offering:
    now = datetime.now(UTC)
    entry = {
        "id": "race",
        "start": (now - timedelta(days=1)).isoformat(),
        "end": (now + timedelta(days=60)).isoformat(),
        "extendedProps": {"type": "Availability", "config": {"slotDuration": "00:15:00"}},
    }
    return Offering(
        name="Race",
        sort_key="race",
        organization=organization,
        category=category,
        state="Active",
        shared=True,
        attributes={"schedules": [entry]},
    )


@contextmanager
def serving(environ: dict[str, str], workers: int) -> Iterator[int]:
    """The web server as it is shipped, on the port of these settings."""
    port = int(environ["PORT"])
    command = [sys.executable, *server_command("127.0.0.1", port, workers)]
    server = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not answers("127.0.0.1", port):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("The web server does not start.")
            time.sleep(0.05)
        yield port
    finally:
        stop({server.pid}, 10.0, server.poll)
        server.wait()


def send(port: int, asks: Sequence[Ask], processes: int) -> list[Answer]:
    """Send all of them at once, from so many processes, each request on a connection of its own."""
    shares = [list(asks[number::processes]) for number in range(processes)]
    command = [sys.executable, "-m", "tools.burst"]
    children = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in shares
    ]
    for child, share in zip(children, shares, strict=True):
        _tell(child, json.dumps({"port": port, "requests": [_request(ask) for ask in share]}))
    for child in children:
        _heard(child)
    for child in children:
        _tell(child, "go")
    found = []
    for child, share in zip(children, shares, strict=True):
        answers = json.loads(_heard(child))
        found += [Answer(ask, status, body) for ask, (status, body) in zip(share, answers, strict=True)]
        child.communicate()
    return found


def _tell(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def _heard(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def _request(ask: Ask) -> dict[str, Any]:
    return {
        "path": "/api/booking-resources/",
        "headers": {"Authorization": f"Token {ask.token}", "Content-Type": "application/json"},
        "body": {"offering": ask.offering, "slots": [{"start": ask.start, "end": ask.end}]},
    }


def judge(environ: dict[str, str], offering: str, got: Sequence[Answer]) -> list[str]:
    """What is wrong with the answers and with what stands in the database afterwards."""
    problems = [f"answered {it.status}: {str(it.body)[:200]}" for it in got if it.status not in (201, 409)]
    won = [it for it in got if it.status == 201]
    problems += [f"a loser was told too little: {it.body}" for it in got if it.status == 409 and not _told(it.body)]
    stand = standing(environ, offering)
    if [start for start, _ in stand] != sorted(datetime.fromisoformat(it.ask.start) for it in won):
        problems.append(f"{len(won)} were told that they have a booking, and {len(stand)} stand")
    problems += [f"{one} and {two} overlap" for one, two in pairwise(stand) if one[1] > two[0]]
    if not won:
        problems.append("nobody got a booking")
    for lost in (it for it in got if it.status == 409):
        start, end = datetime.fromisoformat(lost.ask.start), datetime.fromisoformat(lost.ask.end)
        if not any(one < end and two > start for one, two in stand):
            problems.append(f"{lost.ask.start} to {lost.ask.end} was refused, and nothing stands there")
    return problems


def _told(body: Any) -> bool:
    return isinstance(body, dict) and bool(body.get("detail")) and bool(body.get("rival")) and bool(body.get("free"))


def standing(environ: dict[str, str], offering: str) -> list[tuple[datetime, datetime]]:
    """What is held of an offering, in order of time."""
    app = create_app(load_settings(environ))
    with app.app_context():
        rows = db.session.execute(
            select(Slot.start, Slot.end)
            .join(Booking, Booking.id == Slot.booking_id)
            .join(Offering, Offering.id == Slot.offering_id)
            .where(Offering.uuid == uuid.UUID(offering), Slot.holds.is_(True))
            .where(Booking.state == BookingState.REQUESTED.value)
            .order_by(Slot.start)
        ).all()
        db.session.remove()
        db.engine.dispose()
    return [(row.start, row.end) for row in rows]


if __name__ == "__main__":
    main()
