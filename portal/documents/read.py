"""Hot reads: prepared documents out of the database, cut for the reader, the clock and the fields asked for.

No ORM objects, and a fixed number of statements whatever the number of rows: one for a page or a document, one for
a count. What a reader may see is portal.policies' rule, in the same statement.
"""

from __future__ import annotations

import hashlib
import uuid as uuidlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, cast

import orjson
from sqlalchemy import ColumnElement, Row, Select, Text, and_, bindparam, case, exists, false, func, null, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import InstrumentedAttribute

from portal.documents.layout import PARENT, PROJECT, Index, cut, selection, splice
from portal.extensions import db, settings
from portal.models import Offering, OfferingDocument, Plan
from portal.policies import (
    NOBODY,
    SYSTEM,
    Actor,
    managed_offerings,
    shows_parent,
    shows_project,
    visible_offerings,
    visible_plans,
)

Reader = Literal["staff", "signed in", "nobody"]

# Statements are made once for each kind of reader; who it is comes as a parameter.
_SIGNED_IN = Actor(user_id=cast(int, bindparam("reader")))
_READERS: dict[Reader, Actor] = {"staff": SYSTEM, "signed in": _SIGNED_IN, "nobody": NOBODY}
_NONE_HIDDEN: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Tag:
    """What tells two answers apart without their bodies: a strong ETag (quoted), and when what it shows last changed.

    A list that lost an offering is not newer for that, so only the ETag can be asked for. It holds until `until`
    (seconds since the epoch) at most: then the clock alone changes the answer.
    """

    etag: str
    modified: datetime | None = None
    until: float = float("inf")


@dataclass(frozen=True, slots=True)
class Document:
    """One offering as a reader gets it, ready to send."""

    id: int
    body: bytes
    tag: Tag


@dataclass(frozen=True, slots=True)
class Page:
    """Some offerings in order, each ready to send; `total` counts all that the reader may see."""

    documents: list[bytes]
    total: int
    tag: Tag

    @property
    def body(self) -> bytes:
        """The answer of the list: a JSON array."""
        return b"[" + b",".join(self.documents) + b"]"


def read_page(
    actor: Actor, base_url: str, fields: Collection[str] | None, ids: Sequence[int], now: datetime, *, total: int
) -> Page:
    """The offerings with these ids (a page of visible_ids() of portal.queries.catalogue_index) that the actor may see.

    `base_url` is scheme://host of the request. `fields` are the names asked for, known or not (None: all). Schedules
    that have ended at `now` are left out. One statement.
    """
    wanted = selection(fields)
    rows = _page_rows(actor, ids, now, bodies=True, index=wanted is not None)
    documents = [_cut(row, base_url, wanted, now) for row in rows]
    return Page(documents, total, _tag(rows, base_url, wanted, now, total))


def page_tag(
    actor: Actor, base_url: str, fields: Collection[str] | None, ids: Sequence[int], now: datetime, *, total: int
) -> Tag:
    """The tag of the same page, without touching its bodies: for conditional requests."""
    rows = _page_rows(actor, ids, now, bodies=False, index=False)
    return _tag(rows, base_url, selection(fields), now, total)


def read_one(
    actor: Actor, uuid: uuidlib.UUID, base_url: str, fields: Collection[str] | None, now: datetime
) -> Document | None:
    """The offering, or None if there is none that the actor may see. One statement.

    A child offering shows its parent's plugin_options here (contract section 8), not in lists, and not to those who may
    not see the parent.
    """
    wanted = selection(fields)
    row = _one_row(actor, uuid, now, bodies=True, index=wanted is not None)
    if row is None:
        return None
    return Document(row.id, _cut(row, base_url, wanted, now), _tag([row], base_url, wanted, now, 1))


def one_tag(
    actor: Actor, uuid: uuidlib.UUID, base_url: str, fields: Collection[str] | None, now: datetime
) -> Tag | None:
    """The tag of the same document, without touching its body; None where read_one answers None."""
    row = _one_row(actor, uuid, now, bodies=False, index=False)
    return None if row is None else _tag([row], base_url, selection(fields), now, 1)


def content(document: bytes) -> dict[str, Any]:
    """A prepared document as values; addresses of this portal itself without its host."""
    found: dict[str, Any] = orjson.loads(splice(document, "", settings().google_embed_uri))
    return found


def export(base_url: str) -> Iterator[bytes]:
    """Every offering in order, whole and as stored: no schedule and no plan left out. Flat memory."""
    document = OfferingDocument
    statement = (
        select(document.full)
        .join(Offering, Offering.id == document.offering_id)
        .order_by(Offering.sort_key, Offering.uuid)
        .execution_options(yield_per=100)
    )
    embed_uri = settings().google_embed_uri
    for (body,) in db.session.execute(statement):
        yield splice(body, base_url, embed_uri)


