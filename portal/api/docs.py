"""/api/docs/: the OpenAPI document as a page, and Swagger UI if it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Response, current_app, make_response, render_template

from portal.api.guards import public
from portal.api.openapi import Schema
from portal.api.routing import resource
from portal.api.schema import document
from portal.schema.fields import Field, ObjectSchema
from portal.schema.offering import OFFERING

SWAGGER = ("vendor/swagger-ui.css", "vendor/swagger-ui-bundle.js")
# Swagger UI has pictures in data: addresses, and sets styles on elements.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
METHODS = ("get", "head", "post")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the listing."""

    method: str
    path: str
    name: str
    summary: str
    description: str
    parameters: list[tuple[str, str, str, str]]
    answers: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One field of an offering, with its path from the top."""

    path: str
    type: str
    enum: tuple[str, ...]
    nullable: bool
    description: str


def operations() -> Iterator[Operation]:
    """The operations, in the order of the document."""
    whole = document()

    def found(thing: Schema) -> Schema:
        if "$ref" not in thing:
            return thing
        _, _, kind, name = thing["$ref"].split("/")
        target: Schema = whole["components"][kind][name]
        return target

    for path, item in whole["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
            yield Operation(
                method=method.upper(),
                path=path,
                name=operation["operationId"],
                summary=operation["summary"],
                description=operation.get("description", ""),
                parameters=[_parameter(found(parameter)) for parameter in parameters],
                answers=[(status, found(it)["description"]) for status, it in operation["responses"].items()],
            )


def _parameter(parameter: Schema) -> tuple[str, str, str, str]:
    schema = parameter["schema"]
    kind = f"{schema['type']} ({schema['format']})" if "format" in schema else schema["type"]
    return parameter["name"], parameter["in"], kind, parameter.get("description", "")


def rows(component: ObjectSchema = OFFERING, prefix: str = "") -> Iterator[Row]:
    """Every field of an offering, depth first, in the order of the answer."""
    schemas = document()["components"]["schemas"]
    yield from _rows(schemas, component, prefix)


def _rows(schemas: Schema, component: ObjectSchema, prefix: str) -> Iterator[Row]:
    for field in component.fields:
        path = f"{prefix}{field.name}"
        target = schemas.get(field.kind.refers, {})
        yield Row(path, _type(field, target), tuple(target.get("enum", ())), field.nullable, field.description)
        if field.kind.component is not None:
            yield from _rows(schemas, field.kind.component, f"{path}.")


def _type(field: Field, target: Schema) -> str:
    kind = field.kind
    if kind.many:
        return "array of objects"
    if kind.refers:
        return str(target["type"])
    if not kind.type:
        return "any"
    return f"{kind.type} ({kind.format})" if kind.format else kind.type


def api_docs() -> Response:
    """The page."""
    static = Path(current_app.static_folder or "")
    page = render_template(
        "api/docs.html",
        operations=list(operations()),
        rows=list(rows()),
        swagger=all((static / name).is_file() for name in SWAGGER),
    )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


resource("/api/docs/", "api_docs", guard=public, get=api_docs, produces=None)
