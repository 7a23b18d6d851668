"""Rows that tests start from, with as little in them as will do. Each function adds and commits one thing."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.documents import store as documents
from portal.extensions import db
from portal.models import Category, Membership, Offering, Organization, OrganizationGroup, Plan, User
from portal.policies import Actor
from portal.services import passwords

PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)  # a Monday


def utcnow_hour() -> datetime:
    """The present hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def add(row: Any) -> Any:
    db.session.add(row)
    db.session.commit()
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
    documents.refresh(db.session(), [found.id])
    db.session.commit()
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
    documents.refresh(db.session(), [it.id for it in found])
    db.session.commit()
    return found


def plan(of: Offering, name: str = "Standard", groups: tuple[OrganizationGroup, ...] = (), **values: Any) -> Plan:
    found = add(Plan(offering_id=of.id, name=name, unit="hour", organization_groups=list(groups), **values))
    documents.refresh(db.session(), [of.id])
    db.session.commit()
    return found


def change(what: Offering, **values: Any) -> Offering:
    """Set columns of an offering, and write its document anew."""
    for name, value in values.items():
        setattr(what, name, value)
    documents.refresh(db.session(), [what.id])
    db.session.commit()
    return what


def unknown() -> uuid.UUID:
    return uuid.uuid4()