def _kind(actor: Actor) -> Reader:
    if actor.is_staff:
        return "staff"
    return "signed in" if actor.signed_in else "nobody"


def _who(actor: Actor) -> dict[str, Any]:
    return {"reader": actor.user_id} if _kind(actor) == "signed in" else {}


@cache
def _statement(reader: Reader, *, one: bool, bodies: bool, index: bool) -> Select[Any]:
    actor = _READERS[reader]
    document = OfferingDocument
    chosen = select(Offering.id, Offering.sort_key, Offering.uuid, managed_offerings(actor).label("managed")).where(
        visible_offerings(actor)
    )
    if one:
        chosen = chosen.where(Offering.uuid == bindparam("uuid"))
    else:
        chosen = chosen.where(Offering.id.in_(bindparam("ids", expanding=True)))
    page = chosen.subquery()
    hidden = (
        select(func.aggregate_strings(sql_cast(Plan.id, Text), ","))
        .where(Plan.offering_id == page.c.id, ~visible_plans(actor))
        .correlate(page)
        .scalar_subquery()
    )
    project = exists(select(Offering.id).where(Offering.id == page.c.id, shows_project(actor)).correlate(page))
    needed = document.first_end <= bindparam("now")
    if reader != "staff":
        needed = or_(needed, document.restricted)
    if one:
        needed = or_(needed, document.inherited.is_not(None))
    spans = case((page.c.managed, document.full_index), else_=document.public_index)
    columns: list[ColumnElement[Any] | InstrumentedAttribute[Any]] = [
        page.c.id,
        document.digest,
        document.written,
        document.first_end,
        page.c.managed,
        (spans if index else case((needed, spans))).label("spans"),
        case((and_(~page.c.managed, document.restricted), hidden)).label("hidden_plans"),
        case((document.restricted, ~shows_parent(actor, page.c.id, page)), else_=false()).label("hides_parent"),
        case((document.restricted, ~project), else_=false()).label("hides_project"),
    ]
    if bodies:
        columns.append(document.inherited if one else null().label("inherited"))
        columns.append(case((page.c.managed, document.full), else_=document.public).label("body"))
    statement = select(*columns).join_from(page, document, document.offering_id == page.c.id)
    return statement.order_by(page.c.sort_key, page.c.uuid)


def _page_rows(actor: Actor, ids: Sequence[int], now: datetime, *, bodies: bool, index: bool) -> list[Row[Any]]:
    statement = _statement(_kind(actor), one=False, bodies=bodies, index=index)
    values = {"ids": list(ids), "now": now.timestamp(), **_who(actor)}
    return list(db.session.execute(statement, values))


def _one_row(actor: Actor, uuid: uuidlib.UUID, now: datetime, *, bodies: bool, index: bool) -> Row[Any] | None:
    statement = _statement(_kind(actor), one=True, bodies=bodies, index=index)
    return db.session.execute(statement, {"uuid": uuid, "now": now.timestamp(), **_who(actor)}).one_or_none()


def _cut(row: Row[Any], base_url: str, wanted: tuple[int, ...] | None, now: datetime) -> bytes:
    body = cut(
        row.body,
        None if row.spans is None else Index.unpack(row.spans),
        fields=wanted,
        now=now.timestamp(),
        hidden_plans=_hidden_plans(row),
        hidden=(*(PARENT if row.hides_parent else ()), *(PROJECT if row.hides_project else ())),
        # The parent's.
        plugin_options=None if row.hides_parent else row.inherited,
    )
    return splice(body, base_url, settings().google_embed_uri)


def _hidden_plans(row: Row[Any]) -> frozenset[int]:
    return frozenset(map(int, row.hidden_plans.split(","))) if row.hidden_plans else _NONE_HIDDEN


def _tag(rows: list[Row[Any]], base_url: str, wanted: tuple[int, ...] | None, now: datetime, total: int) -> Tag:
    """Everything that decides the bytes of an answer goes in; so does the total, which its headers show."""
    moment = now.timestamp()
    changes: list[datetime] = []
    until = float("inf")
    parts = [base_url, settings().google_embed_uri, str(wanted), str(total)]
    for row in rows:
        changes.append(row.written)
        ended = 0
        if row.first_end is None:
            pass
        elif row.first_end > moment:
            until = min(until, row.first_end)
        else:
            index = Index.unpack(row.spans)
            ended = index.ended(moment)
            last = max(span.end for span in index.schedules if span.end <= moment)
            changes.append(datetime.fromtimestamp(last, UTC))
            until = min([until, *(span.end for span in index.schedules if span.end > moment)])
        hidden = ",".join(map(str, sorted(_hidden_plans(row))))
        refers = f"{bool(row.hides_parent)} {bool(row.hides_project)}"
        parts.append(f"{row.digest} {bool(row.managed)} {ended} {hidden} {refers}")
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=16)
    return Tag(f'"{digest.hexdigest()}"', max(changes, default=None), until)
