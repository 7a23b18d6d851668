"""The catalogue and the page of one offering."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from portal.domain.choices import country_name
from portal.models.base import utcnow
from portal.policies import Actor
from portal.queries import catalogue as queries
from portal.queries.catalogue import Search
from portal.queries.offerings import get_visible_offering
from portal.web import sheet
from portal.web.calendars import card_of
from portal.web.filters import picture_src
from portal.web.guards import public
from portal.web.links import page_number, url_without
from portal.web.people import current_actor
from portal.web.prices import plan_prices
from portal.web.week import build_week, first_day
from portal.web.zones import zone_of

blueprint = Blueprint("catalogue", __name__)

FACET_LABELS = {"category": "Category", "organization": "Organization", "country": "Country", "state": "State"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a facet's menu."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet's button and menu."""

    name: str
    label: str
    choices: list[Choice]

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
    """An offering among others."""

    uuid: uuidlib.UUID
    name: str
    description: str
    organization_name: str | None
    country: str
    state: str
    picture: str | None
    time_zone: str
    next_free: datetime | None
    price_from: Decimal | None


@blueprint.get("/")
@blueprint.get("/offerings/", endpoint="offerings")
@public
def index() -> ResponseReturnValue:
    """The catalogue: everything it shows is in the query string."""
    actor, search = current_actor(), _search()
    found = queries.browse(actor, search)
    facets = _facets(search, found.facets)
    return render_template(
        "catalogue/index.html",
        search=search,
        page=found.page,
        cards=_cards(found.rows),
        facets=facets,
        tally=sorted(found.tally.items()),
        applied=_applied(actor, search, facets, nothing_found=not found.rows),
        sorts=queries.SORTS,
        default_sort=queries.DEFAULT_SORT,
    )


def _search() -> Search:
    args = request.args
    sort = args.get("sort", queries.DEFAULT_SORT)
    return Search(
        q=" ".join(args.get("q", "").split())[: queries.MAX_TEXT],
        sort=sort if sort in queries.SORTS else queries.DEFAULT_SORT,
        page=page_number(),
        **{facet: tuple(dict.fromkeys(filter(None, args.getlist(facet)))) for facet in queries.FACETS},
    )


def _facets(search: Search, found: dict[str, list[queries.Choice]]) -> list[Facet]:
    facets = []
    for name in queries.FACETS:
        wanted = getattr(search, name)
        choices = [Choice(c.value, _label(name, c.label), c.count, c.value in wanted) for c in found[name]]
        known = {choice.value for choice in choices}
        # A chosen value that the other filters leave nothing of must stay visible, so that it can be taken back.
        choices += [Choice(value, _label(name, value), 0, True) for value in wanted if value not in known]
        if len(choices) > 1 or any(choice.selected for choice in choices):
            facets.append(Facet(name, FACET_LABELS[name], sorted(choices, key=lambda choice: choice.label.casefold())))
    return facets


def _label(facet: str, text: str) -> str:
    return country_name(text) if facet == "country" else text


def _applied(actor: Actor, search: Search, facets: list[Facet], *, nothing_found: bool) -> list[Applied]:
    filters = [("q", Applied("Search", search.q, url_without("q")))] if search.q else []
    filters += [
        (facet.name, Applied(facet.label, choice.label, url_without(facet.name, choice.value)))
        for facet in facets
        for choice in facet.chosen
    ]
    if not nothing_found or len(filters) < 2:
        return [applied for _, applied in filters]
    # The page then says which filter to drop: what would there be without it?
    left = {name: queries.count(actor, search.without(name)) for name in {name for name, _ in filters}}
    return [replace(applied, leaves=left[name]) for name, applied in filters]


def _cards(rows: list[queries.Row]) -> list[Card]:
    return [
        Card(
            uuid=row.uuid,
            name=row.name,
            description=row.description,
            organization_name=row.organization_name,
            country=row.country,
            state=row.state,
            picture=row.picture,
            time_zone=zone_of(row.attributes),
            next_free=None,
            price_from=None,
        )
        for row in rows
    ]


@blueprint.get("/offerings/<uuid:uuid>/")
@public
def offering(uuid: uuidlib.UUID) -> ResponseReturnValue:
    """Everything an offering has."""
    actor, now = current_actor(), utcnow()
    view = get_visible_offering(actor, uuid)
    found = view.offering
    zone = zone_of(found.attributes)
    first = first_day(request.args.get("from"), now.astimezone(ZoneInfo(zone)).date())
    week = build_week([], first, zone, now, None)
    return render_template(
        "catalogue/offering.html",
        offering=found,
        parent=view.parent,
        children=view.children,
        zone=zone,
        week=week,
        next_free=week.next_free,
        price_from=None,
        plans=[plan_prices(plan, found.components, Decimal(0), True) for plan in view.plans],
        specifications=sheet.specifications(found.attributes),
        rules=sheet.rules(found, zone, now),
        questions=sheet.questions(found.options),
        screenshots=[shot for shot in found.screenshots if picture_src(shot.image)],
        code=sheet.instrument_code(found),
        calendar=card_of(actor, view, zone, now),
        backstage=sheet.backstage(found, found.orders_elsewhere) if view.manages else [],
    )
