"""The Google page of an organization: connect, consent, disconnect."""

from __future__ import annotations

import secrets
import uuid as uuidlib

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.calendar_sync import consent as services
from portal.calendar_sync.disconnection import CalendarCleanup
from portal.calendar_sync.disconnection import disconnect as disconnect_organization
from portal.errors import Invalid
from portal.extensions import settings
from portal.localization import localized
from portal.models import Organization
from portal.queries.calendars import connection_view
from portal.web.calendar_card import connection_status
from portal.web.confirm import confirmed
from portal.web.forms import INCOMPLETE
from portal.web.guards import owns_organization, signed_in
from portal.web.people import current_actor

blueprint = Blueprint("google", __name__, url_prefix="/manage")

# Binds a consent to the browser session that began it.
BINDING = "google_consent"
# The organization whose button was pressed last: a failed consent returns to its page.
BEGUN_FOR = "google_begun_for"


@blueprint.get("/organizations/<uuid:uuid>/google/")
@owns_organization
def connection(organization: Organization) -> ResponseReturnValue:
    """Whether the organization is connected, with which account, and what is missing if it cannot be."""
    found = connection_view(organization.id)
    return render_template(
        "manage/google.html",
        organization=organization,
        connection=found,
        status=connection_status(found),
        zone=settings().timezone,
        redirect_uri=services.redirect_uri(),
    )


@blueprint.post("/organizations/<uuid:uuid>/google/connect/")
@owns_organization
@confirmed
def connect(organization: Organization) -> ResponseReturnValue:
    """Redirect to Google's consent page."""
    binding = session.get(BINDING)
    if not isinstance(binding, str):
        binding = session[BINDING] = secrets.token_urlsafe(24)
    session[BEGUN_FOR] = str(organization.uuid)
    sharing = "without_sharing" not in request.form
    return redirect(services.begin_consent(current_actor(), organization.uuid, binding, sharing=sharing), code=303)


@blueprint.get(services.CALLBACK_PATH.removeprefix("/manage"))
@signed_in
def callback() -> ResponseReturnValue:
    """The address that Google redirects to. It writes although it is a GET, which the state protects."""
    args = request.args
    try:
        connected = services.finish_consent(
            current_actor(),
            str(session.get(BINDING, "")),
            args.get("state", ""),
            code=args.get("code", ""),
            error=args.get("error", ""),
        )
    except Invalid as error:
        flash(localized(error.message), "bad")
        return redirect(_return_page(), code=303)
    session.pop(BINDING, None)
    session.pop(BEGUN_FOR, None)
    flash(_("Connected to Google as %(account)s.", account=connected.account_email), "good")
    if not connected.can_share:
        flash(_("Calendars can be synced but not shared, because the access does not include sharing."), "warn")
    return redirect(url_for("google.connection", uuid=connected.organization_uuid), code=303)


def _return_page() -> str:
    """The page with the button that was pressed last, else the overview."""
    begun = session.pop(BEGUN_FOR, None)
    return url_for("google.connection", uuid=uuidlib.UUID(begun)) if begun else url_for("manage.dashboard")


@blueprint.route("/organizations/<uuid:uuid>/google/disconnect/", methods=["GET", "POST"])
@owns_organization
def disconnect(organization: Organization) -> ResponseReturnValue:
    """Ask for confirmation, then disconnect."""
    if request.method == "POST":
        if request.form.get("calendars", "keep") not in ("keep", "delete"):
            raise Invalid(INCOMPLETE)
        cleanup = CalendarCleanup.DELETE if request.form.get("calendars") == "delete" else CalendarCleanup.KEEP
        if disconnect_organization(current_actor(), organization.uuid, cleanup):
            flash(_("Google is disconnected."), "good")
        else:
            flash(_("Syncing has stopped. The access to Google is removed within a minute."), "good")
        return redirect(url_for("google.connection", uuid=organization.uuid), code=303)
    return render_template(
        "manage/disconnect.html",
        section="manage",
        question=_("Disconnect %(name)s from Google?", name=organization.name),
        consequences=[
            _("Bookings are no longer written to the calendars, and events added there no longer block offerings.")
        ],
        can_delete=connection_view(organization.id).usable,
        action=url_for("google.disconnect", uuid=organization.uuid),
        verb=_("Disconnect Google"),
        danger=True,
        back=url_for("google.connection", uuid=organization.uuid),
    )
