"""Rows that tests start from, with as little in them as will do.

Each function adds and commits one thing. Inside `together()` they are committed at its end, all at once, which takes a
fraction of the time: fixtures that make several things are wrapped in it.
"""

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.documents import store as documents
from portal.extensions import db
from portal.models import ApiToken, Category, Membership, Offering, Organization, OrganizationGroup, Plan, User
from portal.policies import Actor
from portal.services import passwords
from portal.services.accounts import token_digest

PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday


def utcnow_hour() -> datetime:
    """The present hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


# Inside together(): the ids of the offerings whose documents are still to be written.
_waiting: ContextVar[set[int] | None] = ContextVar("waiting", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Commit once, at the end, what is made inside, and write the documents of its offerings then.

    Also a decorator: `@make.together()` below `@pytest.fixture`.
    """
    offering_ids: set[int] = set()
    token = _waiting.set(offering_ids)
    try:
        yield
    finally:
        _waiting.reset(token)
    _save(offering_ids)


def _save(offering_ids: set[int]) -> None:
    """Write the documents of these offerings and commit; inside together(), at its end."""
    waiting = _waiting.get()
    if waiting is None:
        if offering_ids:
            documents.refresh(db.session(), offering_ids)
        db.session.commit()
    else:
        waiting |= offering_ids
        db.session.flush()


def add(row: Any) -> Any:
    db.session.add(row)
    _save(set())
    return row


def organization(name: str = "Photon Source", groups: tuple[OrganizationGroup, ...] = ()) -> Organization:
    return add(Organization(name=name, groups=list(groups)))


def group(name: str = "Universities") -> OrganizationGroup:
    return add(OrganizationGroup(name=name))


def category(title: str = "Microscopes") -> Category:
    return add(Category(title=title))


def user(email: str = "", *, staff: bool = False, password: str | None = None, active: bool = True) -> User:
    email = email or f"{secrets.token_hex(6)}@example.org"
    hashed = passwords._hasher.hash(password) if password else None
    return add(
        User(
            email=email,
            full_name=email.partition("@")[0].title(),
            is_staff=staff,
            is_active=active,
            password_hash=hashed,
            session_key=secrets.token_hex(16),
        )
    )


def token(owner: User) -> str:
    """A new API token of this user, who is not told of it by mail."""
    key = secrets.token_hex(20)
    add(ApiToken(user_id=owner.id, name="test", digest=token_digest(key), expires=None))
    return key


def role(who: User, where: Organization, what: str) -> User:
    add(Membership(user_id=who.id, organization_id=where.id, role=what))
    return who


def actor(who: User) -> Actor:
    return Actor(who.id, who.is_staff, who.full_name)


def schedule(start: datetime = NOW - timedelta(days=7), days: int = 60, **config: Any) -> list[dict[str, Any]]:
    """One entry of `attributes.schedules`: open round the clock in steps of an hour, unless `config` says otherwise."""
    return [
        {
            "id": "one",
            "start": start.isoformat(),
            "end": (start + timedelta(days=days)).isoformat(),
            "title": "",
            "allDay": True,
            "extendedProps": {"type": "Availability", "config": {"slotDuration": "01:00:00", **config}},
        }
    ]


def offering(
    name: str = "Microscope",
    *,
    of: Organization | None = None,
    groups: tuple[OrganizationGroup, ...] = (),
    **values: Any,
) -> Offering:
    """An offering, Active and shared unless told otherwise, with its document prepared."""
    given = {"state": "Active", "shared": True, "attributes": {"schedules": schedule()}, **values}
    found = add(
        Offering(
            name=name,
            sort_key=name.casefold(),
            organization=of or organization(f"Provider of {name}"),
            category=given.pop("category", None) or category(f"Category of {name}"),
            organization_groups=list(groups),
            **given,
        )
    )
    _save({found.id})
    return found


def offerings(names: list[str], *, of: Organization) -> list[Offering]:
    """Many offerings at once: Active and shared, without a schedule, their documents prepared."""
    kind = category(f"Category of {len(names)}")
    found = [
        Offering(name=name, sort_key=name.casefold(), organization=of, category=kind, state="Active", shared=True)
        for name in names
    ]
    db.session.add_all(found)
    db.session.flush()
    _save({it.id for it in found})
    return found


def plan(of: Offering, name: str = "Standard", groups: tuple[OrganizationGroup, ...] = (), **values: Any) -> Plan:
    found = add(Plan(offering_id=of.id, name=name, unit="hour", organization_groups=list(groups), **values))
    _save({of.id})
    return found


def change(what: Offering, **values: Any) -> Offering:
    """Set columns of an offering, and write its document anew."""
    for name, value in values.items():
        setattr(what, name, value)
    _save({what.id})
    return what


def unknown() -> uuid.UUID:
    return uuid.uuid4()
