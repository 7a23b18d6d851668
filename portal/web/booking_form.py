"""The form of the booking pages: slots ticked in the week table, typed times and the other fields, kept when refused.

Ticked slots are exact instants. Typed times are wall-clock times (YYYY-MM-DDTHH:MM) in the offering's time zone.
"""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from werkzeug.datastructures import MultiDict

from portal.domain.messages import N_, Message
from portal.domain.order_form import FormQuestion, InvalidAnswers
from portal.domain.periods import Period, PeriodError, merge, subtract
from portal.domain.zones import instants_at, period_text
from portal.errors import Invalid
from portal.localization import localized
from portal.services.booking_requests import MAX_PERIODS
from portal.services.slot_allocation import SlotRefused, SlotTaken
from portal.web.forms import Errors, rows_of
from portal.web.week import parse_slot

WALL = "%Y-%m-%dT%H:%M"
PREFIX = "answer-"
# So many separate periods of a form are looked at: more than go into one booking, so nothing is left out unnoticed.
MAX_PICKED = MAX_PERIODS * 20


@dataclass(slots=True)
class TypedPeriod:
    """A period as it was typed; `error` says why it means none."""

    start: str = ""
    end: str = ""
    error: str = ""

    @property
    def is_blank(self) -> bool:
        return not (self.start.strip() or self.end.strip())

    def period(self, zone: ZoneInfo) -> Period | None:
        """The period that is meant; None, with the reason in `error`, where there is none."""
        try:
            start, end = typed_instants(self.start, zone, "start"), typed_instants(self.end, zone, "end")
            # Of an hour that is shown twice the first one is meant, unless that would end before it starts.
            return Period(start[0], next((it for it in end if it > start[0]), end[-1]))
        except PeriodError:
            self.error = Message("End must be after start.")
        except ValueError as error:
            self.error = error.args[0]
        return None


@dataclass(slots=True)
class BookingForm:
    """What the form holds. `key` makes sending it twice harmless. `refused` are the service's reasons, by period."""

    picks: list[Period] = field(default_factory=list)
    typed: list[TypedPeriod] = field(default_factory=lambda: [TypedPeriod()])
    plan: str = ""
    project: str = ""
    name: str = ""
    note: str = ""
    key: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)
    refused: dict[Period, str] = field(default_factory=dict)

    def readable(self, zone: ZoneInfo) -> list[Period]:
        """All periods that are chosen, in order; neighbouring slots are one. Unreadable ones are left out."""
        typed = (TypedPeriod(it.start, it.end).period(zone) for it in self.typed if not it.is_blank)
        return sorted({*merge(self.picks), *(it for it in typed if it is not None)})

    def requested(self, zone: ZoneInfo) -> list[Period]:
        """All periods that are chosen. Raises Invalid where a typed one can't be read, or there is none."""
        if None in [it.period(zone) for it in self.typed if not it.is_blank]:
            raise Invalid(N_("Check the times that you typed."), "slots")
        found = self.readable(zone)
        if not found:
            raise Invalid(N_("Choose at least one free slot."), "slots")
        return [*merge(self.picks), *(it for typed in self.typed if not typed.is_blank if (it := typed.period(zone)))]

    def refuse(self, error: Invalid | SlotTaken) -> int:
        """Keep the service's reason for the field or period that it is about. Returns the HTTP status."""
        if isinstance(error, SlotTaken | SlotRefused) and error.asked is not None:
            self.refused[error.asked] = error.message
        elif isinstance(error, InvalidAnswers):
            self.errors.update({f"{PREFIX}{key}": reason for key, reason in error.errors.items()})
        elif isinstance(error, Invalid) and error.field == "Idempotency-Key":
            self.key = uuidlib.uuid4().hex
            self.errors["slots"] = Message("This form was already sent and is booked. Send it again to book once more.")
        else:
            self.errors[(error.field if isinstance(error, Invalid) else None) or "slots"] = error.message
        return 409 if isinstance(error, SlotTaken) else 400

    def replace(self, old: Period, new: Period | None, zone: ZoneInfo) -> None:
        """Remove a chosen period, or put another one in its place."""
        self.picks = subtract(self.picks, [old])
        self.typed = [it for it in self.typed if TypedPeriod(it.start, it.end).period(zone) != old] or [TypedPeriod()]
        if new is not None:
            self.picks = sorted({*self.picks, new})


def picked(values: Iterable[str]) -> list[Period]:
    """The slots of checkboxes that were ticked, each once, in order. What is no period is left out.

    Of very many slots, neighbours become one period.
    """
    found = sorted({it for value in values if (it := parse_slot(value)) is not None})
    return found if len(found) <= MAX_PICKED else merge(found)[:MAX_PICKED]


