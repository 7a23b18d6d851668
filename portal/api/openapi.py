"""Small pieces of an OpenAPI document, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.api.responses import JSON

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
UUID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
FLAG: Schema = {"type": "boolean"}
FREE: Schema = {"type": "object", "additionalProperties": True}


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
    """The error responses of an operation: `_404="NotFound"`, and those that all operations have."""
    common = {"405": "MethodNotAllowed", "406": "NotAcceptable", "500": "ServerError"}
    named = {status.removeprefix("_"): name for status, name in by_status.items()}
    return {status: ref("responses", name) for status, name in sorted({**named, **common}.items())}


def head_of(get: Schema, name: str, summary: str) -> Schema:
    """The HEAD operation of a list: its parameters and headers, without a body. Waldur's clients call it a count."""
    done = get["responses"]["200"]
    return {
        "operationId": name,
        "tags": get["tags"],
        "summary": summary,
        "description": "The total is in X-Result-Count.",
        "parameters": get["parameters"],
        "responses": {
            **{
                status: {"description": "The same as for GET, without a body"}
                for status in get["responses"]
                if status != "304"
            },
            "200": {"description": "No response body", "headers": done["headers"]},
        },
    }
