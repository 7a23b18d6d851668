"""The page on which those who manage an offering edit it: name, texts, state, pictures, links and place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain.choices import COUNTRIES, OfferingState
from portal.domain.messages import Message
from portal.errors import Invalid
from portal.localization import collation_key, country_in_language, localized
from portal.policies import LISTED_STATES
from portal.queries.offerings import OfferingView, get_managed_offering
from portal.schema.checks import NAME_LENGTH
from portal.transfer.editing import (
    DETAILS,
    ConcurrentEdit,
    InvalidValues,
    digest,
    edit_offering,
    problems_in,
    value_digests,
)
from portal.web.filters import picture_src, safe_href
from portal.web.forms import INCOMPLETE, Errors, Problem, begun_from, begun_text, change_of, reason_of, sentence
from portal.web.guards import manages_offering
from portal.web.kept_forms import is_preview
from portal.web.new_offerings import STATES
from portal.web.people import current_actor

blueprint = Blueprint("offerings", __name__, url_prefix="/manage/offerings")

LABELS = {
    "name": Message("Name"),
    "description": Message("Short description"),
    "full_description": Message("Full description"),
    "getting_started": Message("Getting started"),
    "integration_guide": Message("Integration guide"),
    "state": Message("State"),
    "paused_reason": Message("Reason for the pause"),
    "shared": Message("Visible to"),
    "image": Message("Picture"),
    "thumbnail": Message("Small picture"),
    "access_url": Message("Access address"),
    "privacy_policy_link": Message("Privacy policy"),
    "vendor_details": Message("Manufacturer"),
    "country": Message("Country"),
    "latitude": Message("Latitude"),
    "longitude": Message("Longitude"),
}
STATE_NAMES = {
    OfferingState.DRAFT: Message("Draft"),
    OfferingState.ACTIVE: Message("Active"),
    OfferingState.PAUSED: Message("Paused"),
    OfferingState.ARCHIVED: Message("Archived"),
    OfferingState.UNAVAILABLE: Message("Unavailable"),
}
STILL_PUBLIC = Message(
    "The offering is hidden now, but its Google calendar is still public. An owner can stop sharing it under Calendar."
)
LONG = frozenset({"description", "full_description", "getting_started", "integration_guide", "paused_reason"})
PICTURES = ("image", "thumbnail")
LINKS = ("access_url", "privacy_policy_link")
DEGREES = ("latitude", "longitude")
# Fields that always hold something; of the others a box removes what they hold.
ALWAYS_SET = ("name", "state", "shared", "country")
NO_COUNTRY = "none"
# Of a text that somebody else wrote.
MAX_SHOWN = 500
_DEGREES = re.compile(r"[+-]?\d{1,4}(?:[.,]\d{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Theirs:
    """What somebody else has written into a field meanwhile. `mine`: the form holds something else that was typed."""

    key: str
    value: str
    mine: bool


@blueprint.route("/<uuid:uuid>/edit/", methods=["GET", "POST"])
@manages_offering
def edit(view: OfferingView) -> ResponseReturnValue:
    """Show and change them. Only what was changed in the form is written; what is empty is an error, unless removed."""
    actor = current_actor()
    if request.method != "POST":
        return _page(view, _shown(view.document), value_digests(view.document, DETAILS))
    if not set(DETAILS) <= request.form.keys():
        raise Invalid(INCOMPLETE)
    typed, before = _typed(), begun_from(request.form.get("before", ""), DETAILS)
    now = value_digests(view.document, DETAILS)
    changes, errors = _changes(typed, _shown(view.document), {key for key in DETAILS if before[key] != now[key]})
    errors |= problems_in(changes)
    try:
        if not errors and not is_preview():
            changed = edit_offering(actor, view.uuid, changes, expected=before)
            if not changed:
                flash(_("You changed nothing, so nothing was saved."), "info")
            else:
                flash(_("The changes to “%(name)s” are saved.", name=typed["name"]), "good")
                if _leaves_calendar_public(view, typed):
                    flash(localized(STILL_PUBLIC), "warn")
            return redirect(url_for("offerings.edit", uuid=view.uuid), code=303)
    except InvalidValues as wrong:
        errors = wrong.errors
    except ConcurrentEdit as meanwhile:
        view = get_managed_offering(actor, view.uuid)
        return _changed_meanwhile(view, typed, before, meanwhile.keys)
    return _page(view, typed, before, errors=errors, code=400 if errors else 200)


def _leaves_calendar_public(view: OfferingView, typed: Mapping[str, str]) -> bool:
    """Whether the offering is hidden now, and its calendar at Google still shown to everybody."""
    hidden = typed["shared"] != "true" or typed["state"] not in LISTED_STATES
    return hidden and view.calendar is not None and view.calendar.public


def _changed_meanwhile(
    view: OfferingView, typed: Mapping[str, str], before: Mapping[str, str], moved: Iterable[str]
) -> ResponseReturnValue:
    """What was typed, beside what somebody else wrote. Sending it again then writes over no more than is shown."""
    stored = _shown(view.document)
    # A field that was left as it was shows what it holds by now, or sending again would undo the other's change.
    left = {key for key in moved if _is_as_before(key, typed[key], before[key])}
    theirs = [Theirs(key, stored[key], key not in left and typed[key] != stored[key]) for key in LABELS if key in moved]
    values = {key: stored[key] if key in left else typed[key] for key in typed}
    return _page(view, values, value_digests(view.document, DETAILS), theirs=theirs, code=409)


def _is_as_before(key: str, text: str, before: str) -> bool:
    try:
        return digest(_wire(key, text)) == before
    except ValueError:
        return False


def _page(
    view: OfferingView,
    values: Mapping[str, str],
    before: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    theirs: Iterable[Theirs] = (),
    code: int = 200,
) -> ResponseReturnValue:
    """`before`: what the form began from. `theirs`: what somebody else has changed meanwhile."""
    told = {key: sentence(reason) for key, reason in (errors or {}).items()}
    others = list(theirs)
    organization = view.document["customer_name"]
    members = Message("Members of %(name)s", name=organization) if organization else Message("Staff")
    shared = {"true": Message("Everyone"), "false": members}
    page = render_template(
        "manage/edit.html",
        offering=view.document,
        values=values,
        stored=_shown(view.document),
        always_set=ALWAYS_SET,
        removed=frozenset(request.form.getlist("removed")),
        before=begun_text(before),
        errors=Errors(told),
        theirs=others,
        problems=_problems(told),
        notes=_notes(values, others, shared),
        preview=request.method == "POST" and is_preview() and not errors,
        labels=LABELS,
        states={state: Message(text) for state, text in STATES.items()},
        choices={
            "state": [
                (state.value, STATE_NAMES[state])
                for state in OfferingState
                # Only comes from other portals: kept, but not chosen here.
                if state is not OfferingState.UNAVAILABLE or view.document["state"] == state
            ],
            "shared": list(shared.items()),
            "country": [
                (NO_COUNTRY, Message("None")),
                *_countries(),
            ],
        },
        longest_name=NAME_LENGTH,
    )
    return page, code


def _countries() -> list[tuple[str, str]]:
    """The codes and names of all countries, sorted by the names in the current language."""
    named = [(code, country_in_language(code, english)) for code, english in COUNTRIES.items()]
    return sorted(named, key=lambda it: collation_key(it[1]))


def _problems(errors: Mapping[str, str]) -> list[Problem]:
    """All errors, in the order of the page."""
    known = [Problem(key, errors[key], label) for key, label in LABELS.items() if key in errors]
    return [*known, *(Problem("", reason, key) for key, reason in errors.items() if key not in LABELS)]


def _notes(values: Mapping[str, str], theirs: Iterable[Theirs], shared: Mapping[str, str]) -> dict[str, list[str]]:
    """What is to be known of single fields."""
    notes: dict[str, list[str]] = {key: [] for key in LABELS}
    for key in (*LINKS, *PICTURES):
        if values[key] and safe_href(values[key]) is None:
            notes[key].append(Message("This is not an address that pages can show. It is stored, but not shown."))
        elif key in PICTURES and values[key] and picture_src(values[key]) is None:
            notes[key].append(
                Message(
                    "Pages show a link instead: pictures of this site are not allowed. An administrator can allow them "
                    "(PICTURE_HOSTS)."
                )
            )
    for it in theirs:
        value = shared[it.value] if it.key == "shared" else it.value
        if not it.mine:
            notes[it.key].append(Message("Changed by somebody else."))
        elif not value:
            notes[it.key].append(Message("Somebody else has emptied this field."))
        else:
            text = value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…"
            notes[it.key].append(Message("Somebody else has written: “%(text)s”", text=text))
    return notes


def _shown(document: Mapping[str, Any]) -> dict[str, str]:
    """What is stored, as the form holds it."""
    shown = {key: _cleaned(key, _text(document[key])) for key in DETAILS}
    return {**shown, "country": shown["country"] or NO_COUNTRY}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _typed() -> dict[str, str]:
    return {key: _cleaned(key, request.form.get(key, "")) for key in DETAILS}


def _cleaned(key: str, text: str) -> str:
    """Browsers end the lines of a form with CR LF, and nobody means blanks around a line."""
    text = text.replace("\r\n", "\n")
    return text if key in LONG else text.strip()


def _changes(
    typed: Mapping[str, str], shown: Mapping[str, str], moved: Collection[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The keys of a record that were changed in the form, and what is no value at all. `moved`: changed by others."""
    changes: dict[str, Any] = {}
    errors: dict[str, str] = {}
    removed = request.form.getlist("removed")
    for key, text in typed.items():
        try:
            changed: str | None = text if text != shown[key] else None
            # What somebody else has changed meanwhile is not written anyway, so it is not judged.
            if key not in ALWAYS_SET and key not in moved:
                changed = change_of(text, shown[key], removed=key in removed)
            if changed is not None:
                changes[key] = _wire(key, changed)
        except ValueError as error:
            errors[key] = reason_of(error)
    return changes, errors


def _wire(key: str, text: str) -> Any:
    """A field's text as a record holds it. Raises ValueError with a reason."""
    if key == "shared":
        if text not in ("true", "false"):
            raise ValueError(Message("Choose who can see it."))
        return text == "true"
    if key == "country":
        if not text:
            raise ValueError(Message("Choose a country, or “None”."))
        return "" if text == NO_COUNTRY else text
    if key in PICTURES:
        return text or None
    if key in DEGREES:
        if text and not _DEGREES.fullmatch(text):
            raise ValueError(Message("Enter degrees, such as 58.3659. South and west are negative."))
        return float(text.replace(",", ".")) if text else None
    return text
