"""What a booking is of, in the words that its booker was shown: kept with the booking, for when they see no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BookingDetails:
    """Names and texts that are not the booking's own. What is not known is empty.

    `answers` are those to the order form, as labels and texts; `zone` is the name of the offering's time zone.
    """

    offering: str = ""
    provider: str = ""
    plan: str = ""
    project: str = ""
    zone: str = ""
    answers: tuple[tuple[str, str], ...] = ()


def details_to_json(booked: BookingDetails) -> dict[str, Any]:
    """As JSON, to be kept with the booking."""
    return asdict(booked) | {"answers": [list(pair) for pair in booked.answers]}


def details_from_json(kept: Mapping[str, Any] | None, name: str) -> BookingDetails:
    """What was kept with a booking called `name`; of one that is older than this, what little is known."""
    known = kept or {}
    texts = {key: str(known.get(key) or "") for key in ("offering", "provider", "plan", "project", "zone")}
    answers = tuple((str(label), str(text)) for label, text in known.get("answers") or ())
    return BookingDetails(**{**texts, "offering": texts["offering"] or name}, answers=answers)
