"""The booking rules of an offering, for those who manage it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain import rules as domain
from portal.domain.messages import N_, Message
from portal.domain.rules import read_rules
from portal.domain.zones import zone_names
from portal.errors import Invalid
from portal.extensions import settings
from portal.queries.offerings import OfferingView
from portal.services.offerings import WrongRules, changed_rules, set_booking_rules
from portal.web.closures import BLANK, closure_row, read_closures, typed_closures
from portal.web.forms import INCOMPLETE, Errors, Problem, change_of, reason_of, sentence
from portal.web.guards import manages_offering
from portal.web.kept_forms import is_preview
from portal.web.people import current_actor
from portal.web.preview import coming_week

blueprint = Blueprint("rules", __name__, url_prefix="/manage/offerings")

# (key, label, help, unit) of the whole numbers, in the order of the page.
NUMBERS = (
    (
        "minimum_notice_minutes",
        Message("Minimum notice"),
        Message("Minimum time between making a booking and its start."),
        Message("minutes"),
    ),
    (
        "maximum_advance_days",
        Message("Maximum advance"),
        Message("How many days ahead people can book."),
        Message("days"),
    ),
    (
        "minimum_duration_minutes",
        Message("Minimum duration"),
        Message("Shortest length of one period."),
        Message("minutes"),
    ),
    (
        "maximum_duration_minutes",
        Message("Maximum duration"),
        Message("Longest length of one period."),
        Message("minutes"),
    ),
    (
        "buffer_before_minutes",
        Message("Buffer before"),
        Message("Free time before each booking, to prepare."),
        Message("minutes"),
    ),
    (
        "buffer_after_minutes",
        Message("Buffer after"),
        Message("Free time after each booking, to clean up."),
        Message("minutes"),
    ),
    (
        "quota_hours_per_user",
        Message("Quota per person"),
        Message("Maximum hours that one person can book in each day, week or month (chosen below)."),
        Message("hours"),
    ),
    (
        "upcoming_bookings_per_user",
        Message("Upcoming bookings"),
        Message("Maximum number of upcoming bookings of one person."),
        Message("bookings"),
    ),
)
CHOICES = (
    (
        "quota_period",
        Message("Quota period"),
        {"day": Message("Day"), "week": Message("Week (from Monday)"), "month": Message("Month")},
    ),
    (
        "accept",
        Message("Requests"),
        {"manual": Message("Need approval"), "automatic": Message("Confirmed automatically")},
    ),
    (
        "stale_busy",
        Message("If Google sync is stale"),
        {
            "allow": Message("Keep accepting bookings"),
            "request": Message("Accept requests only"),
            "refuse": Message("Accept no bookings"),
        },
    ),
    (
        "publish",
        Message("Public calendar and feed"),
        {"times": Message("Show times only"), "titles": Message("Show times and titles of bookings")},
    ),
)
# What applies if a rule is not set.
DEFAULTS = {"quota_period": "week", "accept": "manual", "stale_busy": "allow", "publish": "times"}
LABELS = {"time_zone": Message("Time zone"), **{key: label for key, label, *_ in (*NUMBERS, *CHOICES)}}
SPARE_CLOSURES = 2


@blueprint.route("/<uuid:uuid>/rules/", methods=["GET", "POST"])
@manages_offering
def edit(view: OfferingView) -> ResponseReturnValue:
    """Show and change the rules. What is not in the form stays; what is empty is an error, unless it is removed."""
    actor = current_actor()
    stored = view.attributes.get("booking_rules")
    shown = _shown(stored if isinstance(stored, Mapping) else {})
    if request.method != "POST":
        return _page(view, shown, {})
    if not {"time_zone", "accept"} <= request.form.keys():
        raise Invalid(INCOMPLETE)
    typed = _typed(shown)
    if "add" in request.form:
        typed["closures"] += [dict(BLANK) for _ in range(SPARE_CLOSURES)]
        return _page(view, typed, {})
    changes, errors = _read(typed, shown)
    changes["closures"], rows = read_closures(typed["closures"], shown["stored_closures"])
    try:
        wanted = changed_rules(stored, changes)
    except WrongRules as wrong:
        errors = {**_beside(wrong.errors, typed["closures"], rows), **errors}
    if errors or any(row["errors"] for row in typed["closures"]):
        return _page(view, typed, errors, 400)
    if is_preview():
        return _page(view, typed, {}, preview=wanted)
    set_booking_rules(actor, view.uuid, changes)
    flash(_("The booking rules are saved. Existing bookings stay as they are."), "good")
    return redirect(url_for("rules.edit", uuid=view.uuid), code=303)


def _page(
    view: OfferingView,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    code: int = 200,
    preview: Mapping[str, Any] | None = None,
) -> ResponseReturnValue:
    """`preview`: rules that are not saved yet."""
    stored = view.attributes.get("booking_rules")
    week, zone = (None, "")
    if preview is not None:
        week, zone = coming_week(view.id, {**view.attributes, "booking_rules": preview})
    page = render_template(
        "manage/rules.html",
        offering=view.document,
        values=values,
        stored=_shown(stored if isinstance(stored, Mapping) else {}),
        errors=Errors(errors),
        problems=_problems(values, errors),
        labels=LABELS,
        numbers=NUMBERS,
        choices=CHOICES,
        defaults=DEFAULTS,
        zones=sorted(zone for zone in zone_names() if "/" in zone or zone == "UTC"),
        portal_zone=settings().timezone,
        sentences=list(domain.rule_sentences(read_rules(stored if preview is None else preview))),
        week=week,
        zone=zone,
    )
    return page, code


def _shown(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored rules as the form holds them."""
    closures = stored.get("closures")
    entries = closures if isinstance(closures, list) else []
    shown: dict[str, Any] = {key: str(stored.get(key) or "") for key, *_more in NUMBERS}
    if stored.get("maximum_advance_days") == 0:
        shown["maximum_advance_days"] = "0"
    shown |= {key: str(stored.get(key) or "") for key, *_more in CHOICES}
    shown["time_zone"] = str(stored.get("time_zone") or "")
    shown["closures"] = [*map(closure_row, entries), *(dict(BLANK) for _ in range(SPARE_CLOSURES))]
    return {**shown, "removed": frozenset(), "stored_closures": entries}


