"""Builds the documents of offerings from their rows, as declared in portal.schema.offering (docs/documents.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from portal.documents.rows import AnyRow, DocumentRows
from portal.documents.view import end_of
from portal.domain.html_text import plain_text
from portal.domain.schedule_hash import schedule_hash
from portal.domain.search_words import indexed_words
from portal.schema.offering import OFFERING
from portal.schema.options import plugin_options, readable


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """The document of one offering, with the columns of portal.models.OfferingDocument."""

    offering_id: int
    document: bytes
    first_end: float | None
    restricted: bool
    inherited: bytes | None
    digest: str
    search_name: str
    search_text: str
    schedule_hash: int


def build(source: DocumentRows) -> Iterator[PreparedDocument]:
    """The documents of all offerings of `source`."""
    return (_prepare(source, offering) for offering in source.offerings)


def _prepare(source: DocumentRows, row: AnyRow) -> PreparedDocument:
    document = orjson.dumps(OFFERING.serialize(row, source))
    inherited = None if row.linked_uuid is None else orjson.dumps(readable(plugin_options, row.linked_plugin_options))
    # Not everybody who sees the offering may see restricted plans, its parent and its project.
    refers = row.parent_uuid is not None or row.project_id is not None
    restricted = refers or any(plan.id in source.plan_groups for plan in source.plans.get(row.id, ()))
    schedules = row.attributes.get("schedules")
    digest = hashlib.blake2b(document, digest_size=16)
    digest.update((inherited or b"") + b"restricted" * restricted)
    return PreparedDocument(
        offering_id=row.id,
        document=document,
        first_end=min(map(end_of, schedules), default=None) if isinstance(schedules, list) else None,
        restricted=restricted,
        inherited=inherited,
        digest=digest.hexdigest(),
        search_name=" ".join(indexed_words(row.name)),
        search_text=" ".join(indexed_words(f"{row.name} {plain_text(row.description)} {row.organization_name or ''}")),
        schedule_hash=schedule_hash(row.attributes),
    )
