"""`/swagger-ui.html`: the OpenAPI document as a page to read, made here, without a script or the internet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template

from appserver.services.bundle import Services
from appserver.web.api import PREFIX, spec
from appserver.web.context import settings

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    kind: str
    needed: bool
    told: str


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one path. `answers` are status and what comes with it."""

    id: str
    method: str
    path: str
    title: str
    told: str
    asked: tuple[Field, ...]
    sent: tuple[Field, ...]
    answers: tuple[tuple[str, str], ...]
    example: str


def blueprint(_: Services) -> Blueprint:
    openapi = Blueprint("openapi", __name__)

    @openapi.get("/swagger-ui.html")
    def page() -> str:
        """Made anew each time: it is asked for seldom, and costs a few milliseconds."""
        return render_template(
            "api.html",
            groups=calls(spec.spec, settings().url),
            shapes=shapes(spec.spec),
            document=f"{PREFIX}/openapi.json",
        )

    return openapi


def calls(document: Schema, url: str) -> tuple[tuple[str, tuple[Call, ...]], ...]:
    """Tag to its calls, both in the order of their names.

    Args:
        url: of the app server, for the examples.
    """
    schemas = document["components"]["schemas"]
    found: dict[str, list[Call]] = {}
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            for tag in operation["tags"]:
                found.setdefault(tag, []).append(_call(url, path, method.upper(), operation, schemas))
    return tuple((tag, tuple(found[tag])) for tag in sorted(found))


def shapes(document: Schema) -> tuple[tuple[str, str, tuple[Field, ...]], ...]:
    """Name, description and fields of everything that bodies and answers are made of."""
    return tuple(_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))


def _call(url: str, path: str, method: str, operation: Schema, schemas: Mapping[str, Schema]) -> Call:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    sent = _fields(schemas.get(str(body.get("$ref", "")).rpartition("/")[2], body))
    asked = tuple(
        Field(p["name"], _kind(p.get("schema", {})), p.get("required", False), p.get("description") or "")
        for p in operation["parameters"]
    )
    answers = tuple((status, _answer(response)) for status, response in sorted(operation["responses"].items()))
    title, told = ("", "") if "<" in operation["summary"] else (operation["summary"], operation["description"])
    example = _example(url + path, method, sent)
    return Call(operation["operationId"], method, path, title, told, asked, sent, answers, example)


def _shape(name: str, schema: Schema) -> tuple[str, str, tuple[Field, ...]]:
    return name, " ".join(schema.get("description", "").split()), _fields(schema)


def _fields(schema: Schema) -> tuple[Field, ...]:
    needed = schema.get("required", ())
    return tuple(
        Field(name, _kind(one), name in needed, one.get("description") or "")
        for name, one in schema.get("properties", {}).items()
    )


def _answer(response: Schema) -> str:
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    return _kind(schema) if schema else response.get("description", "")


def _kind(schema: Schema) -> str:
    """A schema in a few words: `list of Step`, `text or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"map to {_kind(schema['additionalProperties'])}"
    kind = str(schema.get("type", "anything"))
    return {"string": "text", "integer": "number", "boolean": "true or false"}.get(kind, kind)


def _example(address: str, method: str, sent: tuple[Field, ...]) -> str:
    needed = {field.name: "…" for field in sent if field.needed}
    return " ".join(_words(address, method, json.dumps(needed, ensure_ascii=False) if sent else ""))


def _words(address: str, method: str, body: str) -> Iterator[str]:
    yield "curl -H 'Authorization: Bearer mrg_…'"
    if method != "GET":
        yield f"-X {method}"
    if body:
        yield f"-H 'Content-Type: application/json' -d '{body}'"
    yield address
