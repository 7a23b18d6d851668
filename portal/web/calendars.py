"""The calendar card of an offering, put together from what the reads answer."""

from __future__ import annotations

from datetime import datetime

from flask import url_for

from portal.queries.calendars import calendar_of
from portal.queries.offerings import OfferingView
from portal.web.calendar_card import CalendarCard, build_card


def card_of(view: OfferingView, zone: str, now: datetime) -> CalendarCard | None:
    """The card as this reader may see it; None where there is nothing to show."""
    found = calendar_of(view, now)
    page = None
    if view.owns and found.organization_uuid is not None:
        page = url_for("google.connection", uuid=found.organization_uuid)
    return build_card(found, zone, now, page)
