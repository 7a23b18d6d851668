"""The names of what a booking refers to, as its reader may see them: the current ones, or else those at booking time.

A booker may no longer see the offering (it was archived or restricted, or they lost a role). They still see what they
booked, but not what has changed since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from portal.domain.booking_details import BookingDetails, details_from_json
from portal.domain.order_form import display_answers
from portal.domain.zones import known_zone
from portal.extensions import db, settings
from portal.models import Booking, Offering
from portal.policies import Actor, shows_booked_plan, shows_booked_project, shows_parent, visible_offerings
from portal.queries.availability import zone_of


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a reader may currently see of the things that a booking refers to."""

    offering: bool
    plan: bool
    project: bool
    parent: bool


def visibility_columns(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """The columns of a Visibility, over Booking joined with its Offering."""
    return (
        visible_offerings(actor).label("sees_offering"),
        shows_booked_plan(actor).label("sees_plan"),
        shows_booked_project(actor).label("sees_project"),
        shows_parent(actor, Booking.offering_id.expression, Booking).label("sees_parent"),
    )


def current_details(booking: Booking) -> BookingDetails:
    """The current names."""
    offering = booking.offering
    return BookingDetails(
        offering=offering.name,
        provider=offering.organization.name if offering.organization else "",
        plan=booking.plan.name if booking.plan else "",
        project=booking.project.name if booking.project else "",
        zone=zone_of(offering.attributes).key,
        answers=tuple(display_answers(offering.options, booking.answers)),
    )


def details_for(booking: Booking, visible: Visibility) -> BookingDetails:
    """The names that a reader may see."""
    now, before = current_details(booking), details_from_json(booking.as_booked, booking.name)
    words = now if visible.offering else before
    return BookingDetails(
        offering=words.offering,
        provider=words.provider,
        plan=now.plan if visible.plan else before.plan,
        project=now.project if visible.project else before.project,
        zone=known_zone(words.zone, settings().timezone).key,
        answers=words.answers or tuple(display_answers({}, booking.answers)),
    )


def can_see_offering(actor: Actor, offering_id: int) -> bool:
    """Whether the actor may see the offering now. One statement."""
    query: Any = select(Offering.id).where(Offering.id == offering_id, visible_offerings(actor))
    return db.session.execute(query).first() is not None
