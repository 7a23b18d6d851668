"""Small pieces of an OpenAPI document, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.api.responses import JSON

Schema = dict[str, Any]


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def an_object(properties: Schema, **more: Any) -> Schema:
    """An object with these properties."""
    return {"type": "object", "properties": properties, **more}


def one_of(values: Iterable[str], description: str = "") -> Schema:
    """A text out of a closed list."""
    found: Schema = {"type": "string", "enum": list(values)}
    return {**found, "description": description} if description else found


def json_content(schema: Schema, *examples: Any) -> Schema:
    """The content of a JSON answer, with examples."""
    content: Schema = {"schema": schema}
    if len(examples) == 1:
        content["example"] = examples[0]
    elif examples:
        content["examples"] = {f"case{number}": {"value": value} for number, value in enumerate(examples, 1)}
    return {JSON: content}


def ref(kind: str, name: str) -> Schema:
    """A reference into the components."""
    return {"$ref": f"#/components/{kind}/{name}"}


def with_headers(*names: str) -> Schema:
    """References to these headers."""
    return {name: ref("headers", name) for name in names}


def refusals(**by_status: str) -> Schema:
    """The refusals of an operation: `_404="NotFound"`, and those that all operations have."""
    common = {"405": "MethodNotAllowed", "406": "NotAcceptable", "500": "ServerError"}
    named = {status.removeprefix("_"): name for status, name in by_status.items()}
    return {status: ref("responses", name) for status, name in sorted({**named, **common}.items())}
