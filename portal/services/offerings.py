"""What managers change about an offering."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.documents import store as documents
from portal.domain.rules import check_rules
from portal.errors import Forbidden, Invalid, NotFound
from portal.extensions import transaction
from portal.models import Offering
from portal.policies import Actor, managed_offerings, visible_offerings
from portal.services import calendars


class WrongRules(Invalid):
    """Booking rules that can't be kept. `errors` says why, by the rule's key (or "closures[0].end")."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("Some rules can't be kept: see below.", "booking_rules")
        self.errors = dict(errors)


def changed_rules(before: object, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The rules that stand after changes: None takes one away, what is not named stays. Raises WrongRules."""
    wanted = {**(before if isinstance(before, Mapping) else {}), **changes}
    wanted = {key: value for key, value in wanted.items() if value is not None and value != []}
    problems = check_rules(wanted)
    if problems:
        raise WrongRules({problem.path.removeprefix("."): problem.reason for problem in problems})
    return wanted


def lock_managed_offering(session: Session, actor: Actor, uuid: uuidlib.UUID) -> Offering:
    """The offering as it is stored now, its row locked until the session's transaction ends.

    Raises NotFound where the actor may not see it, Forbidden where they see it and do not manage it.
    """
    row = session.execute(
        select(Offering, managed_offerings(actor))
        .where(Offering.uuid == uuid, visible_offerings(actor))
        .with_for_update(of=Offering)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound("Offering")
    offering, manages = row
    if not manages:
        raise Forbidden
    found: Offering = offering
    return found


def set_booking_rules(actor: Actor, uuid: uuidlib.UUID, changes: Mapping[str, Any]) -> None:
    """Change rules of an offering: None takes one away. Rules that are not named stay, and so do keys that are none.

    Bookings that exist are left as they are. Raises NotFound, Forbidden, WrongRules.
    """
    with transaction() as session:
        offering = lock_managed_offering(session, actor, uuid)
        wanted = changed_rules(offering.attributes.get("booking_rules"), changes)
        offering.attributes = {**offering.attributes, "booking_rules": wanted}
        if not wanted:
            offering.attributes = {key: it for key, it in offering.attributes.items() if key != "booking_rules"}
        session.flush()
        documents.refresh(session, [offering.id])
        # The zone, and what is published of bookings, are in the calendar's events too.
        calendars.offerings_changed(session, [offering.id])
