"""The hot reads while five bookings a second are made and an offering is edited each second; and bookings a second.

Each address is asked twice for so many seconds on four connections: with nobody else there, and beside writers in a
process of their own, who book through the API and edit through the service that the pages use.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import secrets
import socket
import threading
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from typing import Any

from flask import Flask
from sqlalchemy import select

from bench.client import Figures, ask
from portal.extensions import db
from portal.models import Offering
from portal.policies import SYSTEM
from portal.queries.offerings import get_visible_offering
from portal.transfer.editing import edit_offering, value_digests

API = "/api/booking-offerings/"
BOOKINGS_A_SECOND = 5
EDITS_A_SECOND = 1
CLIENTS = (1, 4, 16)
# Bookings go to so many offerings, the first ones of the list among them.
BOOKED = 200


def measure(app: Flask, port: int, key: str, busiest: str, seconds: float) -> None:
    """Print both tables."""
    with app.app_context():
        order = select(Offering).order_by(Offering.sort_key, Offering.uuid).limit(2 * BOOKED)
        offerings = [str(it.uuid) for it in db.session.scalars(order) if _is_open(it)][:BOOKED]
        db.session.remove()
        db.engine.dispose()
    signed = {"Authorization": f"Token {key}"}
    rows: dict[str, tuple[str, dict[str, str]]] = {
        "catalogue": ("/", {}),
        "search": ("/?q=microscope", {}),
        "facets": ("/?country=EE&state=Active", {}),
        "list of 10": (f"{API}?page_size=10", signed),
        "list of 100": (f"{API}?page_size=100", signed),
        "retrieve": (f"{API}{busiest}/", signed),
        "detail": (f"/offerings/{busiest}/", {}),
    }
    heads = ("quiet /s", "busy /s", "share", "quiet p99", "busy p99", "booked", "edited")
    print(f"\n{'while others write':26}" + "".join(f"{head:>11}" for head in heads))
    for name, (path, headers) in rows.items():
        ask(port, path, headers, 0.3)
        quiet = ask(port, path, headers, seconds)
        busy, done = _beside_writers(app, port, key, offerings, path, headers, seconds)
        cells = [f"{quiet.rate:.0f}", f"{busy.rate:.0f}", f"{busy.rate / quiet.rate:.2f}"]
        cells += [f"{quiet.p99:.1f}", f"{busy.p99:.1f}", str(done["201"]), str(done["edited"])]
        print(f"{name:26}" + "".join(f"{cell:>11}" for cell in cells), flush=True)
    print(f"\n{'bookings':26}" + "".join(f"{head:>11}" for head in ("accepted/s", "p50 ms", "p95 ms", "others")))
    for clients in CLIENTS:
        print(f"{f'{clients} clients':26}" + _book_fast(port, key, offerings, clients, seconds), flush=True)


def _beside_writers(
    app: Flask, port: int, key: str, offerings: list[str], path: str, headers: dict[str, str], seconds: float
) -> tuple[Figures, Counter[str]]:
    context = multiprocessing.get_context("fork")
    ready, stop = context.Event(), context.Event()
    results: Any = context.SimpleQueue()
    writers = context.Process(target=_write, args=(app, port, key, offerings, ready, stop, results))
    writers.start()
    ready.wait()
    figures = ask(port, path, headers, seconds)
    stop.set()
    done: Counter[str] = results.get()
    writers.join()
    return figures, done


def _write(app: Flask, port: int, key: str, offerings: list[str], ready: Event, stop: Event, results: Any) -> None:
    done = Counter[str]()
    # What the process that started this one has booked is taken.
    Client.turns = itertools.count(secrets.randbelow(1_000_000))

    def book() -> None:
        with Client(port, key) as client:
            while not stop.is_set():
                begun = time.perf_counter()
                done[str(client.book(offerings))] += 1
                time.sleep(max(0.0, 1 / BOOKINGS_A_SECOND - (time.perf_counter() - begun)))

    def edit() -> None:
        turn = 0
        with app.app_context():
            while not stop.is_set():
                begun, target = time.perf_counter(), uuid.UUID(offerings[turn % len(offerings)])
                turn += 1
                known = value_digests(get_visible_offering(SYSTEM, target).document, ["description"])
                db.session.rollback()
                edit_offering(SYSTEM, target, {"description": f"Edited at {time.time()}."}, expected=known)
                done["edited"] += 1
                time.sleep(max(0.0, 1 / EDITS_A_SECOND - (time.perf_counter() - begun)))

    threads = [threading.Thread(target=book), threading.Thread(target=edit)]
    for thread in threads:
        thread.start()
    ready.set()
    for thread in threads:
        thread.join()
    results.put(done)


def _book_fast(port: int, key: str, offerings: list[str], clients: int, seconds: float) -> str:
    times: list[float] = []
    statuses = Counter[int]()
    end = time.perf_counter() + seconds

    def client() -> None:
        with Client(port, key) as connection:
            while time.perf_counter() < end:
                begun = time.perf_counter()
                status = connection.book(offerings)
                times.append(time.perf_counter() - begun)
                statuses[status] += 1

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    p50, p95 = (times[min(len(times) - 1, len(times) * share // 100)] * 1000 for share in (50, 95))
    accepted = statuses.pop(201, 0) / seconds
    return "".join(f"{cell:>11}" for cell in (f"{accepted:.0f}", f"{p50:.0f}", f"{p95:.0f}", str(dict(statuses))))


def _is_open(offering: Offering) -> bool:
    """Whether the hours that are booked (14:00 to 17:00 UTC) lie within the offering's day."""
    return bool(offering.attributes["booking_rules"]["time_zone"] != "Australia/Lord_Howe")


class Client:
    """Books over one connection that is kept. Each booking is for half an hour that nobody has booked before."""

    # Of all clients of this process; another process begins elsewhere.
    turns = itertools.count(secrets.randbelow(1_000_000))

    def __init__(self, port: int, key: str) -> None:
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Token {key}\r\nContent-Type: application/json\r\n"
        self._line = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self._line.close()

    def book(self, offerings: list[str]) -> int:
        """Request half an hour; returns the status (409 where it is taken)."""
        turn = next(self.turns)
        half_hour = turn // len(offerings)
        # Only working days, each once.
        weeks, weekday = divmod(half_hour // 6 % 250, 5)
        today = datetime.now(UTC).date()
        day = today + timedelta(days=7 - today.weekday() + 7 * weeks + weekday)
        start = datetime(day.year, day.month, day.day, 14, tzinfo=UTC) + timedelta(minutes=30 * (half_hour % 6))
        slot = {"start": start.isoformat(), "end": (start + timedelta(minutes=30)).isoformat()}
        body = json.dumps({"offering": offerings[turn % len(offerings)], "slots": [slot], "name": "Bench"}).encode()
        head = f"POST /api/booking-resources/ HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        self._line.sendall(head.encode() + body)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._line.recv(1 << 16)
        head_bytes, _, rest = received.partition(b"\r\n\r\n")
        length = next(
            int(it.partition(b":")[2]) for it in head_bytes.split(b"\r\n") if it.lower().startswith(b"content-length")
        )
        while len(rest) < length:
            rest += self._line.recv(1 << 16)
        return int(head_bytes.split(b" ", 2)[1])
