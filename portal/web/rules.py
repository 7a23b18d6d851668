"""The booking rules of an offering, for those who manage it."""

from __future__ import annotations

import re
import uuid as uuidlib
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain import rules as domain
from portal.domain.rules import read_rules
from portal.errors import Invalid
from portal.extensions import reading, reading_apart, settings
from portal.queries.offerings import OfferingView, get_managed_offering
from portal.services.offerings import WrongRules, changed_rules, set_booking_rules
from portal.web.forms import Errors
from portal.web.guards import manages_offering
from portal.web.links import printable
from portal.web.people import current_actor
from portal.web.preview import coming_week

blueprint = Blueprint("rules", __name__, url_prefix="/manage/offerings")

# (key, label, help, unit) of the whole numbers, in the order of the page.
NUMBERS = (
    (
        "minimum_notice_minutes",
        "Minimum notice",
        "A booking must be made at least this long ahead.",
        "minutes",
    ),
    ("maximum_advance_days", "Maximum advance", "A booking can be made at most this many days ahead.", "days"),
    ("minimum_duration_minutes", "Minimum duration", "How long one period lasts at least.", "minutes"),
    ("maximum_duration_minutes", "Maximum duration", "How long one period lasts at most.", "minutes"),
    ("buffer_before_minutes", "Buffer before", "Kept free before each booking, to prepare.", "minutes"),
    ("buffer_after_minutes", "Buffer after", "Kept free after each booking, to tidy up.", "minutes"),
    ("quota_hours_per_user", "Quota per person", "How much one person may hold in each period below.", "hours"),
    ("upcoming_bookings_per_user", "Bookings ahead", "How many bookings one person may have ahead.", "bookings"),
)
CHOICES = (
    ("quota_period", "The quota counts", {"day": "each day", "week": "each week, from Monday", "month": "each month"}),
    ("accept", "Requests", {"manual": "are answered by a person", "automatic": "are accepted at once"}),
    (
        "stale_busy",
        "While busy times from Google are out of date",
        {"allow": "bookings go on", "request": "bookings are requests only", "refuse": "nothing can be booked"},
    ),
    ("publish", "The public calendar and feed show", {"times": "times only", "titles": "titles of bookings too"}),
)
SPARE_CLOSURES = 2


@blueprint.route("/<uuid:uuid>/rules/", methods=["GET", "POST"])
@manages_offering
def edit(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Show and change the rules; what is left empty does not hold."""
    actor = current_actor()
    with reading_apart():
        view = get_managed_offering(actor, uuid)
    stored = view.attributes.get("booking_rules")
    if request.method == "GET":
        return _page(view, _shown(stored if isinstance(stored, Mapping) else {}), {})
    if not {"time_zone", "accept"} <= request.form.keys():
        # What is left empty is taken away: a form that came without its fields must not clear everything.
        raise Invalid("The form came without its fields, so nothing was changed.")
    typed = _typed()
    if "add" in request.form:
        typed["closures"] += [{"start": "", "end": "", "reason": ""}] * SPARE_CLOSURES
        return _page(view, typed, {})
    changes, errors = _read(typed)
    try:
        wanted = changed_rules(stored, changes)
        if not errors and "preview" in request.form:
            return _page(view, typed, {}, preview=wanted)
        if not errors:
            set_booking_rules(actor, uuid, changes)
    except WrongRules as wrong:
        errors = {**wrong.errors, **errors}
    if errors:
        return _page(view, typed, errors, 400)
    flash("The rules are saved. Bookings that exist stay as they are.", "good")
    return redirect(url_for("rules.edit", uuid=uuid), code=303)


def _page(
    view: OfferingView,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    code: int = 200,
    preview: Mapping[str, Any] | None = None,
) -> ResponseReturnValue:
    """`preview`: rules that are not kept yet, to be shown at work."""
    stored = view.attributes.get("booking_rules")
    with reading():
        week, zone = (None, "")
        if preview is not None:
            week, zone = coming_week(view.id, {**view.attributes, "booking_rules": preview})
        page = render_template(
            "manage/rules.html",
            offering=view.document,
            values=values,
            errors=Errors(errors),
            closure_errors=[(_place(key), reason) for key, reason in errors.items() if key.startswith("closures")],
            numbers=NUMBERS,
            choices=CHOICES,
            zones=sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC"),
            portal_zone=settings().timezone,
            sentences=list(domain.sentences(read_rules(stored if preview is None else preview))),
            most=domain.WHOLE,
            week=week,
            zone=zone,
        )
    return page, code


def _place(key: str) -> str:
    """Where "closures[1].end" stands in the form, in words."""
    found = re.fullmatch(r"closures\[(\d+)\](?:\.(\w+))?", key)
    if found is None:
        return "Closures"
    field = {"start": ", from", "end": ", to", "reason": ", why"}.get(found[2] or "", "")
    return f"Closure {int(found[1]) + 1}{field}"


def _shown(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored rules as the form holds them."""
    closures = stored.get("closures")
    lines = [it for it in closures if isinstance(it, Mapping)] if isinstance(closures, list) else []
    shown: dict[str, Any] = {key: str(stored.get(key) or "") for key, *_ in NUMBERS}
    if stored.get("maximum_advance_days") == 0:
        shown["maximum_advance_days"] = "0"
    shown |= {key: str(stored.get(key) or "") for key, *_ in CHOICES}
    shown["time_zone"] = str(stored.get("time_zone") or "")
    shown["closures"] = [{key: str(it.get(key) or "") for key in ("start", "end", "reason")} for it in lines]
    shown["closures"] += [{"start": "", "end": "", "reason": ""}] * SPARE_CLOSURES
    return shown


def _typed() -> dict[str, Any]:
    form = request.form
    typed: dict[str, Any] = {key: form.get(key, "").strip() for key, *_ in (*NUMBERS, *CHOICES)}
    typed["time_zone"] = form.get("time_zone", "").strip()
    columns = (form.getlist(f"closure_{key}") for key in ("start", "end", "reason"))
    lines = list(zip(*columns, strict=False))[: domain.MOST_CLOSURES + 1]
    typed["closures"] = [
        {"start": start.strip(), "end": end.strip(), "reason": printable(reason).strip()}
        for start, end, reason in lines
    ]
    return typed


def _read(typed: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the form means: every rule that it knows, None where it is left empty."""
    errors: dict[str, str] = {}
    changes: dict[str, Any] = {}
    for key, *_ in NUMBERS:
        text = typed[key]
        whole = text.isascii() and text.isdigit() and len(text) < 10
        changes[key] = int(text) if whole else None
        if text and not whole:
            errors[key] = "enter a whole number, such as 60"
        # The form's way to say "off"; a day on which nothing can be booked ahead is a rule of its own.
        if changes[key] == 0 and key != "maximum_advance_days":
            changes[key] = None
    for key, *_ in CHOICES:
        changes[key] = typed[key] or None
    if changes["quota_hours_per_user"] is None:
        changes["quota_period"] = None
    changes["time_zone"] = typed["time_zone"] or None
    changes["closures"] = [
        {key: value for key, value in it.items() if value}
        for it in typed["closures"]
        if it["start"] or it["end"] or it["reason"]
    ]
    return changes, errors
