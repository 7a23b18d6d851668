"""Portal-wide limits for one user: open requests, and hours booked ahead.

They keep a single user from booking every free slot of every offering. Staff, and the managers of the booked offering,
are not limited.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from portal.domain.messages import Message, Plural
from portal.domain.zones import duration_text


@dataclass(frozen=True, slots=True)
class Usage:
    """A user's open requests and booked time from now on, over all offerings."""

    requests: int = 0
    time: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum for one user; 0 means no limit."""

    requests: int
    hours: int

    def __bool__(self) -> bool:
        return bool(self.requests or self.hours)


def limit_message(limits: Limits, others: Usage, before: Usage, after: Usage) -> str | None:
    """Why a booking may not change from `before` to `after`, for its booker; None if it may.

    `before` is empty for a new booking, `others` is the usage of the user's other bookings. A change that does not
    increase the booking's own usage is never refused.
    """
    requests, time = others.requests + after.requests, others.time + after.time
    if limits.requests and requests > limits.requests and after.requests > before.requests:
        return Plural(
            "You have %(number)s open request, and one person may have %(most)s at a time. "
            "Wait until one is answered, or cancel one.",
            "You have %(number)s open requests, and one person may have %(most)s at a time. "
            "Wait until one is answered, or cancel one.",
            others.requests,
            most=limits.requests,
        )
    if limits.hours and time > timedelta(hours=limits.hours) and after.time > before.time:
        return Message(
            "One person may hold %(most)s ahead, over all offerings. You hold %(held)s already, and this adds "
            "%(added)s. Book less, or cancel a booking.",
            most=duration_text(timedelta(hours=limits.hours), days=False),
            held=duration_text(others.time, days=False),
            added=duration_text(after.time, days=False),
        )
    return None
