"""Security notices: the owner of an account or organization learns by mail of each change of what gives access to it.

One person causes MAX_MAILS_PER_HOUR of them for one recipient within an hour. Beyond that the change itself is refused:
a notice that comes late, or in a summary, would be one that nobody acts on in time. A new password is counted apart, so
that nothing else that somebody did with an account keeps its owner from choosing one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal.domain.instants import format_instant
from portal.domain.mail import MailKind
from portal.domain.messages import Plural
from portal.errors import TooManyWrites
from portal.extensions import settings
from portal.models import Organization, User
from portal.policies import OWNING_ROLES, Actor
from portal.services import mail, throttle

HOUR = timedelta(hours=1)


def notify_account(
    session: Session, actor: Actor, kind: MailKind, user: User, data: Mapping[str, Any], now: datetime
) -> None:
    """Tell a person what `actor` just changed about their account (a kind of CHANGES), with the time.

    Raises TooManyWrites where the actor has caused too many such messages to this person: nothing is changed then.
    """
    if mail.is_mail_suppressed() or not user.is_active:
        return
    _count(session, actor, kind, user, now)
    mail.queue_message(session, kind, user, {**data, "at": format_instant(now), "zone": settings().timezone}, now)


def notify_feed_created(session: Session, actor: Actor, organization_id: int | None, now: datetime) -> None:
    """Tell who made a calendar link, and the owners of the organization whose bookings it shows, if it is one's."""
    maker = session.get(User, actor.user_id)
    if maker is None:
        return
    data = {"who": maker.full_name or maker.email, "what": "Your own", "page": "/bookings/feed/"}
    people = {maker.id: maker}
    organization = None if organization_id is None else session.get(Organization, organization_id)
    if organization is not None:
        data |= {"what": organization.name, "page": f"/manage/organizations/{organization.uuid}/feed/"}
        people |= {user.id: user for user in mail.users_with_role(session, organization.id, OWNING_ROLES)}
    for user in people.values():
        notify_account(session, actor, MailKind.FEED_MADE, user, data, now)


def notify_google_connected(
    session: Session, actor: Actor, organization: Organization, account_email: str, now: datetime
) -> None:
    """Tell the owners of an organization which Google account was connected to it, and by whom."""
    person = None if actor.user_id is None else session.get(User, actor.user_id)
    data = {
        "who": actor.name if person is None else person.full_name or person.email,
        "what": organization.name,
        "google": account_email,
        "page": f"/manage/organizations/{organization.uuid}/google/",
    }
    for user in mail.users_with_role(session, organization.id, OWNING_ROLES):
        notify_account(session, actor, MailKind.GOOGLE_CONNECTED, user, data, now)


def _count(session: Session, actor: Actor, kind: MailKind, user: User, now: datetime) -> None:
    most = settings().max_mails_per_hour
    if not most or not actor.signed_in or actor.is_staff:
        return
    what = "password" if kind is MailKind.PASSWORD_CHANGED else "access"
    limit = throttle.Limit(most, HOUR / most)
    wait = throttle.consume(session, throttle.Bucket.of("notices", limit, what, str(actor.user_id), str(user.id)), now)
    if wait:
        said = Plural(
            "This change is announced by mail, and one person may cause %(number)s such message an hour.",
            "This change is announced by mail, and one person may cause %(number)s such messages an hour.",
            most,
        )
        refused = throttle.too_many(said, wait)
        raise TooManyWrites(refused.message, refused.retry_after)
