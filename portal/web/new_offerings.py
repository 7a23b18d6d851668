"""Pages that create offerings (from a short form or as a copy), and the page of an offering's state."""

from __future__ import annotations

import re
import uuid as uuidlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Regexp, StopValidation

from portal.domain.choices import OfferingState
from portal.domain.messages import N_, Message
from portal.domain.zones import zone_names
from portal.errors import Forbidden, Invalid
from portal.extensions import settings
from portal.localization import localized
from portal.policies import LISTED_STATES
from portal.queries.offerings import OfferingView
from portal.queries.organizations import managed_organization_names
from portal.schema.checks import NAME_LENGTH
from portal.transfer.creation import categories, create_offering, duplicate_offering
from portal.transfer.editing import ConcurrentEdit, InvalidValues, edit_offering, value_digests
from portal.transfer.new_offering import NewOffering
from portal.web.forms import INCOMPLETE, TOO_LONG, begun_from, begun_text, one_line, problems_of, sentence
from portal.web.guards import manages_offering, signed_in
from portal.web.people import current_actor

blueprint = Blueprint("new_offerings", __name__, url_prefix="/manage/offerings")

_CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d|24:00", re.ASCII)

# What each state means for bookings, and for the calendar at Google.
STATES: Mapping[OfferingState, str] = {
    OfferingState.DRAFT: N_("Only its managers and staff see it. It cannot be booked."),
    OfferingState.ACTIVE: N_("Visible in the catalogue and bookable."),
    OfferingState.PAUSED: N_(
        "Visible in the catalogue, but new bookings and moves are refused. Existing bookings and requests stay: they "
        "can be answered and cancelled, and reminders are sent."
    ),
    OfferingState.ARCHIVED: N_(
        "Not in the catalogue: only its managers and staff see it. New bookings and moves are refused. Existing "
        "bookings stay, and people still find theirs under Bookings."
    ),
    OfferingState.UNAVAILABLE: N_(
        "Unavailable in the portal it was imported from: only its managers and staff see it. It cannot be booked."
    ),
}
ACTIONS: Mapping[tuple[OfferingState, OfferingState], str] = {
    (OfferingState.DRAFT, OfferingState.ACTIVE): N_("Publish offering"),
    (OfferingState.ACTIVE, OfferingState.PAUSED): N_("Pause offering"),
    (OfferingState.PAUSED, OfferingState.ACTIVE): N_("Resume offering"),
    (OfferingState.ACTIVE, OfferingState.ARCHIVED): N_("Archive offering"),
    (OfferingState.PAUSED, OfferingState.ARCHIVED): N_("Archive offering"),
    (OfferingState.DRAFT, OfferingState.ARCHIVED): N_("Archive offering"),
    (OfferingState.ARCHIVED, OfferingState.ACTIVE): N_("Publish offering"),
    (OfferingState.ARCHIVED, OfferingState.DRAFT): N_("Make it a draft"),
    (OfferingState.UNAVAILABLE, OfferingState.ACTIVE): N_("Publish offering"),
    (OfferingState.UNAVAILABLE, OfferingState.ARCHIVED): N_("Archive offering"),
}
STATE_KEYS = ("state",)


_A_TIME = lazy_gettext("Enter a time of day, such as 09:30.")
_MINUTES = lazy_gettext("Enter a whole number of minutes from %(least)s to %(most)s.", least=1, most=1440)


