"""The limits of the whole portal on what one person holds: open requests, and hours held ahead.

They stop one person from holding every free slot of every offering. Those who manage the offering that is booked, and
staff, are not limited. Pure: what is held and what the limits are is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from portal.domain.zones import duration_text


@dataclass(frozen=True, slots=True)
class Usage:
    """What a person holds of all offerings together: requests that wait for an answer, and time from now on."""

    requests: int = 0
    time: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one person may hold; 0 stands for no limit."""

    requests: int
    hours: int

    def __bool__(self) -> bool:
        return bool(self.requests or self.hours)


def limit_message(limits: Limits, others: Usage, before: Usage, after: Usage) -> str | None:
    """Why a booking may not become `after`, for the person who asks; None where it may.

    `before` is what the booking holds already (nothing, where it is new), `others` what the person's other bookings
    hold. A booking that is moved without holding more is never refused.
    """
    requests, time = others.requests + after.requests, others.time + after.time
    if limits.requests and requests > limits.requests and after.requests > before.requests:
        number = f"{others.requests} open request{'s' if others.requests != 1 else ''}"
        return (
            f"You have {number}, and one person may have {limits.requests} at a time. "
            "Wait until one is answered, or cancel one."
        )
    if limits.hours and time > timedelta(hours=limits.hours) and after.time > before.time:
        most = duration_text(timedelta(hours=limits.hours), days=False)
        return (
            f"One person may hold {most} ahead, over all offerings. You hold "
            f"{duration_text(others.time, days=False)} already, and this adds {duration_text(after.time, days=False)}. "
            "Book less, or cancel a booking."
        )
    return None
