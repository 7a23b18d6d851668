"""Reads stored documents and adapts them to the reader, in one statement for any number of documents."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, cast

import orjson
from sqlalchemy import ColumnElement, Row, Select, Text, and_, bindparam, case, exists, false, func, null, select
from sqlalchemy import cast as sql_cast

from portal.documents import view
from portal.documents.build import build
from portal.documents.rows import load
from portal.extensions import db, settings
from portal.models import Offering, OfferingCounter, OfferingDocument, Plan, PlanCounter
from portal.policies import (
    ANONYMOUS,
    SYSTEM,
    Actor,
    managed_offerings,
    shows_parent,
    shows_project,
    visible_offerings,
    visible_plans,
)
from portal.schema.offering import FIELDS

Reader = Literal["staff", "user", "anonymous"]

# Statements are built once for each kind of reader; the user is a parameter.
_SIGNED_IN = Actor(user_id=cast(int, bindparam("reader")))
_READERS: dict[Reader, Actor] = {"staff": SYSTEM, "user": _SIGNED_IN, "anonymous": ANONYMOUS}
_EXPORTED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Document:
    """One offering as a reader may see it. `modified` is when it last changed.

    It is valid until `until` (seconds since the epoch), when a schedule ends.
    """

    id: int
    content: dict[str, Any]
    manages: bool
    modified: datetime
    until: float = float("inf")


def read_page(
    actor: Actor, base_url: str, fields: Collection[str], ids: Sequence[int], now: datetime | None
) -> list[Document]:
    """The offerings with these ids that the actor may see, by name.

    `base_url` is scheme://host of the request. `fields` are the requested names, known or not (empty: all). Schedules
    that have ended at `now` are left out (None: none).
    """
    rows = db.session.execute(_statement(_kind(actor), one=False), {"ids": list(ids), **_reader_parameter(actor)}).all()
    return [_document(row, base_url, fields, now) for row in rows]


def read_one(
    actor: Actor, uuid: uuidlib.UUID, base_url: str, fields: Collection[str], now: datetime | None
) -> Document | None:
    """The offering, or None if there is none that the actor may see.

    Unlike in lists, a child has its parent's plugin_options, if the reader may see the parent (docs/documents.md).
    """
    values = {"uuid": uuid, **_reader_parameter(actor)}
    row = db.session.execute(_statement(_kind(actor), one=True), values).one_or_none()
    return None if row is None else _document(row, base_url, fields, now)


def to_json(documents: Iterable[Document]) -> bytes:
    """The documents as a JSON array."""
    return orjson.dumps([it.content for it in documents])


def export(base_url: str) -> Iterator[bytes]:
    """Every offering in order with all schedules, plans and unpublished keys of imports, in constant memory."""
    ids = db.session.scalars(select(Offering.id).order_by(Offering.sort_key, Offering.uuid)).all()
    for start in range(0, len(ids), _EXPORTED_AT_ONCE):
        part = ids[start : start + _EXPORTED_AT_ONCE]
        unknown: dict[int, dict[str, Any]] = dict(
            db.session.execute(
                select(Offering.id, Offering.unknown_fields).where(
                    Offering.id.in_(part), Offering.unknown_fields.is_not(None)
                )
            ).all()
        )
        for document in read_page(SYSTEM, base_url, (), part, None):
            more = {key: value for key, value in unknown.get(document.id, {}).items() if key not in FIELDS}
            yield orjson.dumps(document.content | more)


def _kind(actor: Actor) -> Reader:
    if actor.is_staff:
        return "staff"
    return "user" if actor.signed_in else "anonymous"


def _reader_parameter(actor: Actor) -> dict[str, Any]:
    return {"reader": actor.user_id} if _kind(actor) == "user" else {}


@cache
def _statement(reader: Reader, *, one: bool) -> Select[Any]:
    actor = _READERS[reader]
    document, counter = OfferingDocument, OfferingCounter
    chosen = select(Offering.id, Offering.sort_key, Offering.uuid, managed_offerings(actor).label("manages")).where(
        visible_offerings(actor)
    )
    if one:
        chosen = chosen.where(Offering.uuid == bindparam("uuid"))
    else:
        chosen = chosen.where(Offering.id.in_(bindparam("ids", expanding=True)))
    page = chosen.subquery()
    hidden = _joined(select(_plan_key()).where(Plan.offering_id == page.c.id, ~visible_plans(actor)).correlate(page))
    counted = _joined(
        select(_plan_key() + ":" + _text(PlanCounter.bookings) + ":" + _text(PlanCounter.holding))
        .join_from(Plan, PlanCounter, PlanCounter.plan_id == Plan.id)
        .where(Plan.offering_id == page.c.id)
        .correlate(page)
    )
    project = exists(select(Offering.id).where(Offering.id == page.c.id, shows_project(actor)).correlate(page))
    statement = (
        select(
            page.c.id,
            page.c.manages,
            document.written,
            document.first_end,
            document.document,
            document.inherited if one else null().label("inherited"),
            case((and_(~page.c.manages, document.restricted), hidden)).label("hidden_plans"),
            case((document.restricted, ~shows_parent(actor, page.c.id, page)), else_=false()).label("hides_parent"),
            case((document.restricted, ~project), else_=false()).label("hides_project"),
            counter.bookings,
            counter.changed.label("counted"),
            case((counter.bookings.is_not(None), counted)).label("plan_counters"),
        )
        .join_from(page, document, document.offering_id == page.c.id)
        .outerjoin(counter, counter.offering_id == page.c.id)
    )
    return statement.order_by(page.c.sort_key, page.c.uuid)


def _text(column: Any) -> ColumnElement[str]:
    return sql_cast(column, Text)


def _plan_key() -> ColumnElement[str]:
    """A plan's UUID as 32 hex digits, on both databases."""
    return func.replace(_text(Plan.published_uuid), "-", "", type_=Text)