class MinutesField(IntegerField):
    """A length in minutes, with one error text whatever is wrong."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        # Python would read "1_0" and digits of other alphabets, too.
        if valuelist and not re.fullmatch(r"\s*\d{1,6}\s*", valuelist[0], re.ASCII):
            raise ValueError(_MINUTES)
        super().process_formdata(valuelist)

    def pre_validate(self, form: Any) -> None:
        """What is no number is not compared with the limits."""
        if self.process_errors:
            raise StopValidation


class NewOfferingForm(FlaskForm):
    """A new offering. The choices of organization and category are set by the view."""

    name = StringField(
        lazy_gettext("Name"),
        [InputRequired(lazy_gettext("Enter a name.")), Length(max=NAME_LENGTH, message=TOO_LONG), one_line],
    )
    organization = SelectField(
        lazy_gettext("Organization"), [InputRequired(lazy_gettext("Choose an organization."))], validate_choice=False
    )
    category = SelectField(
        lazy_gettext("Category"), [InputRequired(lazy_gettext("Choose a category."))], validate_choice=False
    )
    description = TextAreaField(lazy_gettext("Short description"), [Length(max=2000, message=TOO_LONG)])
    zone = StringField(lazy_gettext("Time zone"), [InputRequired(lazy_gettext("Enter a time zone."))])
    opens = StringField(lazy_gettext("Opens at"), [InputRequired(_A_TIME), Regexp(_CLOCK, message=_A_TIME)])
    closes = StringField(lazy_gettext("Closes at"), [InputRequired(_A_TIME), Regexp(_CLOCK, message=_A_TIME)])
    weekends = BooleanField(lazy_gettext("Also open on Saturdays and Sundays"))
    minutes = MinutesField(
        lazy_gettext("Slot length in minutes"), [InputRequired(_MINUTES), NumberRange(1, 1440, message=_MINUTES)]
    )
    confirms = RadioField(
        lazy_gettext("Who confirms bookings"),
        [InputRequired(lazy_gettext("Choose who confirms bookings."))],
        choices=[
            SelectChoice("managers", lazy_gettext("Managers answer each request")),
            SelectChoice("portal", lazy_gettext("Bookings are confirmed automatically")),
        ],
    )


class DuplicateForm(FlaskForm):
    """The name of a copy."""

    name = StringField(
        lazy_gettext("Name of the copy"),
        [InputRequired(lazy_gettext("Enter a name.")), Length(max=NAME_LENGTH, message=TOO_LONG), one_line],
    )


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that an offering lacks: a sentence, and the page where it is added. `needed` to be booked at all."""

    text: str
    endpoint: str
    needed: bool = False


@blueprint.route("/new/", methods=["GET", "POST"])
@signed_in
def new() -> ResponseReturnValue:
    """A short form that makes a draft, which can be published at once."""
    actor = current_actor()
    organizations = managed_organization_names(actor)
    if not organizations:
        raise Forbidden(
            Message("You manage no organization yet. Ask an owner of the organization, or staff, for the role.")
        )
    form = NewOfferingForm(
        zone=settings().timezone, opens="09:00", closes="17:00", minutes=60, confirms="managers", formdata=_formdata()
    )
    form.organization.choices = [SelectChoice(str(uuid), name) for uuid, name in organizations]
    form.category.choices = [SelectChoice(str(uuid), title) for uuid, title in categories()]
    if len(organizations) > 1:
        form.organization.choices.insert(0, SelectChoice("", _("Choose…")))
    if len(form.category.choices) != 1:
        form.category.choices.insert(0, SelectChoice("", _("Choose…")))
    if request.method != "POST":
        form.organization.data = form.organization.data or request.args.get("organization", "")
        return _new_page(form)
    if not form.validate():
        return _new_page(form, 400)
    try:
        uuid = create_offering(
            actor,
            _chosen(form.organization),
            _chosen(form.category),
            _values(form),
            confirms=form.confirms.data == "portal",
        )
    except InvalidValues as wrong:
        for name, reason in wrong.errors.items():
            field = form._fields.get(name, form.name)
            field.errors = [*field.errors, sentence(localized(reason))]
        return _new_page(form, 400)
    flash(_("Draft created. Publish it when it is complete."), "good")
    return redirect(url_for("new_offerings.state", uuid=uuid), code=303)


@blueprint.route("/<uuid:uuid>/duplicate/", methods=["GET", "POST"])
@manages_offering
def duplicate(view: OfferingView) -> ResponseReturnValue:
    """Ask for the name of the copy, then make it."""
    name = view.document["name"]
    form = DuplicateForm(name=_("%(name)s (copy)", name=name)[:NAME_LENGTH], formdata=_formdata())
    errors: Mapping[str, str] = {}
    if request.method == "POST" and form.validate():
        try:
            uuid = duplicate_offering(current_actor(), view.uuid, form.name.data.strip())
        except InvalidValues as wrong:
            errors = wrong.errors
            form.name.errors = [sentence(localized(reason)) for reason in errors.values()]
        else:
            flash(_("Copy created as a draft. Publish it when it is complete."), "good")
            return redirect(url_for("new_offerings.state", uuid=uuid), code=303)
    page = render_template(
        "manage/duplicate.html", offering=view.document, form=form, problems=problems_of(form) if form.errors else []
    )
    return page, 400 if request.method == "POST" else 200


