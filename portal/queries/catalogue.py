"""The catalogue: search, facets, sort and pages over the offerings an actor may see.

What a text search finds is read once, as columns of numbers in order, and remembered until the catalogue's stamp moves;
filters, counts and pages are then arithmetic over them.
"""

from __future__ import annotations

import uuid as uuidlib
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Text, cast, column, func, literal, select, table, union_all
from sqlalchemy.dialects.postgresql import TSQUERY

from portal.domain.memory import Stamp
from portal.domain.words import words_of
from portal.extensions import db, memory
from portal.models import Category, Offering, OfferingDocument, Organization
from portal.policies import Actor, visible_offerings
from portal.queries.page import Page

SORTS = {"name": "Name", "newest": "Newest first", "provider": "Provider"}
# By name; what was searched for in names comes before what stands in descriptions.
DEFAULT_SORT = "name"
PAGE_SIZE = 24
MAX_TEXT = 200
MAX_CANDIDATES = 20_000
# So many ids are not named one by one: all are read.
MANY = 5_000
# Fails more facets than there are.
OUT = 100
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
    written: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """One page of the catalogue. `facets` maps a facet's name to its choices, `tally` a state to its number."""

    rows: list[Row]
    page: Page
    facets: dict[str, list[Choice]]
    tally: dict[str, int]


