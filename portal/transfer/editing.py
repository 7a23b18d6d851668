"""What those who manage an offering change about it, one act at a time: a partial record, read and written as imported.

So what may stand in a field is said once, for importers and for people; and what follows from a change (documents,
search, the calendar's name, what other offerings show of this one) follows here as it does there.
"""

from __future__ import annotations

import hashlib
import uuid as uuidlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from portal.domain.schedules import check_schedules
from portal.errors import Conflict, Invalid
from portal.extensions import settings, transaction
from portal.policies import Actor
from portal.schema.checks import InvalidValue
from portal.schema.offering import OFFERING
from portal.services.offerings import lock_managed_offering
from portal.transfer.apply import Batch
from portal.transfer.record import read_record

# Keys of a record that its managers change. Left out are those that decide whose it is and what is counted and charged
# (customer, project, category, plans …), and those of the system it came from (type, slug, backend_id …).
DETAILS = OFFERING.editable
# Stands in a record's `attributes`, beside others that stay as they are.
SCHEDULES = "schedules"
# What typed opening hours mean hangs on it: who edits them has seen it too.
TIME_ZONE = "time_zone"


class InvalidValues(Invalid):
    """Values that can't be kept. `errors` says why, by path: "name", "schedules[0].end"."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("Some of this can't be kept: see below.", next(iter(errors)))
        self.errors = dict(errors)


class ConcurrentEdit(Conflict):
    """Somebody else has changed the offering since it was looked at. `keys` are what differs by now."""

    def __init__(self, keys: Iterable[str]) -> None:
        super().__init__("Somebody else has changed this offering meanwhile: nothing was written.")
        self.keys = frozenset(keys)


def value_digests(document: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """What a reader of an offering's document sees of these keys (of DETAILS, SCHEDULES, TIME_ZONE): their digests."""
    return {key: digest(_value(document, key)) for key in keys}


def digest(value: Any) -> str:
    """A short text that is the same for the same JSON value."""
    return hashlib.blake2b(orjson.dumps(value), digest_size=8).hexdigest()


def _value(document: Mapping[str, Any], key: str) -> Any:
    if key == SCHEDULES:
        return document["attributes"].get(SCHEDULES, [])
    if key == TIME_ZONE:
        rules = document["attributes"].get("booking_rules")
        return rules.get(TIME_ZONE) if isinstance(rules, Mapping) else None
    return document[key]


def problems_in(changes: Mapping[str, Any]) -> dict[str, str]:
    """Everything that is wrong with these values, by path, each judged by itself as an import would; {} if nothing."""
    problems: dict[str, str] = {}
    for key, value in changes.items():
        try:
            read_record(_record(uuidlib.UUID(int=0), {key: value}, {}), settings().timezone)
        except InvalidValue as wrong:
            # An import stops at the first one; people are told all of them.
            every = check_schedules(value) if key == SCHEDULES else []
            told = {f"{key}{problem.path}": problem.reason for problem in every}
            problems |= told or {_path(wrong): wrong.reason}
    return problems


def edit_offering(
    actor: Actor, uuid: uuidlib.UUID, changes: Mapping[str, Any], *, expected: Mapping[str, str] | None = None
) -> bool:
    """Change an offering as the import of a record with only these keys would. Answers whether anything did change.

    `changes` holds keys of DETAILS and SCHEDULES, with values as the API answers them: null is "not set", instants are
    ISO 8601 with a zone, latitude and longitude are degrees. What is not named stays, and so do bookings.
    `expected` is what `value_digests` answered when somebody began: if any of that differs by now nothing is written.

    One transaction, in which the offering's row is locked. Raises NotFound, Forbidden, ConcurrentEdit, InvalidValues,
    and Invalid for a key that is not changed in this way.
    """
    for key in changes:
        if key not in DETAILS and key != SCHEDULES:
            raise Invalid(f"“{key}” is not changed in this way.", key)
    with transaction() as session:
        offering = lock_managed_offering(session, actor, uuid)
        before = expected or {}
        now = value_digests({key: getattr(offering, key) for key in (*DETAILS, "attributes")}, before)
        if moved := [key for key in before if before[key] != now[key]]:
            raise ConcurrentEdit(moved)
        data = _record(uuid, changes, offering.attributes)
        # It is written past the session, which would otherwise go on with what it has loaded.
        session.expunge(offering)
        if problems := problems_in(changes):
            raise InvalidValues(problems)
        try:
            record = read_record(data, settings().timezone)
            batch = Batch(session, settings().public_url, [record])
            batch.add(record)
        except InvalidValue as wrong:
            raise InvalidValues({_path(wrong): wrong.reason}) from None
        return bool(batch.write().updated)


def _record(uuid: uuidlib.UUID, changes: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    data = {"uuid": str(uuid), **{key: value for key, value in changes.items() if key != SCHEDULES}}
    if SCHEDULES in changes:
        data["attributes"] = {**attributes, SCHEDULES: changes[SCHEDULES]}
    return data


def _path(wrong: InvalidValue) -> str:
    return wrong.field.removeprefix("attributes.")
