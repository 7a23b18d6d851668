"""The catalogue: search, facets, sort and pages over the offerings an actor may see."""

from __future__ import annotations

import uuid as uuidlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, select, true, union_all

from portal.extensions import db
from portal.models import Category, Offering, OfferingDocument, Organization
from portal.policies import Actor, visible_offerings
from portal.queries.page import Page

SORTS = {"name": "Name", "newest": "Newest first", "provider": "Provider"}
DEFAULT_SORT = "name"
PAGE_SIZE = 24
MAX_TEXT = 200
MAX_CANDIDATES = 20_000
FACETS = ("category", "organization", "country", "state")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for. Values of one facet are alternatives, facets narrow each other.

    `category` and `organization` hold uuids, `country` ISO codes, `state` display words. Values that are no
    uuid match nothing rather than everything. `only`: nothing but the offerings with these ids.
    """

    q: str = ""
    category: tuple[str, ...] = ()
    organization: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    sort: str = DEFAULT_SORT
    page: int = 1
    only: tuple[int, ...] | None = None

    def without(self, facet: str) -> Search:
        """The same search with one facet (or `q`) dropped."""
        empty: Any = "" if facet == "q" else ()
        return replace(self, **{facet: empty})


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet, its name, and how many offerings it would show with the other filters as they are."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """What a card needs of an offering before availability and prices are added."""

    id: int
    uuid: uuidlib.UUID
    name: str
    description: str
    state: str
    picture: str | None
    country: str
    organization_name: str | None
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of the catalogue. `facets` maps a facet's name to its choices, `tally` a state to its number."""

    rows: list[Row]
    page: Page
    facets: dict[str, list[Choice]]
    tally: dict[str, int]


def browse(actor: Actor, search: Search, *, page_size: int = PAGE_SIZE) -> Found:
    """The page of offerings that a search shows to an actor, with counts for every facet.

    A page number out of range becomes the nearest one. Three SQL statements, whatever the data.
    """
    facets = _facets(actor, search)
    total = db.session.execute(
        select(func.count()).select_from(_base(select(Offering.id), actor, search).subquery())
    ).scalar_one()
    page = Page.of(search.page, page_size, total)
    statement = _base(
        select(
            Offering.id,
            Offering.uuid,
            Offering.name,
            Offering.description,
            Offering.state,
            func.coalesce(Offering.thumbnail, Offering.image),
            Offering.country,
            Organization.name,
            Offering.attributes,
        ),
        actor,
        search,
    )
    rows = db.session.execute(statement.order_by(*_order(search.sort)).limit(page.size).offset(page.offset))
    tally = {choice.value: choice.count for choice in facets["state"]}
    return Found([Row(*row) for row in rows], page, facets, tally)


def candidates(actor: Actor, search: Search) -> list[tuple[int, dict[str, Any]]]:
    """The Active offerings that a search shows to an actor, with their attributes: to be asked when they are free.

    At most MAX_CANDIDATES, by name. One SQL statement.
    """
    statement = _base(select(Offering.id, Offering.attributes), actor, search).where(Offering.state == "Active")
    rows = db.session.execute(statement.order_by(*_order(DEFAULT_SORT)).limit(MAX_CANDIDATES))
    return [(row.id, row.attributes) for row in rows]


def count(actor: Actor, search: Search) -> int:
    """How many offerings a search shows to an actor."""
    return db.session.execute(
        select(func.count()).select_from(_base(select(Offering.id), actor, search).subquery())
    ).scalar_one()


def _base(statement: Select[Any], actor: Actor, search: Search, *, leave_out: str = "") -> Select[Any]:
    statement = (
        statement.select_from(Offering)
        .outerjoin(Organization, Organization.id == Offering.organization_id)
        .join(Category, Category.id == Offering.category_id)
        .join(OfferingDocument, OfferingDocument.offering_id == Offering.id)
        .where(visible_offerings(actor))
    )
    for word in search.q[:MAX_TEXT].split():
        statement = statement.where(_matches(word))
    for facet, clause in _facet_clauses(search):
        if facet != leave_out:
            statement = statement.where(clause)
    if search.only is not None:
        statement = statement.where(Offering.id.in_(search.only))
    return statement


def _matches(word: str) -> ColumnElement[bool]:
    return OfferingDocument.search_text.contains(word.casefold(), autoescape=True)


def _facet_clauses(search: Search) -> list[tuple[str, ColumnElement[bool]]]:
    clauses: list[tuple[str, ColumnElement[bool]]] = []
    if search.category:
        clauses.append(("category", Category.uuid.in_(_uuids(search.category))))
    if search.organization:
        clauses.append(("organization", Organization.uuid.in_(_uuids(search.organization))))
    if search.country:
        clauses.append(("country", Offering.country.in_(search.country)))
    if search.state:
        clauses.append(("state", Offering.state.in_(search.state)))
    return clauses


def _uuids(values: Sequence[str]) -> list[uuidlib.UUID]:
    found = []
    for value in values:
        try:
            found.append(uuidlib.UUID(value))
        except ValueError:
            continue
    return found


def _order(sort: str) -> list[ColumnElement[Any]]:
    by_name: list[Any] = [Offering.sort_key, Offering.uuid]
    if sort == "newest":
        return [Offering.created.desc(), *by_name]
    if sort == "provider":
        return [func.lower(func.coalesce(Organization.name, "")), *by_name]
    return by_name


def _facets(actor: Actor, search: Search) -> dict[str, list[Choice]]:
    columns: dict[str, tuple[Any, Any]] = {
        "category": (cast(Category.uuid, String), Category.title),
        "organization": (cast(Organization.uuid, String), Organization.name),
        "country": (Offering.country, Offering.country),
        "state": (Offering.state, Offering.state),
    }
    parts = []
    for facet, (value, label) in columns.items():
        statement = select(
            literal(facet).label("facet"), value.label("value"), label.label("label"), func.count().label("number")
        )
        statement = _base(statement, actor, search, leave_out=facet).group_by(value, label)
        present = Organization.id.is_not(None) if facet == "organization" else true()
        parts.append(statement.where(present))
    rows = db.session.execute(union_all(*parts)).all()
    found: dict[str, list[Choice]] = {facet: [] for facet in FACETS}
    for facet, value, label, number in rows:
        if value in (None, ""):
            continue
        found[facet].append(Choice(_dashed(facet, value), label, number))
    for choices in found.values():
        choices.sort(key=lambda choice: (choice.label or "").casefold())
    return found


def _dashed(facet: str, value: str) -> str:
    # A uuid read as text has dashes on PostgreSQL and none on SQLite.
    return str(uuidlib.UUID(value)) if facet in ("category", "organization") else value
