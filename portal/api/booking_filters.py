"""The filters and orders in a request for /api/booking-resources/, as SQL clauses (docs/api.md, Bookings).

Unknown parameters are ignored, as in Waldur's API; an invalid value of a known one is a 400 that names it.
"""

from __future__ import annotations

from dataclasses import replace

from flask import request
from sqlalchemy import ColumnElement, and_, or_

from portal.api.booking_filter_table import FILTERS, Filter
from portal.api.errors import Refused
from portal.api.filter_values import no_choice
from portal.policies import Actor
from portal.queries.booking_list import BY_CREATED, BY_NAME, BY_START, BY_TYPE, Order

Clause = ColumnElement[bool]
MAX_VALUES = 100
ORDERS = {"name": BY_NAME, "created": BY_CREATED, "type": BY_TYPE, "schedules": BY_START}


def wanted_clauses(actor: Actor) -> list[Clause]:
    """The filters of the request, over Booking joined with Offering. Raises Refused (400).

    What the reader may not see of a booking cannot be used to find it either: it matches nothing.
    """
    problems: dict[str, list[str]] = {}
    found: list[Clause] = []
    for name, wanted in FILTERS.items():
        values = _values(name, wanted)
        if not values:
            continue
        try:
            if len(values) > MAX_VALUES:
                raise ValueError(f"At most {MAX_VALUES} values are allowed.")
            if any("\0" in value for value in values):
                raise ValueError("Null characters are not allowed.")
            clauses = [clause for value in values if (clause := wanted.clause(value)) is not None]
        except ValueError as error:
            problems[name] = [str(error)]
            continue
        if clauses:
            found.append(and_(wanted.readable(actor), or_(*clauses)))
    if problems:
        raise Refused(400, problems)
    return found


def _values(name: str, wanted: Filter) -> list[str]:
    """The values of a filter that are not empty: the last one only, or all of them, also with commas."""
    given = request.args.getlist(name)
    if not wanted.many:
        return [value for value in given[-1:] if value]
    return [value for part in given for it in part.split(",") if (value := it.strip())]


def wanted_order() -> list[Order]:
    """The order in `o`: names, with - for descending, repeated or with commas. Raises Refused (400)."""
    names = [name.strip() for value in request.args.getlist("o") for name in value.split(",") if name.strip()]
    found = []
    for name in names[:10] or ["name"]:
        order = ORDERS.get(name.removeprefix("-"))
        if order is None:
            raise Refused(400, {"o": [no_choice(name)]})
        found.append(replace(order, descending=name.startswith("-")))
    return found
