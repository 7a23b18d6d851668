"""The classes with which published documents are declared.

A field declares its name, type, nullability and description, who may read it, how it is read from a row, and how import
and edit pages check it. Stored documents (portal.documents), field selection, import (portal.transfer), edit pages and
the OpenAPI document are derived from that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.schema import checks, links
from portal.schema.checks import Check

# Reads a value from a row of portal.documents.rows and its DocumentRows. ABSENT leaves the key out.
Read = Callable[[Any, Any], Any]
ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class FieldType:
    """A JSON type: `type` and `format` as in JSON Schema; or a component, an array of it (`many`), or its name alone.

    `check` validates imported values, `check_or_null` those of nullable fields.
    """

    type: str = ""
    format: str = ""
    refers: str = ""
    many: bool = False
    component: ObjectSchema | None = None
    check: Check | None = None
    check_or_null: Check | None = None


TEXT = FieldType("string", check=checks.text(), check_or_null=checks.text_or_null())
# The same in the API, but imports and forms have to be one line.
NAME = FieldType("string", check=checks.text(line=True), check_or_null=checks.text_or_null(line=True))
URI = FieldType("string", "uri", check=links.link(), check_or_null=links.link_or_null())
UUID = FieldType("string", "uuid", check=checks.uuid, check_or_null=checks.uuid_or_null)
DATE_TIME = FieldType("string", "date-time", check=checks.instant)
DATE = FieldType("string", "date")
# Exact, with 10 decimals: clients would round a JSON number.
DECIMAL = FieldType("string", "decimal", check=checks.unset_price, check_or_null=checks.price_or_null)
INTEGER = FieldType("integer", check=checks.whole(0), check_or_null=checks.whole_or_null())
INT64 = FieldType("integer", "int64", check=checks.whole(0), check_or_null=checks.whole_or_null())
DOUBLE = FieldType("number", "double")
BOOLEAN = FieldType("boolean", check=checks.flag(False))
ANY = FieldType(check=checks.free)


def one(component: ObjectSchema | str, check: Check | None = None) -> FieldType:
    """An object, or the name of a closed list or free-form object that portal.api describes."""
    if isinstance(component, str):
        return FieldType(refers=component, check=check)
    return FieldType(refers=component.name, component=component)


def many(component: ObjectSchema | str) -> FieldType:
    """An array of such objects."""
    if isinstance(component, str):
        return FieldType(refers=component, many=True)
    return FieldType(refers=component.name, many=True, component=component)


@dataclass(frozen=True, slots=True)
class Field:
    """One key of an object. `check` None: an import ignores it, or has special code for it.

    `column` is where an import stores the value; `table` is set if that is not in the object's own row.
    `managers_only`: only readers who manage the offering get it. `editable`: they may change it. `copied` False: it
    identifies or counts this offering, so a copy of it does not have it.
    """

    name: str
    kind: FieldType
    description: str
    nullable: bool
    read: Read
    check: Check | None
    column: str
    table: str
    managers_only: bool
    editable: bool
    copied: bool


def stored(
    name: str,
    kind: FieldType,
    description: str = "",
    *,
    null: bool = False,
    check: Check | None = None,
    read: Read | None = None,
    column: str = "",
    table: str = "",
    managers_only: bool = False,
    edit: bool = False,
    copied: bool = True,
) -> Field:
    """A field that an import sets. Its column has the same name by default."""
    column = column or name
    default = kind.check_or_null if null else kind.check
    return Field(
        name,
        kind,
        description,
        null,
        read or _attribute(column),
        check or default,
        column,
        table,
        managers_only,
        edit,
        copied,
    )


def computed(
    name: str,
    kind: FieldType,
    description: str = "",
    *,
    null: bool = False,
    read: Read | None = None,
    managers_only: bool = False,
    copied: bool = True,
) -> Field:
    """A field that the portal computes. An import ignores it, or uses it as part of a reference (portal.transfer)."""
    return Field(name, kind, description, null, read or _attribute(name), None, "", "", managers_only, False, copied)


def _attribute(name: str) -> Read:
    return lambda row, _source: getattr(row, name)


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """An object with its fields in the order of the API, named as in the published clients."""

    name: str
    fields: tuple[Field, ...]
    names: tuple[str, ...] = field(init=False)
    # Only for those who manage the offering; inside nested objects, by field.
    managers_only: tuple[str, ...] = field(init=False)
    managers_only_inside: Mapping[str, tuple[str, ...]] = field(init=False)
    editable: tuple[str, ...] = field(init=False)
    not_copied: frozenset[str] = field(init=False)
    # By table ("" for the object's own row): key -> column, check.
    imports: Mapping[str, Mapping[str, tuple[str, Check]]] = field(init=False)

    def __post_init__(self) -> None:
        imports: dict[str, dict[str, tuple[str, Check]]] = {"": {}}
        for it in self.fields:
            if it.check is not None:
                imports.setdefault(it.table, {})[it.name] = (it.column, it.check)
        derived = {
            "names": tuple(it.name for it in self.fields),
            "managers_only": tuple(it.name for it in self.fields if it.managers_only),
            "managers_only_inside": {
                it.name: it.kind.component.managers_only
                for it in self.fields
                if it.kind.component is not None and it.kind.component.managers_only
            },
            "editable": tuple(it.name for it in self.fields if it.editable),
            "not_copied": frozenset(it.name for it in self.fields if not it.copied),
            "imports": imports,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def serialize(self, row: Any, source: Any) -> dict[str, Any]:
        """The object for a row."""
        values = {it.name: it.read(row, source) for it in self.fields}
        return {name: value for name, value in values.items() if value is not ABSENT}

    def below(self) -> Iterable[ObjectSchema]:
        """This object and those inside it."""
        yield self
        for it in self.fields:
            if it.kind.component is not None:
                yield from it.kind.component.below()