def _joined(statement: Select[str]) -> ColumnElement[Any]:
    """The texts of a statement, joined with commas."""
    [text] = statement.selected_columns
    return statement.with_only_columns(func.aggregate_strings(text, ",")).scalar_subquery()


def _document(row: Row[Any], base_url: str, fields: Collection[str], now: datetime | None) -> Document:
    """Adapt a stored document to the reader. Nothing else decides what a reader gets."""
    stored = row.document
    if stored is None:
        # Written by the previous version.
        [stored] = [it.document for it in build(load(db.session(), [row.id]))]
    content = view.parse(stored, base_url, settings().google_embed_uri)
    changes, until = [row.written], float("inf")
    if now is not None and row.first_end is not None:
        until = row.first_end
        if until <= now.timestamp():
            last, until = view.drop_ended_schedules(content, now.timestamp())
            changes.append(datetime.fromtimestamp(last, UTC))
    if row.hidden_plans:
        view.drop_plans(content, row.hidden_plans.split(","))
    if row.bookings is not None:
        view.add_counters(content, _counters(row))
        changes.append(row.counted)
    else:
        view.add_counters(content, view.BookingCounts())
    if row.hides_parent:
        content.update(dict.fromkeys(view.PARENT))
    elif row.inherited is not None:
        content["plugin_options"] = orjson.loads(row.inherited)
    if row.hides_project:
        content.update(dict.fromkeys(view.PROJECT))
    if not row.manages:
        view.drop_managers_fields(content)
    return Document(row.id, view.select_fields(content, fields), bool(row.manages), max(changes), until)


def _counters(row: Row[Any]) -> view.BookingCounts:
    counted = (it.split(":") for it in (row.plan_counters or "").split(",") if it)
    return view.BookingCounts(row.bookings, {key: (int(bookings), int(holding)) for key, bookings, holding in counted})
