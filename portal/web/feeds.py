"""Calendar feeds: the feeds themselves, and the pages where their secret addresses are made and taken back."""

from __future__ import annotations

import hashlib
import re
import uuid as uuidlib
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.http_headers import NO_STORE, NO_STORE_NO_TRANSFORM
from portal.domain.ics import IcsEvent, calendar_bytes
from portal.errors import Invalid, NotFound
from portal.extensions import cache, settings
from portal.localization import gettext as _
from portal.models import Organization
from portal.models.base import utcnow
from portal.policies import ANONYMOUS
from portal.queries import feeds as queries
from portal.queries.feeds import Feed
from portal.services import feeds as services
from portal.web.confirm import confirmed_to_send
from portal.web.forms import INCOMPLETE
from portal.web.guards import manages_organization, public, signed_in
from portal.web.people import current_actor

blueprint = Blueprint("feeds", __name__)

_SECRET = re.compile(r"[A-Za-z0-9_-]{20,64}", re.ASCII)
# Whoever keeps a copy asks each time: the offering may be hidden by then.
ASK_AGAIN = "public, no-cache"


@blueprint.get("/offerings/<uuid:uuid>/calendar.ics")
@public
def offering(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """The times at which an offering that everybody sees is booked, whoever asks: programs are not signed in."""
    return _answer(queries.offering_feed(ANONYMOUS, uuid, utcnow()), ASK_AGAIN, ("offering feed", uuid))


@blueprint.get("/feeds/<secret>.ics")
@public
def secret(secret: str) -> ResponseReturnValue:
    """The feed of whoever has this address."""
    if not _SECRET.fullmatch(secret):
        raise NotFound("Feed")
    digest = services.feed_digest(secret)
    found = queries.secret_feed(digest, utcnow(), settings().public_url)
    return _answer(found, NO_STORE, ("secret feed", digest))


@blueprint.get("/bookings/<uuid:uuid>/booking.ics")
@signed_in
def booking(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """One booking, to be put into a calendar."""
    return _answer(queries.booking_events(current_actor(), uuid, settings().public_url), NO_STORE)


@blueprint.route("/bookings/feed/", methods=["GET", "POST"])
@signed_in
@confirmed_to_send(unless="revoke")
def mine() -> ResponseReturnValue:
    """The person's own feed."""
    actor = current_actor()
    made = ""
    if request.method == "POST":
        if "revoke" in request.form:
            services.revoke_user_feed(actor)
            flash(_("The link no longer works."), "good")
            return redirect(url_for("feeds.mine"), code=303)
        if "make" not in request.form:
            # It would replace the address that there is.
            raise Invalid(INCOMPLETE)
        made = services.create_user_feed(actor)
    return _page(
        _("My bookings in my calendar"),
        _("All your bookings with their names. Anyone with the link can read them."),
        url_for("feeds.mine"),
        url_for("bookings.mine"),
        made,
        made or queries.has_user_feed(actor),
        section="bookings",
    )


@blueprint.route("/manage/organizations/<uuid:uuid>/feed/", methods=["GET", "POST"])
@manages_organization
@confirmed_to_send(unless="revoke")
def organization(managed: Organization) -> ResponseReturnValue:
    """An organization's feed, for those who manage it."""
    actor = current_actor()
    made = ""
    if request.method == "POST":
        if "revoke" in request.form:
            services.revoke_organization_feed(actor, managed.uuid)
            flash(_("The link no longer works."), "good")
            return redirect(url_for("feeds.organization", uuid=managed.uuid), code=303)
        if "make" not in request.form:
            raise Invalid(INCOMPLETE)
        made = services.create_organization_feed(actor, managed.uuid)
    feed = queries.organization_feed(actor, managed.uuid)
    ended = ""
    if feed.created is not None and not feed.works:
        ended = _(
            "%(person)s created it and no longer manages %(organization)s.",
            person=feed.maker,
            organization=feed.organization,
        )
        if not feed.maker:
            ended = _("It was created before the portal recorded who creates links.")
    return _page(
        _("Bookings at %(organization)s", organization=feed.organization),
        _(
            "All bookings of its offerings, with the names of people and bookings. Anyone with the link can read them, "
            "as long as the person who created it manages the organization."
        ),
        url_for("feeds.organization", uuid=managed.uuid),
        url_for("manage.dashboard"),
        made,
        feed.created,
        section="manage",
        ended=ended,
    )


def _page(
    title: str, says: str, action: str, back: str, made: str, exists: object, *, section: str, ended: str = ""
) -> ResponseReturnValue:
    """`ended` says why the address that there is opens nothing any more."""
    address = settings().public_url + url_for("feeds.secret", secret=made) if made else ""
    page = render_template(
        "feeds/feed.html",
        title=title,
        says=says,
        action=action,
        back=back,
        address=address,
        exists=bool(exists),
        ended=ended,
        section=section,
    )
    response = make_response(page, 201 if made else 200)
    response.headers["Cache-Control"] = NO_STORE_NO_TRANSFORM
    return response


@dataclass(frozen=True, slots=True)
class _Body:
    """A feed as it is sent, and when the newest booking in it changed."""

    content: bytes
    etag: str
    changed: datetime | None


def _answer(feed: Feed, cache_control: str, key: Hashable = None) -> Response:
    """The feed as a response. Its bytes are kept under `key` until something in the feed changes."""
    body: _Body | None = cache().get(key, feed.version) if key else None
    if body is None:
        body = _body(feed)
        if key:
            cache().put(key, feed.version, body, len(body.content))
    response = Response(body.content, mimetype="text/calendar", content_type="text/calendar; charset=utf-8")
    response.set_etag(body.etag)
    response.headers["Cache-Control"] = cache_control
    response.headers["Content-Disposition"] = 'inline; filename="bookings.ics"'
    if body.changed:
        response.headers["Last-Modified"] = format_datetime(body.changed, usegmt=True)
    # By the ETag alone: a booking that drops out of the feed makes nothing in it newer.
    if request.if_none_match:
        response.make_conditional(request)
    return response


def _body(feed: Feed) -> _Body:
    changes: list[datetime] = []
    content = calendar_bytes(_noting(feed.events, changes), feed.name)
    return _Body(content, hashlib.blake2b(content, digest_size=16).hexdigest(), changes[0] if changes else None)


def _noting(events: Iterable[IcsEvent], changes: list[datetime]) -> Iterator[IcsEvent]:
    """The events, of which the latest change is kept in `changes`: they are read only once."""
    for it in events:
        if not changes or it.modified > changes[0]:
            changes[:] = [it.modified]
        yield it
