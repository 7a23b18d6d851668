"""The catalogue: search, facets, sorting and pages over the offerings that an actor may see.

Order, facets and counts come from the catalogue index (portal.domain.catalogue_index), text matches from the database's
full-text index. portal.queries.free_offerings then finds free times.
"""

from __future__ import annotations

import uuid as uuidlib
from array import array
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, cast, column, func, literal, select, table, union_all
from sqlalchemy.dialects.postgresql import TSQUERY

from portal.domain.catalogue_index import FACETS, CatalogueIndex, Label, both, picked
from portal.domain.messages import N_
from portal.domain.search_words import search_words
from portal.extensions import cache, db
from portal.models import Offering, OfferingDocument, Organization
from portal.policies import Actor, visible_offerings
from portal.queries.catalogue_index import MANY, extra_ids, locked_index
from portal.queries.page import Page

SORTS = {"name": N_("Name"), "newest": N_("Newest first"), "provider": N_("Provider")}
# By name; offerings with the search words in their names come first.
DEFAULT_SORT = "name"
PAGE_SIZE = 24
MAX_TEXT = 200
# In the mask of a search: the name has all words.
IN_NAME = 2


@dataclass(frozen=True, slots=True)
class Search:
    """A search. Values of one facet are alternatives; all facets have to match.

    `category` and `organization` are UUIDs (others match nothing), `country` ISO codes, `state` display words.
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

    @property
    def words(self) -> tuple[str, ...] | None:
        """The search words, each of which has to begin a word of the offering; None without a text."""
        return tuple(search_words(self.q[:MAX_TEXT])) if self.q else None

    @property
    def chosen(self) -> dict[str, tuple[str, ...]]:
        """The facets that have a value, with their values."""
        return {facet: wanted for facet in FACETS if (wanted := getattr(self, facet))}


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet, its name, and how many offerings match it together with the other filters."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """An offering as a card shows it, without availability and price."""

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
class CataloguePage:
    """One page of the catalogue. `facets` maps a facet to its values, `tally` a state to its number of offerings."""

    rows: list[CatalogueRow]
    page: Page
    facets: dict[str, list[FacetValue]]
    tally: dict[str, int]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Offerings in the order of a search, and for each a number that identifies its schedule."""

    ids: array[int]
    schedules: array[int]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search finds: ids in order, and the values of each facet."""

    ids: array[int]
    facets: dict[str, list[FacetValue]]


def browse(
    actor: Actor, search: Search, *, among: Collection[int] | None = None, page_size: int = PAGE_SIZE
) -> CataloguePage:
    """The page of offerings that an actor's search finds, with counts for every facet.

    `among`: only these ids count. A page number out of range becomes the nearest one. Two SQL statements; one more
    each for words and for a signed-in actor, unless cached.
    """
    found = _narrow(actor, search) if among is None else _narrow_among(actor, search, among)
    page = Page.of(search.page, page_size, len(found.ids))
    ids = found.ids[page.offset : page.offset + page.size]
    rows = {row.id: row for row in _rows(actor, ids)} if ids else {}
    tally = {choice.value: choice.count for choice in found.facets["state"]}
    return CataloguePage([rows[it] for it in ids if it in rows], page, found.facets, tally)


def bookable_candidates(actor: Actor, search: Search) -> Candidates:
    """The Active offerings that match a search, or that count in the menu of one of its facets."""
    with locked_index() as index:
        visible, order = _scope(index, actor, search)
        bookable = both(visible, index.having("state", index.numbers_of("state", ("Active",))))
        passing = {facet: index.having(facet, numbers) for facet, numbers in _numbers(index, search).items()}
        # An offering that fails only one facet still counts in that facet's menu.
        failed = [0] * index.width
        for having in passing.values():
            failed = [count + (not passes) for count, passes in zip(failed, having, strict=True)]
        wanted = bytes(has and count < 2 for has, count in zip(bookable, failed, strict=True)) if passing else bookable
        ids = picked(order, wanted)
        return Candidates(ids, array("i", map(index.schedules.__getitem__, ids)))


def count(actor: Actor, search: Search) -> int:
    """How many offerings an actor's search finds."""
    return len(_narrow(actor, search).ids)


def _rows(actor: Actor, ids: Sequence[int]) -> list[CatalogueRow]:
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
    return [CatalogueRow(*row) for row in db.session.execute(statement)]


def _narrow(actor: Actor, search: Search) -> SearchResult:
    """A search with its facets, cached until any offering changes, since computing it takes some milliseconds."""
    key = ("narrowed", actor.visibility_key, search.words, search.sort, tuple(search.chosen.items()))
    with locked_index() as index:
        found: SearchResult | None = cache().get(key, index.generation)
        if found is None:
            visible, order = _scope(index, actor, search)
            found = _apply(index, search, visible, order)
            choices = sum(map(len, found.facets.values()))
            cache().put(key, index.generation, found, found.ids.itemsize * len(found.ids) + 300 * choices)
        return found


