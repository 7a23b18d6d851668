"""The form in which somebody asks for periods: typed times by the offering's clocks, what was picked in the table,
and everything else, kept through every refusal.

Rows hold what was typed (YYYY-MM-DDTHH:MM, the offering's wall clock) and, where a row comes from the table, the exact
instants as well: in the hour that clocks show twice the typed text alone would not say which one is meant.
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

from portal.domain.order_form import FormQuestion, InvalidAnswers
from portal.domain.periods import Period, PeriodError, merge
from portal.domain.zones import instants_at, period_text
from portal.errors import Invalid
from portal.services.booking_requests import MAX_PERIODS
from portal.services.slot_allocation import SlotRefused, SlotTaken
from portal.web.forms import Errors, rows_of
from portal.web.week import parse_slot, slot_value

WALL = "%Y-%m-%dT%H:%M"
PREFIX = "answer-"


@dataclass(frozen=True, slots=True)
class Alternative:
    """A free period that a button puts in the place of the one that was refused."""

    row: int
    value: str
    clock: dict[str, str]


@dataclass(slots=True)
class Row:
    """One period as it stands in the form."""

    start: str = ""
    end: str = ""
    exact: str = ""
    error: str = ""

    @classmethod
    def of(cls, period: Period, zone: ZoneInfo) -> Row:
        start, end = (it.astimezone(zone).strftime(WALL) for it in (period.start, period.end))
        return cls(start, end, slot_value(period.start, period.end))

    def period(self, zone: ZoneInfo) -> Period | None:
        """The period that the row means; None, with the reason in `error`, where it means none."""
        exact = parse_slot(self.exact)
        if exact is not None and (self.start, self.end) == (Row.of(exact, zone).start, Row.of(exact, zone).end):
            return exact
        try:
            start, end = typed_instants(self.start, zone, "start"), typed_instants(self.end, zone, "end")
            # Of an hour that is shown twice the first one is meant, unless that would end before it starts.
            return Period(start[0], next((it for it in end if it > start[0]), end[-1]))
        except PeriodError:
            self.error = "End must be after start."
        except ValueError as error:
            self.error = str(error)
        return None


@dataclass(slots=True)
class Sent:
    """What stands in the form. `key` makes sending it twice harmless."""

    rows: list[Row] = field(default_factory=list)
    plan: str = ""
    project: str = ""
    name: str = ""
    note: str = ""
    key: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)

    def periods(self, zone: ZoneInfo) -> list[Period] | None:
        """The periods of all rows; None where a row means none (its `error` says why)."""
        found = [row.period(zone) for row in self.rows]
        return None if None in found else [it for it in found if it is not None]

    def refused(self, error: Invalid | SlotTaken, zone: ZoneInfo) -> tuple[list[Alternative], int]:
        """Put what the service refused beside the field or row that it is about.

        Returns what could be booked instead, and the HTTP status.
        """
        if isinstance(error, SlotTaken):
            row = self._blame(error.asked, zone, error.message)
            found = [Alternative(row, slot_value(it.start, it.end), clocks(it, zone)) for it in error.alternatives]
            return found, 409
        if isinstance(error, SlotRefused):
            self._blame(error.asked, zone, error.message)
        elif isinstance(error, InvalidAnswers):
            self.errors.update({f"{PREFIX}{key}": reason for key, reason in error.errors.items()})
        elif error.field == "Idempotency-Key":
            self.key = uuidlib.uuid4().hex
            self.errors["slots"] = "This form was sent before, and the booking is made. Send it again for another one."
        else:
            self.errors[error.field or "slots"] = error.message
        return [], 400

    def _blame(self, asked: Period | None, zone: ZoneInfo, text: str) -> int:
        """Put a refusal beside the row of these times, or above all; returns the row's number, or 0."""
        for number, row in enumerate(self.rows):
            if asked is not None and row.period(zone) == asked:
                row.error = text
                return number
        self.errors["slots"] = text
        return 0

    def demanded(self, zone: ZoneInfo) -> list[Period]:
        """The periods of all rows. Raises Invalid where a row means none."""
        periods = self.periods(zone)
        if periods is None:
            raise Invalid("One of the periods can't be read: see below.", "slots")
        return periods

    def readable(self, zone: ZoneInfo) -> list[Period]:
        """The periods of those rows that mean one, without a word about the others."""
        return [period for _, period in self.readable_rows(zone)]

    def readable_rows(self, zone: ZoneInfo) -> list[tuple[Row, Period]]:
        """Those rows that mean a period, each with it."""
        found = ((row, Row(row.start, row.end, row.exact).period(zone)) for row in self.rows if row.start or row.end)
        return [(row, it) for row, it in found if it is not None]