def _typed(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What the form holds; what it does not have is as it is stored."""
    form = request.form
    keys = [key for key, *_more in (*NUMBERS, *CHOICES)]
    typed: dict[str, Any] = {key: form.get(key, shown[key]).strip() for key in (*keys, "time_zone")}
    return {**typed, "closures": typed_closures(form), "removed": frozenset(form.getlist("removed"))}


def _read(typed: Mapping[str, Any], shown: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the form changes, None for a rule that is removed; and what is wrong with it."""
    errors: dict[str, str] = {}
    changes: dict[str, Any] = {}
    for key in ("time_zone", *(key for key, *_more in NUMBERS)):
        try:
            text = change_of(typed[key], shown[key], removed=key in typed["removed"])
            if text is not None:
                changes[key] = _value(key, text)
        except ValueError as error:
            errors[key] = reason_of(error)
    for key, *_more in CHOICES:
        if typed[key]:
            changes[key] = typed[key]
        elif shown[key]:
            errors[key] = Message("Choose one of these.")
    if changes.get("quota_hours_per_user", shown["quota_hours_per_user"]) in (None, ""):
        changes["quota_period"] = None
    return changes, errors


def _value(key: str, text: str) -> str | int | None:
    """A rule as it is kept, None for no rule. Raises ValueError with the reason."""
    if key == "time_zone" or not text:
        return text or None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(Message("Enter a whole number, such as 60."))
    # 0 says "off"; only a day on which nothing can be booked ahead is a rule of its own.
    return int(text) or (0 if key == "maximum_advance_days" else None)


def _beside(errors: Mapping[str, str], rows: Sequence[dict[str, Any]], at: Sequence[int]) -> dict[str, str]:
    """Reasons as sentences: those about closures go to their rows (`at`: the row of each closure), the others stay."""
    found: dict[str, str] = {}
    for path, reason in errors.items():
        place = re.fullmatch(r"closures\[(\d+)\](?:\.(\w+))?", path)
        if place is None:
            found[path] = sentence(reason)
        elif at[int(place[1])] >= 0:
            rows[at[int(place[1])]]["errors"].append(_closure_error(place[2] or "", reason))
        else:
            found[path] = Message("Closure %(number)s: %(reason)s.", number=int(place[1]) + 1, reason=reason)
    return found


_CLOSURE_ERRORS = {
    "start": N_("From: %(reason)s."),
    "end": N_("To: %(reason)s."),
    "reason": N_("Reason: %(reason)s."),
}


def _closure_error(key: str, reason: str) -> str:
    return Message(_CLOSURE_ERRORS[key], reason=reason) if key in _CLOSURE_ERRORS else sentence(reason)


def _problems(values: Mapping[str, Any], errors: Mapping[str, str]) -> list[Problem]:
    """All errors, in the order of the page."""
    found = [Problem(key, errors[key], label) for key, label in LABELS.items() if errors.get(key)]
    for number, row in enumerate(values["closures"], 1):
        label = Message("Closure %(number)s", number=number)
        found += [Problem(f"closure-start-{number}", error, label) for error in row["errors"]]
    return [*found, *(Problem("", reason) for key, reason in errors.items() if key not in LABELS)]
