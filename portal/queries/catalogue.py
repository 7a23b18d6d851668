"""The catalogue: search, facets, sort and pages over the offerings an actor may see.

What a text search finds is read once, as columns of numbers in order, and remembered until the catalogue's stamp moves;
filters, counts and pages are then arithmetic over them. portal.queries.free looks for what is free among them.
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

from sqlalchemy import ColumnElement, Select, String, cast, column, func, literal, select, table, union_all
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
# Fails more facets than there are.
OUT = 100
FACETS = ("category", "organization", "country", "state")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for. Values of one facet are alternatives, facets narrow each other.

    `category` and `organization` hold uuids, `country` ISO codes, `state` display words. Values that are no
    uuid match nothing rather than everything.
    """

    q: str = ""
    category: tuple[str, ...] = ()
    organization: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    sort: str = DEFAULT_SORT
    page: int = 1

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
    """What is shown to an actor, in order: ids, for each facet the key of each offering's value, and what keys mean.

    `clocks` are keys too: offerings with the same one can be booked at the same times (portal.domain.clocks), and
    `examples` names one for each key.
    """

    ids: array[int]
    columns: dict[str, array[int]]
    labels: dict[str, Labels]
    clocks: array[int]
    examples: array[int]

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        columns = (self.ids, *self.columns.values(), self.clocks, self.examples)
        return sum(it.itemsize * len(it) for it in columns) + 400 * sum(map(len, self.labels.values()))

    def picked(self, places: Sequence[int]) -> Shelf:
        """The offerings at these places alone, in the order of the places."""
        columns = {facet: _at(column, places) for facet, column in self.columns.items()}
        return Shelf(_at(self.ids, places), columns, self.labels, _at(self.clocks, places), self.examples)