def picked(values: Iterable[str]) -> list[Period]:
    """The periods of checkboxes that were ticked; those that touch become one. What is no period is left out."""
    return merge(it for value in list(values)[: MAX_PERIODS * 20] if (it := parse_slot(value)) is not None)


def from_address(zone: ZoneInfo) -> Sent:
    """The form as it is first shown: with what was picked in the table (`slot`), or given as `start` and `end`."""
    ends = zip(request.args.getlist("start"), request.args.getlist("end"), strict=False)
    periods = picked([*request.args.getlist("slot"), *(f"{start}/{end}" for start, end in ends)])
    rows = [Row.of(it, zone) for it in periods[:MAX_PERIODS]]
    return Sent(rows or [Row()], plan=request.args.get("plan", ""), key=uuidlib.uuid4().hex)


def from_form(questions: Sequence[FormQuestion]) -> Sent:
    """The form as it was sent. Raises Invalid where it lacks fields of its periods, which would drop some of them."""
    form = request.form
    rows = [Row(*it) for it in rows_of(form, ("start", "end", "exact"))]
    return Sent(
        # One too many stays, and is refused with the reason.
        rows[: MAX_PERIODS + 1] or [Row()],
        plan=form.get("plan", ""),
        project=form.get("project", ""),
        name=form.get("name", ""),
        note=form.get("note", "").replace("\r\n", "\n"),
        key=form.get("key", "")[:64],
        answers=_answers(questions, form),
    )


def act_on_rows(sent: Sent, zone: ZoneInfo) -> bool:
    """Add, remove or replace a row, where one of those buttons was pressed; answers whether one was."""
    form = request.form
    if "add" in form:
        if len(sent.rows) < MAX_PERIODS:
            sent.rows.append(_following(sent.rows[-1], zone))
        return True
    if "remove" in form:
        number = form["remove"]
        if number.isascii() and number.isdigit() and len(number) < 4 and int(number) < len(sent.rows):
            del sent.rows[int(number)]
        sent.rows = sent.rows or [Row()]
        return True
    if "use" in form:
        number, _, value = form["use"].partition(" ")
        period = parse_slot(value)
        known = number.isascii() and number.isdigit() and len(number) < 4 and int(number) < len(sent.rows)
        if period is not None and known:
            sent.rows[int(number)] = Row.of(period, zone)
        return True
    return False


def clocks(period: Period, zone: ZoneInfo) -> dict[str, str]:
    """A period by the offering's clocks and in UTC, and as instants for the reader's own clock."""
    return {
        "text": period_text(period, zone),
        "utc": "" if zone.key == "UTC" else f"{period_text(period, ZoneInfo('UTC'))} UTC",
        "zone": zone.key,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
    }


def _following(last: Row, zone: ZoneInfo) -> Row:
    """A new row for the same time of the next day: what most people add."""
    period = last.period(zone)
    if period is None:
        return Row()
    day = timedelta(days=1)
    wall = [it.astimezone(zone).replace(tzinfo=None) + day for it in (period.start, period.end)]
    return Row(wall[0].strftime(WALL), wall[1].strftime(WALL))


def typed_instants(text: str, zone: ZoneInfo, what: str) -> Sequence[datetime]:
    """The instants at which the zone's clocks show a typed date and time (`portal.domain.zones.instants_at`).

    Raises ValueError with a sentence that calls it `what` ("start", "end").
    """
    if not text.strip():
        raise ValueError(f"Enter when it {what}s.")
    try:
        wall = datetime.fromisoformat(text.strip())
        if wall.tzinfo is not None or not 1970 <= wall.year <= 9000:
            raise ValueError
    except ValueError:
        raise ValueError(f"The {what} is not a date and time such as 2026-03-31 09:30.") from None
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
