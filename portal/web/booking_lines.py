"""Bookings as lines of a list, and which of the reader's own bookings overlap chosen times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.domain.periods import Period
from portal.domain.zones import parse_zone
from portal.queries import bookings as queries
from portal.queries.bookings import BookingView
from portal.web.booking_form import clocks
from portal.web.people import current_actor


def overlapping(periods: Sequence[Period], *, except_booking: int = 0) -> list[dict[str, Any]]:
    """The reader's other bookings at these times, for a warning: nothing forbids them."""
    return [
        {
            **line,
            "slots": [
                clock
                for slot, clock in zip(view.booking.slots, line["slots"], strict=True)
                if any(Period(slot.start, slot.end).overlaps(period) for period in periods)
            ],
        }
        for view in queries.own_bookings_during(current_actor(), periods, except_booking=except_booking)
        for line in [line_of(view)]
    ]


def line_of(view: BookingView) -> dict[str, Any]:
    """A booking with its times in its own time zone."""
    zone = parse_zone(view.details.zone)
    return {
        "booking": view.booking,
        "details": view.details,
        "slots": [clocks(Period(it.start, it.end), zone) for it in view.booking.slots],
        "zone": zone.key,
    }