def from_address() -> BookingForm:
    """The form as it is first shown: with what was picked in a table (`slot`), or given as `start` and `end`."""
    ends = zip(request.args.getlist("start"), request.args.getlist("end"), strict=False)
    picks = picked([*request.args.getlist("slot"), *(f"{start}/{end}" for start, end in ends)])
    return BookingForm(picks, plan=request.args.get("plan", ""), key=uuidlib.uuid4().hex)


def from_form(questions: Sequence[FormQuestion]) -> BookingForm:
    """The form as it was sent. Raises Invalid where typed periods lack a field, which would drop some of them."""
    form = request.form
    typed = [TypedPeriod(*it) for it in rows_of(form, ("start", "end"))]
    return BookingForm(
        picked(form.getlist("slot")),
        # One too many stays, and is refused with the reason.
        typed[: MAX_PERIODS + 1] or [TypedPeriod()],
        plan=form.get("plan", ""),
        project=form.get("project", ""),
        name=form.get("name", ""),
        note=form.get("note", "").replace("\r\n", "\n"),
        key=form.get("key", "")[:64],
        answers=_answers(questions, form),
    )


def press_buttons(sent: BookingForm, zone: ZoneInfo) -> bool:
    """Do what a button inside the form does; returns whether one was pressed. None of them books.

    Another week, one more typed period, one less, a chosen period less, an alternative in place of a refused period.
    """
    form = request.form
    if "add" in form and len(sent.typed) < MAX_PERIODS:
        sent.typed.append(_following(sent.typed[-1], zone))
    if number := form.get("remove"):
        if number.isascii() and number.isdigit() and len(number) < 4 and int(number) < len(sent.typed):
            del sent.typed[int(number)]
        sent.typed = sent.typed or [TypedPeriod()]
    if old := parse_slot(form.get("drop", "")):
        sent.replace(old, None, zone)
    if "use" in form:
        values = [parse_slot(it) for it in form["use"].split(" ")[:2]]
        if len(values) == 2 and values[0] and values[1]:
            sent.replace(values[0], values[1], zone)
    return any(it in form for it in ("add", "remove", "drop", "use", "show", "check"))


def clocks(period: Period, zone: ZoneInfo) -> dict[str, str]:
    """A period in the offering's time zone and in UTC, and as instants for the reader's own time zone."""
    return {
        "text": period_text(period, zone),
        "utc": "" if zone.key == "UTC" else f"{localized(period_text(period, ZoneInfo('UTC')))} UTC",
        "zone": zone.key,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
    }


def _following(last: TypedPeriod, zone: ZoneInfo) -> TypedPeriod:
    """A new period at the same time of the next day: what most people add."""
    period = last.period(zone) if not last.is_blank else None
    if period is None:
        return TypedPeriod()
    day = timedelta(days=1)
    wall = [it.astimezone(zone).replace(tzinfo=None) + day for it in (period.start, period.end)]
    return TypedPeriod(wall[0].strftime(WALL), wall[1].strftime(WALL))


MISSING = {"start": N_("Enter a start."), "end": N_("Enter an end.")}
UNREADABLE = {
    "start": N_("Start: enter a date and time such as 2026-03-31 09:30."),
    "end": N_("End: enter a date and time such as 2026-03-31 09:30."),
}


def typed_instants(text: str, zone: ZoneInfo, which: str) -> Sequence[datetime]:
    """The instants at which the zone's clocks show a typed date and time (`portal.domain.zones.instants_at`).

    `which` is "start" or "end". Raises ValueError with a Message.
    """
    if not text.strip():
        raise ValueError(Message(MISSING[which]))
    try:
        wall = datetime.fromisoformat(text.strip())
        if wall.tzinfo is not None or not 1970 <= wall.year <= 9000:
            raise ValueError
    except ValueError:
        raise ValueError(Message(UNREADABLE[which])) from None
    return instants_at(wall, zone)


def _answers(questions: Sequence[FormQuestion], form: MultiDict[str, str]) -> dict[str, Any]:
    return dict(_given(questions, form))


def _given(questions: Sequence[FormQuestion], form: MultiDict[str, str]) -> Iterator[tuple[str, Any]]:
    for question in questions:
        values = [value.replace("\r\n", "\n") for value in form.getlist(f"{PREFIX}{question.key}")]
        if question.takes_many:
            split = values if question.choices else [it for value in values for it in value.splitlines()]
            yield question.key, [value.strip() for value in split if value.strip()]
        elif question.type == "boolean":
            yield question.key, bool(values)
        elif question.type == "conditional_cascade":
            yield question.key, dict(_steps(values))
        elif values:
            # An emptied field is no answer; a default is for those who never saw the question.
            yield question.key, values[-1]


def _steps(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Lines such as "site: north" of a cascade."""
    for line in (line for value in values for line in value.splitlines()):
        name, separator, value = line.partition(":")
        if separator and name.strip():
            yield name.strip(), value.strip()


def first_answers(questions: Sequence[FormQuestion]) -> Mapping[str, Any]:
    """The defaults, for a form that is shown the first time."""
    return {question.key: question.default for question in questions if question.default is not None}
