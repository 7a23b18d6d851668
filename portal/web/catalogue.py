"""The catalogue and the page of one offering."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.domain.catalogue_index import FACETS
from portal.domain.identifiers import parse_uuid
from portal.domain.messages import N_
from portal.domain.periods import Period
from portal.errors import NotFound
from portal.localization import collation_key
from portal.localization import gettext as _
from portal.models.base import utcnow
from portal.policies import LISTED_STATES, Actor
from portal.queries import catalogue as queries
from portal.queries.availability import availability_and_next_free, next_free, parse_attributes, zone_of
from portal.queries.catalogue import Search
from portal.queries.free_offerings import FreeOfferings, find_free_offerings
from portal.queries.offerings import get_visible_offering, relatives
from portal.queries.plans import cheapest, cheapest_of
from portal.web import finder, sheet
from portal.web.booking_form import picked
from portal.web.calendars import card_of
from portal.web.filters import country, safe_href, state_name
from portal.web.guards import public
from portal.web.links import page_number, printable, url_with, url_without
from portal.web.people import current_actor
from portal.web.prices import plan_tables, unit_name
from portal.web.week import build_week, days_shown, first_day, slot_value, span_of, ticks

blueprint = Blueprint("catalogue", __name__)

# Each chosen value is shown with the address that takes it back, and none needs more than a person can tick.
MAX_CHOSEN = 50
# More choices than a person looks through. Those with the most offerings are shown.
MAX_CHOICES = 100
# A card shows three lines.
CARD_TEXT = 1000

FACET_LABELS = {
    "category": N_("Category"),
    "organization": N_("Organization"),
    "country": N_("Country"),
    "state": N_("State"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a facet's menu."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet's button and menu; `left_out` choices are not in it."""

    name: str
    label: str
    choices: list[Choice]
    left_out: int = 0

    @property
    def chosen(self) -> list[Choice]:
        return [choice for choice in self.choices if choice.selected]


@dataclass(frozen=True, slots=True)
class Applied:
    """A filter in force: what it is, the address without it, and, where nothing was found, what that would show."""

    label: str
    value: str
    without: str
    leaves: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """An offering among others. `slot` is the period that was asked for, as the booking page takes it."""

    uuid: uuidlib.UUID
    name: str
    description: str
    organization_name: str | None
    country: str
    state: str
    picture: str | None
    time_zone: str
    next_free: datetime | None
    slot: str
    price_from: Decimal | None
    price_unit: str


@blueprint.get("/")
@blueprint.get("/offerings/", endpoint="offerings")
@public
def index() -> ResponseReturnValue:
    """The catalogue: everything it shows is in the query string."""
    actor, search, now = current_actor(), search_of_request(), utcnow()
    asked = finder.read(request.args)
    free: FreeOfferings | None = None
    if asked.wanted is not None:
        free = find_free_offerings(queries.bookable_candidates(actor, search), asked.wanted, now)
    found = queries.browse(actor, search, among=free.among.ids if free else None)
    facets = _facets(search, found.facets)
    page = render_template(
        "catalogue/index.html",
        search=search,
        asked=asked,
        page=found.page,
        cards=_cards(actor, found.rows, free.periods([row.id for row in found.rows]) if free else None),
        facets=facets,
        tally=sorted(found.tally.items()),
        applied=_applied(actor, search, facets, asked, nothing_found=not found.rows),
        sorts={value: _(label) for value, label in queries.SORTS.items()},
        timeline_query=_timeline_query(search, asked),
        default_sort=queries.DEFAULT_SORT,
    )
    return _with_date(page, max((row.written for row in found.rows), default=None))


def _with_date(page: str, written: datetime | None) -> Response:
    response = make_response(page)
    response.last_modified = written
    return response


def search_of_request() -> Search:
    """The search that the query string asks for."""
    args = request.args
    sort = args.get("sort", queries.DEFAULT_SORT)
    chosen: dict[str, Any] = {facet: _chosen(args.getlist(facet)) for facet in FACETS}
    return Search(
        q=printable(" ".join(args.get("q", "").split()))[: queries.MAX_TEXT],
        sort=sort if sort in queries.SORTS else queries.DEFAULT_SORT,
        page=page_number(),
        **chosen,
    )


def _timeline_query(search: Search, asked: finder.Asked) -> dict[str, Any]:
    """The arguments with which the day view shows the same offerings."""
    kept: dict[str, Any] = {name: list(getattr(search, name)) for name in FACETS if getattr(search, name)}
    if search.q:
        kept["q"] = search.q
    if asked.wanted is not None:
        kept["day"] = asked.date
    return kept


def _chosen(values: list[str]) -> tuple[str, ...]:
    found = dict.fromkeys(value for given in values if (value := printable(given)))
    return tuple(islice(found, MAX_CHOSEN))


