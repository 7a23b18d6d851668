"""People and their roles, for staff."""

from __future__ import annotations

import uuid as uuidlib

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.errors import Invalid, NotFound
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
                flash("The account is created, and a link to choose a password is on its way.", "good")
                return redirect(url_for("staff.person", uuid=uuid), code=303)
    q = printable(" ".join(request.args.get("q", "").split()))[:100]
    found, page = queries.people_page(actor, q, page_number())
    return render_template(
        "manage/people.html",
        people=found,
        page=page,
        q=q,
        form=form,
        most_roles=MAX_ROLES_EACH,
        problems=problems_of(form),
    ), code


@blueprint.route("/<uuid:uuid>/", methods=["GET", "POST"])
@staff_only
def person(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """One person: give and take roles, deactivate and reactivate, invite again."""
    actor, form = current_actor(), RoleForm()
    found = queries.get_person(actor, uuid)
    if request.method == "POST":
        done = _act(uuid, found.email, form)
        if done:
            flash(done, "good")
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
        problems=problems_of(form),
    )
    return page, 400 if request.method == "POST" else 200


@blueprint.get("/<uuid:uuid>/deactivate/")
@staff_only
def deactivate(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Ask before a person is deactivated, with what follows."""
    found = queries.get_person(current_actor(), uuid)
    ahead = upcoming_count(found.id, utcnow())
    kept = f"{ahead} upcoming booking{'' if ahead == 1 else 's'}" if ahead else "No upcoming bookings"
    return render_template(
        "manage/deactivate.html",
        section="manage",
        question=f"Deactivate {found.full_name or found.email}?",
        consequences=[
            "They are signed out everywhere, and cannot sign in until they are reactivated.",
            "Their API tokens and calendar links stop working.",
            f"{kept}{', which stay booked: cancel them one by one if they should not' if ahead else ''}.",
        ],
        action=url_for("staff.person", uuid=uuid),
        verb="Deactivate",
        danger=True,
        back=url_for("staff.person", uuid=uuid),
    )


def _act(uuid: uuidlib.UUID, email: str, form: RoleForm) -> str:
    """Do what the pressed button says; what to tell, or "" where the form has to be mended."""
    actor = current_actor()
    if "active" in request.form:
        if request.form["active"] not in ("0", "1"):
            raise Invalid(INCOMPLETE)
        active = request.form["active"] == "1"
        services.set_active(actor, uuid, active)
        return "The person can sign in again." if active else "The person is signed out everywhere and can't come back."
    if "invite" in request.form:
        registration.invite_again(actor, uuid)
        return "A new link is on its way."
    if "take" in request.form:
        services.set_role(actor, email, request.form["take"], None)
        return "The role is removed."
    if form.validate():
        try:
            services.set_role(actor, email, form.organization.data, form.role.data)
        except NotFound:
            put_error(form, Invalid("There is no such organization.", "organization"), default="organization")
        except Invalid as error:
            put_error(form, error, default="organization")
        else:
            return "The role is added."
    return ""
