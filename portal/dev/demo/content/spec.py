"""The short form in which the demo's offerings are written down; `wire` turns it into the documented shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WEEKDAYS = (1, 2, 3, 4, 5)
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Hours:
    """Opening hours by the wall clock of the organization. `days`: 0 = Sunday. `slot`: hours.

    `runs` are periods of whole weeks, counted from the week of the demo's day: (first, after the last, title).
    """

    start: str = "09:00"
    end: str = "17:00"
    slot: int = 1
    days: tuple[int, ...] = WEEKDAYS
    runs: tuple[tuple[int, int, str], ...] = ((-8, 26, "Regular opening"),)


@dataclass(frozen=True)
class Component:
    """Something an offering charges for. `more` holds the rarer fields of the wire."""

    type: str
    name: str
    unit: str
    billing: str
    description: str = ""
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Price:
    """What one component costs in a plan: `amount` for fixed components, `discount` as (threshold, rate in percent)."""

    price: str
    amount: int = 0
    future: str | None = None
    discount: tuple[int, int] | None = None


@dataclass(frozen=True)
class Plan:
    """A way to pay. `prices`: component type → price (a plain string is a price alone)."""

    name: str
    unit: str
    prices: dict[str, str | Price]
    description: str = ""
    groups: tuple[str, ...] = ()
    resources: int = 0
    max_amount: int | None = None
    archived: bool = False


@dataclass(frozen=True)
class Shot:
    """A screenshot: a kind of picture, taken from near when `close`."""

    name: str
    description: str
    kind: str
    close: bool = False


@dataclass(frozen=True)
class Offering:
    """One offering. Its long texts lie in `texts/<slug>.html`."""

    slug: str
    name: str
    category: str
    kind: str
    short: str
    hours: Hours
    components: tuple[Component, ...]
    plans: tuple[Plan, ...]
    moved: tuple[float, float] = (0.0, 0.0)
    room: str = ""
    # Exchanged colours, where the organization has two things of one kind.
    twin: bool = False
    state: str = "Active"
    paused_reason: str = ""
    shared: bool = True
    billable: bool = True
    groups: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    resource_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    plugin_options: dict[str, Any] = field(default_factory=dict)
    shots: tuple[Shot, ...] = ()
    guide: bool = False
    endpoints: tuple[tuple[str, str], ...] = ()
    roles: tuple[str, ...] = ()
    quotas: tuple[tuple[str, int, int], ...] = ()
    vendor: str = ""
    integration: str = ""
    doi: str = ""
    citations: int = -1
    orders: int = 0
    checklist: str = ""
    consent: bool = False
    parent: str = ""
    totals: tuple[int, int, int] | None = None
    scope: tuple[str, str] | None = None
    partitions: tuple[dict[str, Any], ...] = ()
    catalogs: tuple[dict[str, Any], ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


def choice(label: str, *choices: str, required: bool = True, help_text: str = "", many: bool = False) -> dict[str, Any]:
    """A question with given answers."""
    asked: dict[str, Any] = {"type": "select_string_multi" if many else "select_string", "label": label}
    if help_text:
        asked["help_text"] = help_text
    return {**asked, "required": required, "choices": list(choices)}


def ask(kind: str, label: str, required: bool = False, **more: Any) -> dict[str, Any]:
    """A question of a documented kind: string, text, integer, boolean, date, time, money …"""
    return {"type": kind, "label": label, "required": required, **more}