def _narrow_among(actor: Actor, search: Search, among: Collection[int]) -> SearchResult:
    with locked_index() as index:
        visible, order = _scope(index, actor, search)
        return _apply(index, search, both(visible, index.mask(among)), order)


def _scope(index: CatalogueIndex, actor: Actor, search: Search) -> tuple[bytes | bytearray, array[int]]:
    """The offerings that match a search without its facets: as a mask, and in order."""
    extra = extra_ids(index, actor)
    visible: bytes | bytearray = index.visible(extra)
    order = index.ids_by_name(extra)
    words = search.words
    if words is not None:
        matches = _matches(index, words)
        visible = both(visible, bytes(map(bool, matches)))
        order = picked(order, visible)
        if search.sort == DEFAULT_SORT:
            order = array("i", sorted(order, key=lambda it: matches[it] != IN_NAME))
    if search.sort == "newest":
        order = index.newest_first(order)
    elif search.sort == "provider":
        order = index.by_provider(order)
    return visible, order


def _apply(index: CatalogueIndex, search: Search, visible: bytes | bytearray, order: array[int]) -> SearchResult:
    having = {facet: index.having(facet, numbers) for facet, numbers in _numbers(index, search).items()}
    passing = both(visible, *having.values())
    facets = {}
    for facet in FACETS:
        others = [it for name, it in having.items() if name != facet]
        mask = both(visible, *others) if facet in having else passing
        facets[facet] = _choices(index.labels[facet], index.count(facet, mask))
    return SearchResult(picked(order, passing), facets)


def _numbers(index: CatalogueIndex, search: Search) -> dict[str, set[int]]:
    chosen = {}
    for facet, values in search.chosen.items():
        given = {str(it) for it in _uuids(values)} if facet in ("category", "organization") else values
        chosen[facet] = index.numbers_of(facet, given)
    return chosen


def _choices(labels: dict[int, Label], counted: Counter[int]) -> list[FacetValue]:
    found = [FacetValue(*labels[key], number) for key, number in counted.items() if key in labels and labels[key].value]
    return sorted(found, key=lambda choice: (choice.label or "").casefold())


def _uuids(values: Sequence[str]) -> list[uuidlib.UUID]:
    found = []
    for value in values:
        try:
            found.append(uuidlib.UUID(value))
        except ValueError:
            continue
    return found


def _matches(index: CatalogueIndex, words: tuple[str, ...]) -> bytearray:
    """A mask of the offerings with words that begin with these; IN_NAME if their name has them all.

    One SQL statement, unless cached and no offering has changed since.
    """
    if not words:
        return bytearray(index.width)
    key = ("search", words)
    cached: tuple[int, bytearray] | None = cache().get(key, None)
    changed = index.changes_since(cached[0]) if cached else None
    if cached and changed is not None and not changed:
        return cached[1]
    if cached is None or changed is None or len(changed) > MANY:
        mask, changed = bytearray(index.width), None
    else:
        mask = cached[1] + bytes(index.width - len(cached[1]))
        for offering_id in changed:
            if offering_id < len(mask):
                mask[offering_id] = 0
    everywhere, in_names = _matching(words, changed)
    for offering_id, in_name in db.session.execute(union_all(everywhere, in_names)):
        if offering_id < len(mask):
            mask[offering_id] = max(mask[offering_id], IN_NAME if in_name else 1)
    cache().put(key, None, (index.generation, mask), len(mask))
    return mask


def _matching(words: Sequence[str], ids: Collection[int] | None) -> tuple[Select[Any], Select[Any]]:
    """Full-text queries (among these ids): ids with 0 for words anywhere, and with 1 for words in names."""
    if db.engine.dialect.name == "sqlite":
        wanted = " AND ".join(f'"{word}" *' for word in words)
        index = table("offering_search", column("rowid"), column("offering_search"))

        def match(text: str, mark: int) -> Select[Any]:
            found = select(index.c.rowid, literal(mark)).where(index.c.offering_search.op("MATCH")(text))
            return found if ids is None else found.where(index.c.rowid.in_(ids))

        return match(wanted, 0), match(f"search_name : ({wanted})", 1)
    query = cast(" & ".join(f"'{word}':*" for word in words), TSQUERY)
    index = table("offering_search", column("offering_id"), column("words"), column("name_words"))
    found = [
        select(index.c.offering_id, literal(mark)).where(text.op("@@")(query))
        for text, mark in ((index.c.words, 0), (index.c.name_words, 1))
    ]
    if ids is not None:
        found = [it.where(index.c.offering_id.in_(ids)) for it in found]
    return found[0], found[1]
