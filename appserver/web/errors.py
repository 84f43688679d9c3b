"""Errors to responses, in one table: problem+json for programs, a page for people. Never a traceback."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus

from flask import Flask, Response, g, json, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as Answer

from appserver import errors
from appserver.services.audit import AUDITED
from appserver.web.auth import SAFE
from appserver.web.context import caller, services
from image_config.errors import ConfigError

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.Invalid, 422),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.NoPlacement, 409),
    (errors.Conflict, 409),
    (errors.PreconditionFailed, 412),
    (errors.TooLarge, 413),
    (errors.TooMany, 429),
    (ConfigError, 422),
    (errors.UserError, 400),
    (errors.BackendError, 502),
    (CSRFError, 403),
)
"""The first that fits. What is not here is our own fault: 500."""

QUESTIONS = frozenset(
    {
        "api.plan_application",
        "api.lint_configuration",
        "api.explain_configuration",
        "pages.amend",
        "pages.check",
        "pages.check_setting",
        "pages.plan",
    }
)
"""Routes that change nothing, though what they ask is too long for a URL."""

Problem = dict[str, object]


def problem(error: Exception) -> tuple[Problem, int, Mapping[str, str]]:
    """Body, status and headers that tell of an error."""
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 0)
    if not status:
        status = (error.code or 500) if isinstance(error, HTTPException) else 500
    detail = _detail(error, status)
    body: Problem = {
        "type": f"urn:moorage:problem:{HTTPStatus(status).name.lower().replace('_', '-')}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": _faults(error),
    }
    return body, status, _headers(error)


def register(app: Flask) -> None:
    """Every error of every route goes through `_answer`."""
    app.register_error_handler(Exception, _answer)


def for_program() -> bool:
    """Whether the request came by a door that programs use."""
    return request.path.startswith(("/api/", "/hooks/", "/git/", "/metrics", "/healthz", "/readyz"))


def _answer(error: Exception) -> Answer:
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return Response(status=error.code, headers=error.get_headers())
    body, status, headers = problem(error)
    _record(error)
    if status >= 500:
        g.failed = True
        log.error("request failed method=%s path=%s status=%s", request.method, request.path, status, exc_info=error)
    if for_program():
        return Response(json.dumps(body) + "\n", status, headers, mimetype="application/problem+json")
    if status == 401 and request.method == "GET":
        return redirect(url_for("pages.login", next=request.full_path.rstrip("?")))
    return Response(render_template("error.html", problem=body), status, headers)


def _record(error: Exception) -> None:
    """A write that was refused at the door, before any service saw it, is in the audit too, if somebody known asked."""
    if request.method in SAFE or request.endpoint in QUESTIONS or AUDITED in getattr(error, "__notes__", ()):
        return
    if (
        not isinstance(error, errors.Invalid | errors.Forbidden | ConfigError | HTTPException)
        or request.url_rule is None
    ):
        return
    try:
        known = caller()
    except errors.AppServerError:
        return
    kept = error.on_record if isinstance(error, errors.AppServerError) else str(error)
    services().audit.record(known, f"{request.method} {request.url_rule.rule}", "request:", "refused", kept)


def _detail(error: Exception, status: int) -> str:
    if isinstance(error, HTTPException):
        return error.description or error.name
    if status == 500:
        return "this is a fault of the server, not of your request; its log says more"
    return str(error)


def _faults(error: Exception) -> list[dict[str, str]]:
    if isinstance(error, errors.InvalidMany):
        return [{"where": where, "why": why} for where, why in error.faults]
    if isinstance(error, ConfigError):
        return [{"where": f"{fault.where}: {fault.key}".strip(": "), "why": fault.reason} for fault in error.faults]
    if isinstance(error, errors.Invalid):
        return [{"where": error.where, "why": error.why}]
    if isinstance(error, errors.NoPlacement):
        return [{"where": node, "why": why} for node, why in sorted(error.reasons.items())]
    return []


def _headers(error: Exception) -> Mapping[str, str]:
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="moorage"'}
    if isinstance(error, HTTPException):
        if error.code == HTTPStatus.TOO_MANY_REQUESTS:
            return {"Retry-After": "60"}  # the limits of `web.app` are by the minute
        kept = {"Allow"}
        return {name: value for name, value in error.get_headers() if name in kept}
    return {}
