"""The page of an offering's opening hours: the dates, daily hours and slot length."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain.messages import Message, Plural
from portal.domain.opening_hours import OpeningPeriod, has_config, is_over, replace_periods, slot_config
from portal.domain.schedules import LONGEST_SLOT, SHORTEST_SLOT, TOO_SHORT, Config, read_config, read_schedules
from portal.domain.zones import clock_text
from portal.errors import Invalid
from portal.models.base import utcnow
from portal.queries.availability import zone_of
from portal.queries.offerings import OfferingView, get_managed_offering
from portal.transfer.editing import (
    SCHEDULES,
    TIME_ZONE,
    ConcurrentEdit,
    InvalidValues,
    edit_offering,
    problems_in,
    value_digests,
)
from portal.web.forms import INCOMPLETE, Errors, Problem, begun_from, begun_text, rows_of, sentence
from portal.web.guards import manages_offering
from portal.web.kept_forms import is_preview
from portal.web.opening_rows import OpeningRow, about, handles
from portal.web.people import current_actor
from portal.web.preview import coming_week
from portal.web.sheet import schedule_rules

blueprint = Blueprint("hours", __name__, url_prefix="/manage/offerings")

KEYS = (SCHEDULES, TIME_ZONE)
# More rows than a person reads; further ones stay as they are stored.
MAX_SHOWN = 50
MAX_ROWS = 2 * MAX_SHOWN
# FullCalendar's numbers, in the order of the page.
DAYS = (
    (1, Message("Monday")),
    (2, Message("Tuesday")),
    (3, Message("Wednesday")),
    (4, Message("Thursday")),
    (5, Message("Friday")),
    (6, Message("Saturday")),
    (0, Message("Sunday")),
)
FEWEST, MOST = (int(length.total_seconds()) // 60 for length in (SHORTEST_SLOT, LONGEST_SLOT))
LABELS = {
    "opens": Message("Opens at"),
    "closes": Message("Closes at"),
    "slot": Message("Slot length"),
    "days": Message("Days of the week"),
}
# Where the parts of a config stand in the form, and what the reasons for people call them.
PLACES = {"startTime": "opens", "endTime": "closes", "slotDuration": "slot", "daysOfWeek": "days"}


@dataclass(slots=True)
class Hours:
    """What the form holds. `removed` are the rows of stored entries that are removed when it is saved."""

    rows: list[OpeningRow]
    removed: list[OpeningRow]
    opens: str
    closes: str
    slot: str
    days: frozenset[int]


@blueprint.route("/<uuid:uuid>/hours/", methods=["GET", "POST"])
@manages_offering
def edit(view: OfferingView) -> ResponseReturnValue:
    """Show and change them. Only what was removed explicitly goes: an empty field is an error."""
    actor = current_actor()
    stored, zone = _stored(view), zone_of(view.attributes)
    if request.method != "POST":
        return _page(view, _shown(stored, zone), value_digests(view.document, KEYS))
    if not {"opens", "closes", "slot", "before"} <= request.form.keys():
        raise Invalid(INCOMPLETE)
    typed, before = _typed(stored, zone), begun_from(request.form["before"], KEYS)
    if _acts_on_rows(typed):
        return _page(view, typed, before)
    schedules, errors = _read(typed, stored, zone)
    changes = {} if schedules == stored else {SCHEDULES: schedules}
    try:
        if errors or is_preview():
            return _page(view, typed, before, errors=errors, preview=schedules, code=400 if errors else 200)
        changed = edit_offering(actor, view.uuid, changes, expected=before)
    except InvalidValues as wrong:
        return _page(view, typed, before, errors=wrong.errors, code=400)
    except ConcurrentEdit:
        view = get_managed_offering(actor, view.uuid)
        return _page(view, typed, value_digests(view.document, KEYS), meanwhile=True, code=409)
    if changed:
        flash(_("The opening hours are saved. Existing bookings stay as they are."), "good")
    else:
        flash(_("You changed nothing, so nothing was saved."), "info")
    return redirect(url_for("hours.edit", uuid=view.uuid), code=303)


def _page(
    view: OfferingView,
    hours: Hours,
    before: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    preview: list[Any] | None = None,
    meanwhile: bool = False,
    code: int = 200,
) -> ResponseReturnValue:
    """`before`: what the form began from. `preview`: not saved yet. `meanwhile`: somebody else has changed it."""
    attributes, zone = view.attributes, zone_of(view.attributes)
    stored = _stored(view)
    shown = _positions(stored)
    week = None
    if preview is not None and not errors:
        attributes = {**attributes, SCHEDULES: preview}
        week = coming_week(view.id, attributes)[0]
    page = render_template(
        "manage/hours.html",
        offering=view.document,
        hours=hours,
        before=begun_text(before),
        errors=Errors(errors or {}),
        labels=LABELS,
        days=DAYS,
        zone=zone.key,
        hidden=_hidden(len(stored) - len(shown), complete=len(hours.rows) < MAX_SHOWN),
        problems=_problems(hours, errors or {}),
        sentences=list(schedule_rules(attributes, zone.key, utcnow())),
        meanwhile=meanwhile,
        week=week,
    )
    return page, code


def _hidden(number: int, *, complete: bool) -> str:
    """What is said about stored dates that the form does not show; "" if it shows all."""
    if not number:
        return ""
    if complete:
        return Plural("%(number)s past period hidden.", "%(number)s past periods hidden.", number)
    return Plural(
        "%(number)s period hidden: it is past, or after the first %(most)s.",
        "%(number)s periods hidden: they are past, or after the first %(most)s.",
        number,
        most=MAX_SHOWN,
    )


def _problems(hours: Hours, errors: Mapping[str, str]) -> list[Problem]:
    """All errors, in the order of the page."""
    rows = [
        Problem(f"start-{number}", error, Message("Dates %(number)s", number=number + 1))
        for number, row in enumerate(hours.rows)
        for error in row.errors
    ]
    others = [Problem("", reason, key) for key, reason in errors.items() if key not in LABELS and key != "rows"]
    ordered = ("days", "opens", "closes", "slot")
    return [*rows, *(Problem(key, errors[key], LABELS[key]) for key in ordered if errors.get(key)), *others]


def _stored(view: OfferingView) -> list[Any]:
    found = view.attributes.get(SCHEDULES)
    return found if isinstance(found, list) else []


def _positions(stored: list[Any]) -> list[int]:
    """Which of the stored entries the form shows: those that are not over."""
    now = utcnow()
    return [position for position, entry in enumerate(stored) if not is_over(entry, now)][:MAX_SHOWN]


def _shown(stored: list[Any], zone: ZoneInfo) -> Hours:
    """What is stored, as the form holds it."""
    known = handles(stored)
    rows = [OpeningRow.of(stored[position], known[position], zone) for position in _positions(stored)]
    config = read_schedules(stored).config
    return Hours(
        rows or [OpeningRow()],
        [],
        clock_text(config.opens),
        clock_text(config.end_clock),
        _minutes(config),
        config.open_days,
    )


def _minutes(config: Config) -> str:
    return f"{config.slot.total_seconds() / 60:g}"


def _typed(stored: list[Any], zone: ZoneInfo) -> Hours:
    form = request.form
    known = dict(zip(handles(stored), stored, strict=True))
    rows = [
        OpeningRow(entry, start.strip(), end.strip(), about(known.get(entry)))
        for entry, start, end in rows_of(form, ("entry", "start", "end"))
    ]
    removed = [OpeningRow.of(known[handle], handle, zone) for handle in form.getlist("removed") if handle in known]
    if len(rows) + len(removed) > MAX_ROWS:
        raise Invalid(Message("The form has more than %(number)s rows of dates. Nothing was saved.", number=MAX_ROWS))
    days = frozenset(number for number, _name in DAYS if str(number) in form.getlist("days"))
    opens, closes, slot = (form.get(name, "").strip() for name in ("opens", "closes", "slot"))
    return Hours(rows, removed, opens, closes, slot, days)


def _acts_on_rows(typed: Hours) -> bool:
    """Add, remove or restore a row, where one of those buttons was pressed; returns whether one was."""
    form = request.form
    if "add" in form and len(typed.rows) + len(typed.removed) < MAX_ROWS:
        typed.rows.append(OpeningRow())
    elif "remove" in form and (row := _pressed(form["remove"], typed.rows)):
        typed.rows.remove(row)
        if row.entry:
            typed.removed.append(row)
    elif "restore" in form and (row := _pressed(form["restore"], typed.removed)):
        typed.removed.remove(row)
        typed.rows.append(row)
    return not {"add", "remove", "restore"}.isdisjoint(form)


def _pressed(number: str, rows: list[OpeningRow]) -> OpeningRow | None:
    """The row of the button with this number."""
    known = number.isascii() and number.isdigit() and len(number) < 4 and int(number) < len(rows)
    return rows[int(number)] if known else None


def _read(typed: Hours, stored: list[Any], zone: ZoneInfo) -> tuple[list[Any], dict[str, str]]:
    """The schedules that the form means, and what is wrong with them, by field; rows hold what is wrong with them."""
    errors: dict[str, str] = {}
    config = _config(typed, read_schedules(stored).config, errors)
    known: dict[str, list[int]] = {}
    for number, handle in enumerate(handles(stored)):
        known.setdefault(handle, []).append(number)
    # Two entries may be the same in everything: each row takes one of them.
    removed = {known[row.entry].pop() for row in typed.removed if known.get(row.entry)}
    wanted: list[tuple[OpeningRow, OpeningPeriod]] = []
    wrong: set[int] = set()
    for row in typed.rows:
        alike = known.get(row.entry)
        position = alike.pop(0) if alike else None
        period = row.period(None if position is None else stored[position], position, zone)
        if period is not None:
            wanted.append((row, period))
        elif position is not None:
            wrong.add(position)
    # Entries whose rows are wrong already are not judged a second time.
    schedules, places = replace_periods(stored, removed | wrong, [it for _row, it in wanted], config)
    rows = {f"{SCHEDULES}[{place}]": row for place, (row, _period) in zip(places, wanted, strict=True)}
    for path, reason in problems_in({SCHEDULES: schedules}).items():
        where, _dot, key = path.rpartition(".")
        if key in ("start", "end") and where in rows:
            rows[where].errors.append(_at_end(key, reason))
        else:
            errors.setdefault(PLACES.get(key, path), sentence(reason))
    hours = read_config(config)
    if hours is not None and not hours.holds_a_slot:
        errors.setdefault("closes", TOO_SHORT)
    if not typed.days and read_schedules(stored).config.open_days:
        errors["days"] = Message("Choose at least one day.")
    if any(row.errors for row in typed.rows):
        errors["rows"] = ""
    elif wanted and not has_config(schedules) and read_config(config) not in (None, Config()):
        errors.setdefault("slot", Message("None of these dates can have opening hours. Add other dates."))
    return schedules, errors


def _at_end(key: str, reason: str) -> str:
    """What is wrong with an end of a row."""
    start = key == "start"
    return Message("Start: %(reason)s.", reason=reason) if start else Message("End: %(reason)s.", reason=reason)


def _config(typed: Hours, config: Config, errors: dict[str, str]) -> dict[str, Any]:
    """How time is cut, as an entry holds it."""
    seconds = int(config.slot.total_seconds())
    if typed.slot != _minutes(config):
        number = int(typed.slot) if typed.slot.isascii() and typed.slot.isdigit() and len(typed.slot) < 6 else 0
        if FEWEST <= number <= MOST:
            seconds = number * 60
        else:
            errors["slot"] = Message(
                "Enter a whole number of minutes from %(least)s to %(most)s.", least=FEWEST, most=MOST
            )
    opens, closes = (f"0{text}" if re.fullmatch(r"\d:\d\d", text) else text for text in (typed.opens, typed.closes))
    return slot_config(seconds, opens, closes, typed.days)
