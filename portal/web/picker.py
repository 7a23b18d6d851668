"""The picker of the booking pages: a week to tick slots in, and the chosen times with what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request

from portal.domain.periods import Period
from portal.domain.zones import period_text
from portal.policies import Actor
from portal.queries.availability import (
    explain_all,
    nearest_free,
    next_free,
    offering_availability,
    parse_attributes,
    slots_within,
    zone_of,
)
from portal.services.booking_requests import MAX_PERIODS
from portal.web.booking_form import BookingForm, clocks
from portal.web.forms import Problem
from portal.web.week import (
    Offered,
    Week,
    build_week,
    days_shown,
    first_day,
    parse_slot,
    slot_value,
    span_of,
    ticks,
)

# Of so many refused periods the nearest free times are looked for.
MAX_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where times are chosen: an offering, for the person who holds the booking (`except_booking`: the one moved)."""

    offering_id: int
    attributes: Mapping[str, Any]
    active: bool
    booker: Actor
    now: datetime
    except_booking: int | None = None

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.attributes)


@dataclass(frozen=True, slots=True)
class Picker:
    """The week shown, which of its boxes are ticked, and the slots picked in other weeks."""

    week: Week
    first: date
    ticked: frozenset[str]
    carried: list[str]


@dataclass(frozen=True, slots=True)
class ChosenTime:
    """A period that is chosen; `refusal` says why it can't be booked, `alternatives` what can, as (value, text)."""

    value: str
    clock: dict[str, str]
    refusal: str = ""
    alternatives: list[tuple[str, str]] = field(default_factory=list)


def week_picker(
    place: Place,
    picks: Sequence[Period],
    begins: datetime | None = None,
    shown: Callable[[Iterable[Offered]], Iterable[Offered]] = lambda blocks: blocks,
) -> Picker:
    """The week asked for (`show` or `from`), else that of the first pick or `begins`, else the first with a free slot.

    `shown` changes how blocks are shown.
    """
    zone = place.zone
    today = place.now.astimezone(zone).date()
    days = days_shown(parse_attributes(place.attributes).schedule.config)
    asked = request.form.get("show") or request.values.get("from")
    first = first_day(asked, today)
    if not asked and picks:
        ahead = first_day(min(picks).start.astimezone(zone).date().isoformat(), today) - today
        first = today + timedelta(days=ahead.days // days * days)
    elif not asked and begins:
        first = first_day(begins.astimezone(zone).date().isoformat(), today)
    week = _week(place, first, days, shown)
    if not asked and first == today and not week.any_free and week.next_free_day:
        first = week.next_free_day
        week = _week(place, first, days, shown)
    ticked, carried = ticks(week, picks)
    week = replace(week, open_day=_open_day(week, ticked))
    slots = [slot for run in map(parse_slot, carried) if run for slot in slots_within(place.attributes, run)]
    return Picker(week, first, ticked, [slot_value(it.start, it.end) for it in slots])


def _open_day(week: Week, ticked: frozenset[str]) -> int:
    """The day that a phone shows: the one shown before, else the first with a tick, else the first with a free slot."""
    shown = request.form.get("shown_day", "")
    if "show" not in request.form and shown in map(str, range(len(week.days))):
        return int(shown)
    days = (cell.day for row in week.rows for cell in row.cells if cell.slot in ticked)
    return min(days, default=week.open_day)


def _week(place: Place, first: date, days: int, shown: Callable[[Iterable[Offered]], Iterable[Offered]]) -> Week:
    zone = place.zone
    window = Period(*span_of(first, zone.key, days))
    free = offering_availability(
        place.offering_id, place.attributes, window, place.now, place.booker, except_booking=place.except_booking
    )
    blocks = [block for day in free.days(first, days) for block in day.blocks]
    following = None
    if place.active and not any(it.is_free for it in blocks):
        following = next_free([(place.offering_id, place.attributes)], place.now).get(place.offering_id)
    return build_week(
        shown(blocks),
        first,
        zone.key,
        place.now,
        following.start if following else None,
        bookable=place.active,
        days=days,
    )


def chosen_times(place: Place, sent: BookingForm) -> list[ChosenTime]:
    """The chosen periods as they could be booked now, by the rules of the booking service."""
    zone = place.zone
    # One too many is refused as a whole.
    periods = sent.readable(zone)[: MAX_PERIODS + 1]
    if not place.active:
        return [ChosenTime(slot_value(it.start, it.end), clocks(it, zone)) for it in periods]
    refusals = {
        period: refusal.text if refusal else sent.refused.get(period, "")
        for period, refusal in explain_all(
            place.offering_id,
            place.attributes,
            periods,
            place.now,
            place.booker,
            except_booking=place.except_booking,
        )
    }
    searched = [it for it in periods if refusals[it]][:MAX_ALTERNATIVES]
    return [
        ChosenTime(
            slot_value(it.start, it.end),
            clocks(it, zone),
            refusals[it],
            _alternatives(place, it, periods) if it in searched else [],
        )
        for it in periods
    ]


def _alternatives(place: Place, asked: Period, chosen: Sequence[Period]) -> list[tuple[str, str]]:
    """The nearest free times that overlap nothing else that is chosen."""
    others = [it for it in chosen if it != asked]
    found = nearest_free(
        place.offering_id,
        place.attributes,
        asked,
        place.now,
        place.booker,
        except_booking=place.except_booking,
        most=3 * (len(others) + 1),
    )
    free = [it for it in found if not any(it.overlaps(other) for other in others)]
    nearest = sorted(sorted(free, key=lambda it: abs(it.start - asked.start))[:3])
    return [(slot_value(it.start, it.end), period_text(it, place.zone)) for it in nearest]


def slot_count(place: Place, chosen: Sequence[ChosenTime]) -> int:
    """How many slots the chosen periods consist of."""
    periods = (parse_slot(it.value) for it in chosen)
    return sum(len(slots_within(place.attributes, it)) for it in periods if it is not None)


def form_problems(sent: BookingForm, labels: Mapping[str, str], chosen: Sequence[ChosenTime]) -> list[Problem]:
    """All errors of the form, for the summary at the top of the page."""
    typed = ((f"start-{number}", it.error) for number, it in enumerate(sent.typed) if it.error)
    return [
        *([Problem("times", sent.errors["slots"])] if sent.errors["slots"] else []),
        *(Problem(field, text) for field, text in typed),
        *(Problem("summary-title", it.refusal, it.clock["text"]) for it in chosen if it.refusal),
        *(Problem(key if key in labels else "", text, labels.get(key, "")) for key, text in sent.errors.items()
          if key != "slots"),
    ]  # fmt: skip