@blueprint.route("/<uuid:uuid>/state/", methods=["GET", "POST"])
@manages_offering
def state(view: OfferingView) -> ResponseReturnValue:
    """What the state means and what is missing; change the state."""
    if request.method == "POST":
        return _change_state(view)
    current = _state_of(view)
    return render_template(
        "manage/state.html",
        offering=view.document,
        states=STATES,
        current=current,
        actions=[(after, text) for (before, after), text in ACTIONS.items() if before is current],
        missing=missing_for_publication(view.document),
        before=begun_text(value_digests(view.document, STATE_KEYS)),
        upcoming=view.document.get("order_count", 0),
        calendar_public=view.calendar is not None and view.calendar.public,
    )


def _change_state(view: OfferingView) -> ResponseReturnValue:
    if not {"state", "before"} <= request.form.keys():
        raise Invalid(INCOMPLETE)
    wanted = request.form["state"]
    back = redirect(url_for("new_offerings.state", uuid=view.uuid), code=303)
    if wanted not in {after.value for before, after in ACTIONS if before is _state_of(view)}:
        flash(_("The state has changed since you opened this page. Nothing was changed."), "warn")
        return back
    try:
        edit_offering(
            current_actor(),
            view.uuid,
            {"state": wanted},
            expected=begun_from(request.form["before"], STATE_KEYS),
        )
    except ConcurrentEdit:
        flash(_("The state has changed since you opened this page. Nothing was changed."), "warn")
        return back
    flash(_("Saved. %(meaning)s", meaning=_(STATES[OfferingState(wanted)])), "good")
    if wanted not in LISTED_STATES and view.calendar is not None and view.calendar.public:
        flash(_("The calendar at Google is still public. An owner can make it private on the Calendar page."), "warn")
    return back


def missing_for_publication(document: Mapping[str, Any]) -> list[Missing]:
    """What an offering lacks, the necessary first. Only opening hours are necessary."""
    found = []
    if not document["attributes"].get("schedules"):
        found.append(Missing(N_("Opening hours: without them nothing is free."), "hours.edit", needed=True))
    if not document["description"]:
        found.append(Missing(N_("A short description, which the catalogue shows."), "offerings.edit"))
    if not document["full_description"]:
        found.append(Missing(N_("A full description."), "offerings.edit"))
    if not (document["image"] or document["thumbnail"]):
        found.append(Missing(N_("A picture."), "offerings.edit"))
    return found


def _state_of(view: OfferingView) -> OfferingState | None:
    found: str = view.document["state"]
    return OfferingState(found) if found in {it.value for it in OfferingState} else None


def _formdata() -> Any:
    return request.form if request.method == "POST" else None


def _new_page(form: NewOfferingForm, code: int = 200) -> ResponseReturnValue:
    page = render_template(
        "manage/new.html",
        form=form,
        zones=sorted(zone_names()),
        problems=problems_of(form) if form.errors else [],
    )
    return page, code


def _chosen(field: SelectField) -> uuidlib.UUID:
    try:
        return uuidlib.UUID(field.data)
    except ValueError:
        raise InvalidValues({field.name: N_("choose one of the list")}) from None


def _values(form: NewOfferingForm) -> NewOffering:
    def clock(text: str) -> str:
        return text.strip().zfill(5)

    return NewOffering(
        name=form.name.data.strip(),
        organization="",
        category="",
        description=form.description.data or "",
        zone=form.zone.data.strip(),
        opens=clock(form.opens.data),
        closes=clock(form.closes.data),
        minutes=form.minutes.data,
        weekends=form.weekends.data,
    )
