"""The catalogue and the page of one offering."""

from __future__ import annotations

import uuid as uuidlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.models.base import utcnow
from portal.queries import catalogue as queries
from portal.queries.catalogue import Search
from portal.queries.offerings import get_visible_offering
from portal.web import sheet
from portal.web.countries import country_name
from portal.web.filters import picture_src
from portal.web.guards import public
from portal.web.links import url_without
from portal.web.people import current_actor
from portal.web.prices import plan_prices
from portal.web.week import build_week, first_day, span_of

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
        cards=[],
        facets=facets,
        tally=sorted(found.tally.items()),
        applied=_applied(search, facets),
        sorts=queries.SORTS,
        default_sort=queries.DEFAULT_SORT,
    )


def _search() -> Search:
    args = request.args
    sort = args.get("sort", queries.DEFAULT_SORT)
    page = args.get("page", "1")
    return Search(
        q=" ".join(args.get("q", "").split())[: queries.MAX_TEXT],
        sort=sort if sort in queries.SORTS else queries.DEFAULT_SORT,
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 10 else 1,
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


def _applied(search: Search, facets: list[Facet]) -> list[Applied]:
    applied = [Applied("Search", search.q, url_without("q"))] if search.q else []
    return applied + [
        Applied(facet.label, choice.label, url_without(facet.name, choice.value)) for facet in facets for choice in facet.chosen
    ]
