"""People and their roles, for staff."""

from __future__ import annotations

import uuid as uuidlib

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.domain.messages import N_, Message, Plural
from portal.errors import Invalid, NotFound
from portal.localization import localized
from portal.models import Membership
from portal.models.base import utcnow
from portal.queries import people as queries
from portal.queries.bookings import upcoming_count
from portal.services import accounts as services
from portal.services import registration
from portal.web.forms import INCOMPLETE, PersonForm, RoleForm, problems_of, put_error
from portal.web.guards import staff_only
from portal.web.links import page_number, printable
from portal.web.people import current_actor

blueprint = Blueprint("staff", __name__, url_prefix="/manage/people")

# Of one person; with a button each.
MAX_ROLES = 100
# On the page of all people.
MAX_ROLES_EACH = 10
_ROLES_IN = {"owner": N_("Owner of %(name)s"), "manager": N_("Manager of %(name)s"), "member": N_("Member of %(name)s")}


@blueprint.route("/", methods=["GET", "POST"])
@staff_only
def people() -> ResponseReturnValue:
    """Everybody who has an account; POST makes one and mails an invitation."""
    actor, form = current_actor(), PersonForm()
    code = 200
    if form.is_submitted():
        code = 400
        if form.validate():
            try:
                uuid = registration.invite(actor, form.email.data, form.full_name.data or "")
            except Invalid as error:
                put_error(form, error, default="email")
            else:
                flash(
                    _("The account is created. %(email)s gets a link to choose a password.", email=form.email.data),
                    "good",
                )
                return redirect(url_for("staff.person", uuid=uuid), code=303)
    q = printable(" ".join(request.args.get("q", "").split()))[:100]
    found, page = queries.people_page(actor, q, page_number())
    return render_template(
        "manage/people.html",
        people=found,
        page=page,
        total=Plural("%(number)s person", "%(number)s people", page.total),
        q=q,
        form=form,
        most_roles=MAX_ROLES_EACH,
        role_text=role_text,
        more_text=_more_text,
        problems=problems_of(form),
    ), code


@blueprint.route("/<uuid:uuid>/", methods=["GET", "POST"])
@staff_only
def person(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """One person: add roles, deactivate and reactivate, invite again."""
    actor, form = current_actor(), RoleForm()
    found = queries.get_person(actor, uuid)
    if request.method == "POST":
        done = _act(uuid, found.email, form)
        if done:
            flash(localized(done), "good")
            return redirect(url_for("staff.person", uuid=uuid), code=303)
        # What was read before the refused write has been rolled back with it.
        found = queries.get_person(actor, uuid)
    page = render_template(
        "manage/person.html",
        person=found,
        form=form,
        names=queries.organization_names(),
        own=found.id == actor.user_id,
        most_roles=MAX_ROLES,
        role_text=role_text,
        hidden=Plural(
            "%(number)s more role is not shown. Remove it with this command:",
            "%(number)s more roles are not shown. Remove them with this command:",
            len(found.memberships) - MAX_ROLES,
        ),
        problems=problems_of(form),
    )
    return page, 400 if request.method == "POST" else 200


@blueprint.get("/<uuid:uuid>/deactivate/")
@staff_only
def deactivate(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Ask before a person is deactivated, with what follows."""
    found = queries.get_person(current_actor(), uuid)
    ahead = upcoming_count(found.id, utcnow())
    kept: str = Message("No upcoming bookings.")
    if ahead:
        kept = Plural(
            "%(number)s upcoming booking, which stays booked. Cancel it if it should not.",
            "%(number)s upcoming bookings, which stay booked. Cancel them one by one if they should not.",
            ahead,
        )
    return render_template(
        "manage/deactivate.html",
        section="manage",
        question=_("Deactivate the account of %(name)s?", name=found.full_name or found.email),
        consequences=[
            _("They are signed out everywhere, and can't sign in until you reactivate the account."),
            _("Their API tokens and calendar links stop working."),
            kept,
        ],
        action=url_for("staff.person", uuid=uuid),
        verb=_("Deactivate account"),
        danger=True,
        back=url_for("staff.person", uuid=uuid),
    )


@blueprint.route("/<uuid:uuid>/roles/<uuid:organization>/remove/", methods=["GET", "POST"])
@staff_only
def remove_role(uuid: uuidlib.UUID, organization: uuidlib.UUID) -> ResponseReturnValue:
    """Ask, then remove a person's role in an organization."""
    actor = current_actor()
    found = queries.get_person(actor, uuid)
    membership = next((it for it in found.memberships if it.organization.uuid == organization), None)
    if membership is None:
        raise NotFound("Role")
    name, role, email = membership.organization.name, role_text(membership), found.email
    if request.method == "POST":
        services.set_role(actor, email, str(organization), None)
        flash(_("The role in %(name)s was removed.", name=name), "good")
        return redirect(url_for("staff.person", uuid=uuid), code=303)
    return render_template(
        "confirm.html",
        section="manage",
        question=_("Remove this role of %(name)s?", name=found.full_name or email),
        consequences=[role, _("They lose the access that this role gives at once. Their bookings stay.")],
        action=url_for("staff.remove_role", uuid=uuid, organization=organization),
        verb=_("Remove role"),
        danger=True,
        back=url_for("staff.person", uuid=uuid),
    )


def role_text(membership: Membership) -> str:
    """A role with its organization, such as "Owner of Light Lab"."""
    return Message(_ROLES_IN[membership.role], name=membership.organization.name)


def _more_text(number: int) -> str:
    return Plural("%(number)s more", "%(number)s more", number)


def _act(uuid: uuidlib.UUID, email: str, form: RoleForm) -> str:
    """Do what the pressed button says; the message for the next page, or "" if the form was refused."""
    actor = current_actor()
    if "active" in request.form:
        if request.form["active"] not in ("0", "1"):
            raise Invalid(INCOMPLETE)
        active = request.form["active"] == "1"
        services.set_active(actor, uuid, active)
        if active:
            return Message("The account of %(email)s is active again.", email=email)
        return Message("The account of %(email)s is deactivated, and signed out everywhere.", email=email)
    if "invite" in request.form:
        registration.invite_again(actor, uuid)
        return Message("A new link was mailed to %(email)s.", email=email)
    if form.validate():
        try:
            services.set_role(actor, email, form.organization.data, form.role.data)
        except NotFound:
            unknown = Message("There is no organization with this name.")
            put_error(form, Invalid(unknown, "organization"), default="organization")
        except Invalid as error:
            put_error(form, error, default="organization")
        else:
            return Message("The role was added.")
    return ""
