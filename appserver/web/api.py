"""`/api/v1`: the blueprint its parts join, the OpenAPI document, and what every request of a program must be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, make_response, request
from pydantic import BaseModel, ValidationError
from spectree import Response as Described
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData
from spectree.plugins.base import Context as Parsed
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.exceptions import UnsupportedMediaType

from appserver.errors import Invalid, InvalidMany
from appserver.web import shapes
from appserver.web.auth import SAFE

PREFIX = "/api/v1"
F = TypeVar("F", bound=Callable[..., Any])
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def described(tag: str, *empty: int, **answers: type[BaseModel]) -> Callable[[F], F]:
    """Put a route into the OpenAPI document, and parse the `json` and `query` that its signature asks for.

    Args:
        empty: statuses whose answer has no JSON.
        answers: `ok=shapes.Plan`, `accepted=shapes.Operation`, `created=...`.
    """
    models = {f"HTTP_{_STATUS[name]}": model for name, model in answers.items()}
    response = Described(*(f"HTTP_{status}" for status in empty), **models)
    decorate: Callable[[F], F] = spec.validate(resp=response, tags=[tag])
    return decorate


_STATUS = {"ok": 200, "created": 201, "accepted": 202}


class _Plugin(FlaskPlugin):
    """Parses bodies strictly, and lets answers through as they are: they are made of our own values."""

    def request_validation(self, request: Any, query: Any, json: Any, form: Any, headers: Any, cookies: Any) -> None:
        adapter = self.model_adapter
        request.context = Parsed(
            adapter.validate_obj(query, request.args.to_dict()) if query else None,
            adapter.validate_obj(json, body()) if json else None,
            None,
            None,
            None,
        )

    def validate_response(self, resp: Any, *_: Any) -> tuple[Response, None]:
        return make_response(resp), None


def _refuse(_request: Any, _response: Any, error: Exception | None, *_: Any) -> None:
    if isinstance(error, ValidationError):
        raise InvalidMany(tuple((".".join(map(str, e["loc"])), e["msg"]) for e in error.errors(include_url=False)))


def _component(model: type[BaseModel]) -> str:
    return re.sub(r"\W+", "", model.__name__)


spec = SpecTree(
    backend_name="flask",
    backend=_Plugin,
    title="Moorage",
    version="v1",
    description=(
        "Applications, nodes and the record of both. Errors are `application/problem+json`; lists are paged by "
        "`limit` and `after`; a write takes `If-Match` with the ETag it was decided on; long work answers 202."
    ),
    mode="strict",
    annotations=True,
    before=_refuse,
    validation_error_model=shapes.Problem,
    naming_strategy=_component,
    nested_naming_strategy=lambda _parent, child: re.sub(r"\W+", "", child),
    security_schemes=[SecurityScheme(name="token", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer"))],
    security={"token": []},
)

api = Blueprint("api", __name__, url_prefix=PREFIX)


@api.before_request
def only_json() -> None:
    """What changes something comes as JSON: no form of another site can be made to look like that."""
    has_body = bool(request.content_length or request.mimetype)
    if request.method not in SAFE and has_body and request.mimetype != "application/json":
        raise UnsupportedMediaType("send application/json")


@api.get("/openapi.json")
def openapi() -> Response:
    response = make_response(spec.spec)
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def body() -> object:
    """The request's JSON object; an empty body is an empty object."""
    raw = request.get_data()
    if not raw.strip():
        return {}
    try:
        found = request.get_json()
        if _LONE_SURROGATE.search(raw):
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as error:
        raise Invalid("", "the body is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise Invalid("", "the body holds half of a surrogate pair") from error
    if not isinstance(found, dict):
        raise Invalid("", "the body is to be a JSON object")
    return found
