"""`/swagger-ui.html`: the OpenAPI document as a page to read, made here, without a script or the internet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

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
        shapes = tuple(_shape(name, schema) for name, schema in sorted(_schemas().items()))
        return render_template("api.html", groups=_groups(), shapes=shapes, document=f"{PREFIX}/openapi.json")

    return openapi


def _groups() -> tuple[tuple[str, tuple[Call, ...]], ...]:
    """Tag to its calls, in the order in which they are written."""
    found: dict[str, list[Call]] = {}
    for path, methods in spec.spec["paths"].items():
        for method, operation in methods.items():
            for tag in operation["tags"]:
                found.setdefault(tag, []).append(_call(path, method.upper(), operation))
    return tuple((tag, tuple(calls)) for tag, calls in found.items())


def _call(path: str, method: str, operation: Schema) -> Call:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    sent = _fields(_resolved(body))
    asked = tuple(
        Field(p["name"], _kind(p.get("schema", {})), p.get("required", False), p.get("description") or "")
        for p in operation["parameters"]
    )
    answers = tuple((status, _answer(response)) for status, response in sorted(operation["responses"].items()))
    told = (operation["summary"], operation["description"]) if "<" not in operation["summary"] else ("", "")
    return Call(operation["operationId"], method, path, *told, asked, sent, answers, _example(path, method, sent))


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
    return {"string": "text", "integer": "number", "boolean": "true or false"}.get(
        schema.get("type", ""), schema.get("type", "anything")
    )


def _resolved(schema: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return _schemas().get(name, schema)


def _schemas() -> Mapping[str, Schema]:
    return cast(Mapping[str, Schema], spec.spec["components"]["schemas"])


def _example(path: str, method: str, sent: tuple[Field, ...]) -> str:
    needed = {field.name: "…" for field in sent if field.needed}
    return " ".join(_words(path, method, json.dumps(needed, ensure_ascii=False) if sent else ""))


def _words(path: str, method: str, body: str) -> Iterator[str]:
    yield "curl -H 'Authorization: Bearer mrg_…'"
    if method != "GET":
        yield f"-X {method}"
    if body:
        yield f"-H 'Content-Type: application/json' -d '{body}'"
    yield settings().url + path
