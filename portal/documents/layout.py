"""The form of a prepared document: its keys in order, its placeholders, the index of its spans, and how it is cut.

A body is compact JSON in UTF-8. Two raw bytes, which cannot occur in JSON, stand for what is known only on reading:
BASE for scheme://host of the request, EMBED for the address of Google's embedded calendar up to its query.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

BASE = b"\x01"
EMBED = b"\x02"

# The documented order (Waldur API documentation, booking offerings). `field` never changes it.
FIELDS = (
    "url",
    "uuid",
    "created",
    "name",
    "slug",
    "description",
    "full_description",
    "privacy_policy_link",
    "access_url",
    "endpoints",
    "software_catalogs",
    "partitions",
    "roles",
    "customer",
    "customer_uuid",
    "customer_name",
    "project",
    "project_uuid",
    "project_name",
    "category",
    "category_uuid",
    "category_title",
    "attributes",
    "options",
    "resource_options",
    "components",
    "plugin_options",
    "state",
    "vendor_details",
    "getting_started",
    "integration_guide",
    "thumbnail",
    "order_count",
    "plans",
    "screenshots",
    "type",
    "shared",
    "billable",
    "scope",
    "scope_uuid",
    "scope_name",
    "scope_state",
    "scope_error_message",
    "files",
    "quotas",
    "paused_reason",
    "datacite_doi",
    "citation_count",
    "latitude",
    "longitude",
    "country",
    "backend_id",
    "organization_groups",
    "image",
    "total_customers",
    "total_cost",
    "total_cost_estimated",
    "parent_description",
    "parent_uuid",
    "parent_name",
    "backend_metadata",
    "has_compliance_requirements",
    "compliance_checklist",
    "user_has_consent",
    "googlecalendar",
)
POSITION = {name: position for position, name in enumerate(FIELDS)}

# Left out for readers who do not manage the offering; so is googlecalendar while it is private, and every backend_id.
PROVIDER_ONLY = frozenset(
    {
        "order_count",
        "scope",
        "scope_uuid",
        "scope_name",
        "scope_state",
        "scope_error_message",
        "backend_id",
        "total_customers",
        "total_cost",
        "total_cost_estimated",
        "backend_metadata",
    }
)

# References that are null for readers who may not see what they refer to (portal.policies).
PARENT = frozenset({"parent_description", "parent_uuid", "parent_name"})
PROJECT = frozenset({"project", "project_uuid", "project_name"})

_ATTRIBUTES = POSITION["attributes"]
_PLANS = POSITION["plans"]
_PLUGIN_OPTIONS = POSITION["plugin_options"]

_OFFSETS = struct.Struct(f"<{len(FIELDS) + 1}I")
_COUNTS = struct.Struct("<II")
_SCHEDULE = struct.Struct("<dII")
_PLAN = struct.Struct("<QII")


class ScheduleSpan(NamedTuple):
    """Where an entry of attributes.schedules lies; `end` in seconds since the epoch."""

    end: float
    start: int
    stop: int


class PlanSpan(NamedTuple):
    """Where a plan lies; `plan_id` is its key in the database."""

    plan_id: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Index:
    """Byte spans of one body.

    `offsets[i]` is where the member of FIELDS[i] starts; it ends one byte before `offsets[i + 1]` (a comma or the
    closing brace). Equal offsets mean that the key is not there.
    """

    offsets: tuple[int, ...]
    schedules: tuple[ScheduleSpan, ...]
    plans: tuple[PlanSpan, ...]

    def pack(self) -> bytes:
        """The index as bytes for the database."""
        return b"".join(
            (
                _OFFSETS.pack(*self.offsets),
                _COUNTS.pack(len(self.schedules), len(self.plans)),
                *(_SCHEDULE.pack(*span) for span in self.schedules),
                *(_PLAN.pack(*span) for span in self.plans),
            )
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Index:
        """The index from what pack() made."""
        schedules, plans = _COUNTS.unpack_from(packed, _OFFSETS.size)
        first = _OFFSETS.size + _COUNTS.size
        middle = first + schedules * _SCHEDULE.size
        return cls(
            _OFFSETS.unpack_from(packed),
            tuple(map(ScheduleSpan._make, _SCHEDULE.iter_unpack(packed[first:middle]))),
            tuple(map(PlanSpan._make, _PLAN.iter_unpack(packed[middle : middle + plans * _PLAN.size]))),
        )

    def ended(self, now: float) -> int:
        """How many schedules entries have ended at `now` (seconds since the epoch)."""
        return sum(span.end <= now for span in self.schedules)


def selection(names: Collection[str] | None) -> tuple[int, ...] | None:
    """Positions of the fields a reader asked for, in the server's order; None for the whole object.

    Unknown names are dropped; where none is left the whole object is meant (contract section 3).
    """
    if not names:
        return None
    return tuple(sorted({POSITION[name] for name in names if name in POSITION})) or None


def cut(
    body: bytes,
    index: Index | None,
    *,
    fields: tuple[int, ...] | None = None,
    now: float | None = None,
    hidden_plans: frozenset[int] = frozenset(),
    hidden: Collection[str] = (),
    plugin_options: bytes | None = None,
) -> bytes:
    """The body with what this reader asked for and may see.

    Schedules that have ended at `now` are dropped (None: none), and so are the plans named in `hidden_plans`; the
    values of the fields `hidden` become null; `plugin_options`, if given, takes the place of the offering's own.
    Without an index the body is answered whole.
    """
    if index is None:
        return body
    offsets = index.offsets
    edits: dict[int, bytes] = {}
    if now is not None and index.ended(now):
        kept = [body[span.start : span.stop] for span in index.schedules if span.end > now]
        edits[_ATTRIBUTES] = _with_items(body, offsets, _ATTRIBUTES, index.schedules, kept)
    if hidden_plans:
        kept = [body[span.start : span.stop] for span in index.plans if span.plan_id not in hidden_plans]
        edits[_PLANS] = _with_items(body, offsets, _PLANS, index.plans, kept)
    for name in hidden:
        if offsets[POSITION[name]] != offsets[POSITION[name] + 1]:
            edits[POSITION[name]] = b'"%b":null' % name.encode()
    if plugin_options is not None:
        edits[_PLUGIN_OPTIONS] = b'"plugin_options":' + plugin_options
    if fields is not None:
        members = (
            edits[position] if position in edits else body[offsets[position] : offsets[position + 1] - 1]
            for position in fields
            if offsets[position] != offsets[position + 1]
        )
        return b"{" + b",".join(members) + b"}"
    if not edits:
        return body
    pieces: list[bytes] = []
    done = 0
    for position in sorted(edits):
        pieces += (body[done : offsets[position]], edits[position])
        done = offsets[position + 1] - 1
    pieces.append(body[done:])
    return b"".join(pieces)


def _with_items(
    body: bytes,
    offsets: tuple[int, ...],
    position: int,
    spans: tuple[ScheduleSpan, ...] | tuple[PlanSpan, ...],
    kept: Iterable[bytes],
) -> bytes:
    if not spans:
        return body[offsets[position] : offsets[position + 1] - 1]
    before = body[offsets[position] : spans[0].start]
    return before + b",".join(kept) + body[spans[-1].stop : offsets[position + 1] - 1]


def splice(body: bytes, base_url: str, embed_uri: str) -> bytes:
    """The body with the placeholders filled: `base_url` is scheme://host without a slash at the end."""
    if EMBED in body:
        body = body.replace(EMBED, _inside(embed_uri + ("&" if "?" in embed_uri else "?")))
    return body.replace(BASE, _inside(base_url))


def _inside(text: str) -> bytes:
    # A Host header may hold anything; inside a JSON string it has to be escaped.
    return orjson.dumps(text)[1:-1]
