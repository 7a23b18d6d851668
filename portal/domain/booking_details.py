"""The names of what a booking refers to, stored with the booking as the booker saw them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BookingDetails:
    """Names of the offering, provider, plan, project and time zone, and the order form as (label, answer) pairs.

    Unknown values are empty.
    """

    offering: str = ""
    provider: str = ""
    plan: str = ""
    project: str = ""
    zone: str = ""
    answers: tuple[tuple[str, str], ...] = ()


def details_to_json(booked: BookingDetails) -> dict[str, Any]:
    """For Booking.as_booked."""
    return asdict(booked) | {"answers": [list(pair) for pair in booked.answers]}


def details_from_json(stored: Mapping[str, Any] | None, name: str) -> BookingDetails:
    """The details stored with a booking called `name`; older bookings have none, and get their own name."""
    known = stored or {}
    texts = {key: str(known.get(key) or "") for key in ("offering", "provider", "plan", "project", "zone")}
    answers = tuple((str(label), str(text)) for label, text in known.get("answers") or ())
    return BookingDetails(**{**texts, "offering": texts["offering"] or name}, answers=answers)