@dataclass(frozen=True, slots=True)
class Among:
    """Some of the offerings of a shelf: their places, in order."""

    shelf: Shelf
    places: array[int]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A shelf with the facets that were chosen: the ids that are left, and the choices of each facet."""

    ids: array[int]
    facets: dict[str, list[Choice]]


def browse(
    actor: Actor, search: Search, stamp: Stamp, *, among: Among | None = None, page_size: int = PAGE_SIZE
) -> Found:
    """The page of offerings that a search shows to an actor, with counts for every facet.

    `among` is what no other offering counts beside, of the shelf that `shelf_of` answers for this search.

    A page number out of range becomes the nearest one. One SQL statement; one or two more where nothing is remembered
    under this stamp (portal.queries.stamp).
    """
    found = _narrowed(actor, search, stamp) if among is None else _apply(among.shelf, _chosen(search), among.places)
    page = Page.of(search.page, page_size, len(found.ids))
    ids = found.ids[page.offset : page.offset + page.size]
    rows = {row.id: row for row in _rows(actor, ids)} if ids else {}
    tally = {choice.value: choice.count for choice in found.facets["state"]}
    return Found([rows[it] for it in ids if it in rows], page, found.facets, tally)


def active(actor: Actor, search: Search, stamp: Stamp) -> Among:
    """The Active offerings that count in a search or in the menu of a facet of it."""
    shelf = shelf_of(actor, search, stamp)
    bookable = _keys(shelf, "state", ("Active",))
    failing = zip(_fails(shelf, _chosen(search)), shelf.columns["state"], strict=True)
    places = (place for place, (failed, state) in enumerate(failing) if failed < 2 and state in bookable)
    return Among(shelf, array("i", places))


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


def _chosen(search: Search) -> dict[str, tuple[str, ...]]:
    return {facet: wanted for facet in FACETS if (wanted := getattr(search, facet))}


def _narrowed(actor: Actor, search: Search, stamp: Stamp) -> Narrowed:
    """The shelf of a search with its facets applied."""
    chosen = _chosen(search)

    def make() -> tuple[Narrowed, int]:
        found = _apply(shelf_of(actor, search, stamp), chosen)
        choices = sum(map(len, found.facets.values()))
        return found, found.ids.itemsize * len(found.ids) + 300 * choices + 1000 * len(chosen)

    key = ("narrowed", actor.reader, _words(search), search.sort, tuple(chosen.items()))
    found: Narrowed = memory().kept(stamp, key, make)
    return found


def _words(search: Search) -> tuple[str, ...] | None:
    return tuple(words_of(search.q[:MAX_TEXT])) if search.q else None


def shelf_of(actor: Actor, search: Search, stamp: Stamp) -> Shelf:
    """What an actor is shown of a search without its facets. One or two SQL statements where it is not remembered."""
    return _shelf(actor, _words(search), search.sort, stamp)


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
    ids, clocks, examples = array("i"), array("i"), array("i")
    columns = {facet: array("i") for facet in FACETS}
    labels: dict[str, Labels] = {facet: {} for facet in FACETS}
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
            OfferingDocument.clock,
        )
        .join(Category, Category.id == Offering.category_id)
        .outerjoin(Organization, Organization.id == Offering.organization_id)
        .join(OfferingDocument, OfferingDocument.offering_id == Offering.id)
        .where(visible_offerings(actor))
        .order_by(*_order(sort))
    )
    # What stands for a value in a column: small numbers, so that a column is small.
    keys: tuple[dict[Any, int], ...] = ({}, {}, {}, {})
    category, organization, country, state = (columns[facet].append for facet in FACETS)
    categories, organizations, countries, states = keys
    clock_keys: dict[int, int] = {}
    for row in db.session.execute(statement.execution_options(yield_per=2000)):
        offering_id, category_id, organization_id, its_country, its_state, c_uuid, title, o_uuid, name, clock = row
        ids.append(offering_id)
        if category_id not in categories:
            labels["category"][len(categories)] = (str(uuidlib.UUID(c_uuid)), title)
        category(categories.setdefault(category_id, len(categories)))
        if organization_id not in organizations:
            label = (str(uuidlib.UUID(o_uuid)), name) if organization_id else ("", "")
            labels["organization"][len(organizations)] = label
        organization(organizations.setdefault(organization_id, len(organizations)))
        country(countries.setdefault(its_country, len(countries)))
        state(states.setdefault(its_state, len(states)))
        if clock not in clock_keys:
            examples.append(offering_id)
        clocks.append(clock_keys.setdefault(clock, len(clock_keys)))
    for facet, known in (("country", countries), ("state", states)):
        labels[facet].update((key, (value, value)) for value, key in known.items())
    return Shelf(ids, {facet: _small(it) for facet, it in columns.items()}, labels, _small(clocks), examples)


def _small(column: array[int]) -> array[int]:
    """The same numbers (none below 0) in as few bytes as they need."""
    most = max(column, default=0)
    return array("B" if most < 1 << 8 else "H" if most < 1 << 16 else "i", column)


def _at(column: array[int], places: Sequence[int]) -> array[int]:
    return array(column.typecode, map(column.__getitem__, places))


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


def _apply(shelf: Shelf, chosen: dict[str, tuple[str, ...]], places: Sequence[int] | None = None) -> Narrowed:
    """`places`: nothing but what stands there counts."""
    fails = _fails(shelf, chosen)
    if places is not None:
        outside = bytearray((OUT,)) * len(fails)
        for place in places:
            outside[place] = fails[place]
        fails = outside
    counts: dict[str, Counter[int]] = {}
    passing = [not it for it in fails]
    everything = places is None and not chosen
    for facet, keys_of in shelf.columns.items():
        if facet in chosen:
            keys = _keys(shelf, facet, chosen[facet])
            counts[facet] = Counter(
                key
                for key, failed in zip(keys_of, fails, strict=True)
                if not failed or (failed == 1 and key not in keys)
            )
        else:
            counts[facet] = Counter(keys_of if everything else compress(keys_of, passing))
    facets = {facet: _choices(shelf.labels[facet], counted) for facet, counted in counts.items()}
    ids = shelf.ids if everything else array(shelf.ids.typecode, compress(shelf.ids, passing))
    return Narrowed(ids, facets)


def _fails(shelf: Shelf, chosen: dict[str, tuple[str, ...]]) -> bytearray:
    """How many of the chosen facets each offering fails. Failing one alone it still counts in that facet's menu."""
    fails = bytearray(len(shelf.ids))
    for facet, values in chosen.items():
        keys = _keys(shelf, facet, values)
        for place, key in enumerate(shelf.columns[facet]):
            if key not in keys:
                fails[place] += 1
    return fails


def _keys(shelf: Shelf, facet: str, values: Sequence[str]) -> set[int]:
    given = set(values)
    if facet in ("category", "organization"):
        given = {str(it) for it in _uuids(values)}
    return {key for key, (value, _label) in shelf.labels[facet].items() if value in given}


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
