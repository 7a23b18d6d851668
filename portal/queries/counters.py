"""The state of the counters that answers show (portal.models.OfferingCounter)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, select

from portal.extensions import db
from portal.models import OfferingCounter


def counters_version(ids: Collection[int]) -> int:
    """A number that goes up when a counter of one of these offerings, or of its plans, changes. One statement."""
    table = OfferingCounter
    statement = select(func.coalesce(func.sum(table.version), 0)).where(table.offering_id.in_(list(ids)))
    return int(db.session.execute(statement).scalar_one())