def _facets(search: Search, found: dict[str, list[queries.FacetValue]]) -> list[Facet]:
    facets = []
    for name in FACETS:
        wanted = getattr(search, name)
        choices = [Choice(c.value, _label(name, c.label), c.count, c.value in wanted) for c in found[name]]
        known = {choice.value for choice in choices}
        # A chosen value that the other filters leave nothing of must stay visible, so that it can be taken back.
        choices += [Choice(value, _label(name, value), 0, True) for value in wanted if value not in known]
        if len(choices) > 1 or any(choice.selected for choice in choices):
            shown = sorted(choices, key=lambda choice: (not choice.selected, -choice.count))[:MAX_CHOICES]
            shown.sort(key=lambda choice: collation_key(choice.label))
            facets.append(Facet(name, _(FACET_LABELS[name]), shown, len(choices) - len(shown)))
    return facets


def _label(facet: str, text: str) -> str:
    if facet == "country":
        return country(text)
    return state_name(text) if facet == "state" else text


def _applied(
    actor: Actor, search: Search, facets: list[Facet], asked: finder.Asked, *, nothing_found: bool
) -> list[Applied]:
    filters = [("q", Applied(_("Search"), search.q, url_without("q")))] if search.q else []
    if asked.wanted is not None:
        without = url_with(**dict.fromkeys((*finder.NAMES, "page")))
        filters.append(("free", Applied(_("Free"), asked.words, without, queries.count(actor, search))))
    filters += [
        (facet.name, Applied(facet.label, choice.label, url_without(facet.name, choice.value)))
        for facet in facets
        for choice in facet.chosen
    ]
    if not nothing_found or len(filters) < 2:
        return [applied for _, applied in filters]
    # The page then says which filter to drop: what would there be without it?
    if asked.wanted is not None:
        return [applied for _, applied in filters]
    left = {name: queries.count(actor, search.without(name)) for name in {name for name, _ in filters}}
    return [replace(applied, leaves=left[name]) for name, applied in filters]


def _cards(actor: Actor, rows: list[queries.CatalogueRow], known: dict[int, Period] | None = None) -> list[Card]:
    free = known
    if free is None:
        free = next_free(((row.id, row.attributes) for row in rows if row.state == "Active"), utcnow())
    prices = cheapest(actor, [row.id for row in rows])
    cards = []
    for row in rows:
        price = prices.get(row.id)
        cards.append(
            Card(
                uuid=row.uuid,
                name=row.name,
                description=row.description[:CARD_TEXT],
                organization_name=row.organization_name,
                country=row.country,
                state=row.state,
                picture=row.picture,
                time_zone=zone_of(row.attributes).key,
                next_free=free[row.id].start if row.id in free else None,
                slot=slot_value(free[row.id].start, free[row.id].end) if known and row.id in known else "",
                price_from=price[0] if price else None,
                price_unit=unit_name(price[1]) if price else "",
            )
        )
    return cards


@blueprint.get("/offerings/<string(length=32):digits>/")
@public
def offering_by_digits(digits: str) -> ResponseReturnValue:
    """The address with the uuid as 32 hex digits, as the API takes it too, leads to the one with dashes."""
    try:
        uuid = parse_uuid(digits)
    except ValueError:
        raise NotFound("Offering") from None
    return redirect(url_for("catalogue.offering", uuid=uuid), code=301)


@blueprint.get("/offerings/<uuid:uuid>/")
@public
def offering(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Everything an offering has."""
    actor, now = current_actor(), utcnow()
    view = get_visible_offering(actor, uuid)
    shown, attributes = view.document, view.attributes
    zone = zone_of(attributes).key
    first = first_day(request.args.get("from"), now.astimezone(ZoneInfo(zone)).date())
    bookable = shown["state"] == "Active"
    days = days_shown(parse_attributes(attributes).schedule.config)
    window = Period(*span_of(first, zone, days))
    availability, free = availability_and_next_free(view.id, attributes, window, now, actor, bookable=bookable)
    week = build_week(
        (block for day in availability.days(first, days) for block in day.blocks),
        first,
        zone,
        now,
        free.start if free else None,
        bookable=bookable,
        days=days,
    )
    ticked, carried = ticks(week, picked(request.args.getlist("slot")))
    price = cheapest_of(shown)
    parent, children = relatives(actor, view)
    page = render_template(
        "catalogue/offering.html",
        offering=shown,
        parent=parent,
        children=children,
        zone=zone,
        week=week,
        ticked=ticked,
        carried=carried,
        manages=view.manages,
        published=shown["shared"] and shown["state"] in LISTED_STATES and not shown["organization_groups"],
        bookable=bookable,
        next_free=free.start if free else None,
        price_from=price[0] if price else None,
        price_unit=unit_name(price[1]) if price else "",
        plans=plan_tables(shown),
        specifications=sheet.specifications(attributes),
        rules=sheet.rules(shown, zone, now),
        questions=sheet.questions(shown["options"]),
        screenshots=[shot for shot in shown["screenshots"] if safe_href(shot["image"])],
        code=sheet.instrument_code(view.backend_id, shown["plugin_options"]),
        calendar=card_of(view, zone, now),
        backstage=sheet.backstage(shown) if view.manages else [],
    )
    return _with_date(page, view.modified)
