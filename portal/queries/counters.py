"""The versions of booking counters (portal.models.OfferingCounter)."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from sqlalchemy import func, select

from portal.extensions import db
from portal.models import OfferingCounter
from portal.queries.obstacles import among_ids, id_parameter
from portal.queries.raw_select import RawSelect


@cache
def _versions(dialect: str) -> RawSelect:
    table = OfferingCounter
    total = func.coalesce(func.sum(table.version), 0).label("version")
    return RawSelect(select(total).where(among_ids(table.offering_id, dialect)))


def counters_version(ids: Collection[int]) -> int:
    """A number that goes up when a counter of one of these offerings, or of its plans, changes. One statement."""
    dialect = db.engine.dialect.name
    return int(_versions(dialect).first(ids=id_parameter(ids, dialect)).version)