# Of a facet: the value in an address and the name of each key.
Labels = dict[int, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is shown to an actor, in order: ids, for each facet the key of each offering's value, and what keys mean."""

    ids: array[int]
    columns: dict[str, array[int]]
    labels: dict[str, Labels]

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        columns = sum(column.itemsize * len(column) for column in (self.ids, *self.columns.values()))
        return columns + 400 * sum(map(len, self.labels.values()))

    def picked(self, places: Sequence[int]) -> Shelf:
        """The offerings at these places alone, in the order of the places."""
        columns = {facet: array("i", map(column.__getitem__, places)) for facet, column in self.columns.items()}
        return Shelf(array("q", map(self.ids.__getitem__, places)), columns, self.labels)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A shelf with the facets that were chosen: the ids that are left, and the choices of each facet."""

    ids: array[int]
    facets: dict[str, list[Choice]]


def browse(actor: Actor, search: Search, stamp: Stamp, *, page_size: int = PAGE_SIZE) -> Found:
    """The page of offerings that a search shows to an actor, with counts for every facet.

    A page number out of range becomes the nearest one. One SQL statement; one or two more where nothing is remembered
    under this stamp (portal.queries.stamp).
    """
    found = _narrowed(actor, search, stamp)
    page = Page.of(search.page, page_size, len(found.ids))
    ids = found.ids[page.offset : page.offset + page.size]
    rows = {row.id: row for row in _rows(actor, ids)} if ids else {}
    tally = {choice.value: choice.count for choice in found.facets["state"]}
    return Found([rows[it] for it in ids if it in rows], page, found.facets, tally)


def candidates(actor: Actor, search: Search, stamp: Stamp) -> list[tuple[int, str]]:
    """The Active offerings that a search shows to an actor, with their attributes as JSON: to be asked when they are
    free. At most MAX_CANDIDATES, the first by name. One SQL statement more than the search, where it is not remembered.
    """

    def make() -> tuple[list[tuple[int, str]], int]:
        found = _attributes(actor, _narrowed(actor, search, stamp, also=("state", "Active")).ids[:MAX_CANDIDATES])
        return found, sum(len(attributes) + 150 for _id, attributes in found)

    if search.only is not None:
        return make()[0]
    known: list[tuple[int, str]] = memory().kept(stamp, ("candidates", actor.reader, replace(search, page=1)), make)
    return known


def _attributes(actor: Actor, ids: Sequence[int]) -> list[tuple[int, str]]:
    asked = set(ids)
    if not asked:
        return []
    statement = select(Offering.id, cast(Offering.attributes, Text)).where(visible_offerings(actor))
    if len(asked) < MANY:
        statement = statement.where(Offering.id.in_(asked))
    return [(row[0], row[1]) for row in db.session.execute(statement) if row[0] in asked]


def count(actor: Actor, search: Search, stamp: Stamp) -> int:
    """How many offerings a search shows to an actor."""
    return len(_narrowed(actor, search, stamp).ids)


def _rows(actor: Actor, ids: Sequence[int]) -> list[Row]:
    statement = (
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
            OfferingDocument.written,
        )
        .outerjoin(Organization, Organization.id == Offering.organization_id)
        .join(OfferingDocument, OfferingDocument.offering_id == Offering.id)
        .where(Offering.id.in_(list(ids)), visible_offerings(actor))
    )
    return [Row(*row) for row in db.session.execute(statement)]


def _narrowed(actor: Actor, search: Search, stamp: Stamp, also: tuple[str, str] | None = None) -> Narrowed:
    """The shelf of a search with its facets applied; `also` is one more facet and value that must hold."""
    words = tuple(words_of(search.q[:MAX_TEXT])) if search.q else None
    chosen = {facet: wanted for facet in FACETS if (wanted := getattr(search, facet))}

    def make() -> tuple[Narrowed, int]:
        found = _apply(_shelf(actor, words, search.sort, stamp), chosen, search.only, also)
        choices = sum(map(len, found.facets.values()))
        return found, found.ids.itemsize * len(found.ids) + 300 * choices + 1000 * len(chosen)

    if search.only is not None:
        return make()[0]
    key = ("narrowed", actor.reader, words, search.sort, tuple(chosen.items()), also)
    found: Narrowed = memory().kept(stamp, key, make)
    return found


def _shelf(actor: Actor, words: tuple[str, ...] | None, sort: str, stamp: Stamp) -> Shelf:
    def make() -> tuple[Shelf, int]:
        if words is None:
            made = _read_shelf(actor, sort)
        else:
            whole = _shelf(actor, None, sort, stamp)
            made = whole.picked(_places(whole.ids, words, sort))
        return made, made.size

    found: Shelf = memory().kept(stamp, ("shelf", actor.reader, words, sort), make)
    return found


def _read_shelf(actor: Actor, sort: str) -> Shelf:
    ids = array("q")
    columns = {facet: array("i") for facet in FACETS}
    labels: dict[str, Labels] = {facet: {} for facet in FACETS}
    keys: dict[str, dict[str, int]] = {"country": {}, "state": {}}
    statement = (
        select(
            *(Offering.id, Offering.category_id, Offering.organization_id, Offering.country, Offering.state),
            # As texts: most are not looked at.
            *(
                cast(Category.uuid, String).label("c_uuid"),
                Category.title,
                cast(Organization.uuid, String).label("o_uuid"),
                Organization.name,
            ),
        )
        .join(Category, Category.id == Offering.category_id)
        .outerjoin(Organization, Organization.id == Offering.organization_id)
        .where(visible_offerings(actor))
        .order_by(*_order(sort))
    )
    category, organization, country, state = (columns[facet].append for facet in FACETS)
    categories, organizations, countries, states = (labels[facet] for facet in FACETS)
    for row in db.session.execute(statement.execution_options(yield_per=2000)):
        ids.append(row[0])
        category(row[1])
        organization(row[2] or 0)
        country(keys["country"].setdefault(row[3], len(keys["country"])))
        state(keys["state"].setdefault(row[4], len(keys["state"])))
        if row[1] not in categories:
            categories[row[1]] = (str(uuidlib.UUID(row[5])), row[6])
        if row[2] and row[2] not in organizations:
            organizations[row[2]] = (str(uuidlib.UUID(row[7])), row[8])
    for named, of in (("country", countries), ("state", states)):
        of.update((key, (value, value)) for value, key in keys[named].items())
    return Shelf(ids, columns, labels)


def _places(ids: array[int], words: Sequence[str], sort: str) -> list[int]:
    """Where on the shelf the offerings stand that have words beginning so, each of them. One SQL statement.

    Unless another order was asked for, those that have them in their names come first.
    """
    if not words:
        return []
    everywhere, in_names = _matching(words)
    found: set[int] = set()
    named: set[int] = set()
    for offering_id, in_name in db.session.execute(union_all(everywhere, in_names)):
        (named if in_name else found).add(offering_id)
    places = [place for place, it in enumerate(ids) if it in found]
    return places if sort != DEFAULT_SORT else sorted(places, key=lambda place: ids[place] not in named)


def _matching(words: Sequence[str]) -> tuple[Select[Any], Select[Any]]:
    """What the full-text index finds: ids with 0 for words anywhere, and with 1 for words in names."""
    if db.engine.dialect.name == "sqlite":
        wanted = " AND ".join(f'"{word}" *' for word in words)
        index = table("offering_search", column("rowid"), column("offering_search"))

        def match(text: str, mark: int) -> Select[Any]:
            return select(index.c.rowid, literal(mark)).where(index.c.offering_search.op("MATCH")(text))

        return match(wanted, 0), match(f"search_name : ({wanted})", 1)
    query = cast(" & ".join(f"'{word}':*" for word in words), TSQUERY)
    index = table("offering_search", column("offering_id"), column("words"), column("name_words"))
    return (
        select(index.c.offering_id, literal(0)).where(index.c.words.op("@@")(query)),
        select(index.c.offering_id, literal(1)).where(index.c.name_words.op("@@")(query)),
    )


def _order(sort: str) -> list[ColumnElement[Any]]:
    by_name: list[Any] = [Offering.sort_key, Offering.uuid]
    if sort == "newest":
        return [Offering.created.desc(), *by_name]
    if sort == "provider":
        return [func.lower(func.coalesce(Organization.name, "")), *by_name]
    return by_name


def _apply(
    shelf: Shelf,
    chosen: dict[str, tuple[str, ...]],
    only: tuple[int, ...] | None,
    also: tuple[str, str] | None,
) -> Narrowed:
    labels = shelf.labels
    wanted = {facet: _keys(labels[facet], facet, values) for facet, values in chosen.items()}
    # How many of the chosen facets each offering fails. Failing one alone it still counts in that facet's menu.
    fails = bytearray(len(shelf.ids))
    for facet, keys in wanted.items():
        for place, key in enumerate(shelf.columns[facet]):
            if key not in keys:
                fails[place] += 1
    outside = _outside(shelf, only, also)
    for place in outside:
        fails[place] = OUT
    counts: dict[str, Counter[int]] = {}
    passing = [not it for it in fails]
    for facet, keys_of in shelf.columns.items():
        if facet in wanted:
            keys = wanted[facet]
            counts[facet] = Counter(
                key
                for key, failed in zip(keys_of, fails, strict=True)
                if not failed or (failed == 1 and key not in keys)
            )
        else:
            counts[facet] = Counter(keys_of if not wanted and not outside else compress(keys_of, passing))
    facets = {facet: _choices(labels[facet], counted) for facet, counted in counts.items()}
    ids = shelf.ids if not wanted and not outside else array("q", compress(shelf.ids, passing))
    return Narrowed(ids, facets)


def _outside(shelf: Shelf, only: tuple[int, ...] | None, also: tuple[str, str] | None) -> list[int]:
    """The places of offerings that do not count at all."""
    found: list[int] = []
    if only is not None:
        kept = set(only)
        found += [place for place, it in enumerate(shelf.ids) if it not in kept]
    if also is not None:
        facet, value = also
        keys = {key for key, (known, _label) in shelf.labels[facet].items() if known == value}
        found += [place for place, key in enumerate(shelf.columns[facet]) if key not in keys]
    return found


def _keys(labels: Labels, facet: str, values: Sequence[str]) -> set[int]:
    given = set(values)
    if facet in ("category", "organization"):
        given = {str(it) for it in _uuids(values)}
    return {key for key, (value, _label) in labels.items() if value in given}


def _uuids(values: Sequence[str]) -> list[uuidlib.UUID]:
    found = []
    for value in values:
        try:
            found.append(uuidlib.UUID(value))
        except ValueError:
            continue
    return found


def _choices(labels: Labels, counted: Counter[int]) -> list[Choice]:
    found = [Choice(*labels[key], number) for key, number in counted.items() if key in labels and labels[key][0]]
    return sorted(found, key=lambda choice: (choice.label or "").casefold())
