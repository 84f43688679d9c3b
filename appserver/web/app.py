"""The application over HTTP: its doors, and what holds for all of them."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from threading import Event
from typing import Any

from flask import Flask, Response, jsonify, request
from flask.json.provider import DefaultJSONProvider
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from appserver.errors import BackendError
from appserver.services.bundle import Services
from appserver.settings import ServeSettings
from appserver.web import auth, errors, metrics
from appserver.web.api import api
from appserver.web.auth import SAFE
from appserver.web.context import Context, bind
from appserver.web.streams import Streams

API_PARTS = (
    "applications",
    "operations",
    "sources",
    "config",
    "fleet",
    "metrics",
    "learned",
    "boot",
    "bmc",
    "placements",
    "plays",
    "updates",
    "releases",
    "routes",
    "notices",
    "site",
    "access",
    "record",
)
DOORS = ("pages", "git", "hooks", "openapi")
"""Modules of this package; each has a function `blueprint(services)`."""

WRITES_PER_ADDRESS = "1200/minute"
LOGINS_PER_ADDRESS = "60/minute"
LOGIN_DOORS = ("api.login", "pages.login", "pages.setup")
_SPARE_THREADS = 32

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def create_app(services: Services, settings: ServeSettings, cookie_key: bytes, closing: Event | None = None) -> Flask:
    """
    Args:
        cookie_key: signs the session cookie; the same for all app servers of one installation.
        closing: set when the server begins to stop: streams end, and it is no longer ready.
    """
    app = Flask(__name__)
    secure = settings.url.startswith("https:")
    size = settings.max_request_mib * 1024 * 1024
    app.config.update(
        SECRET_KEY=cookie_key,
        SESSION_COOKIE_NAME="__Host-moorage" if secure else "moorage",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        MAX_CONTENT_LENGTH=size,
        MAX_FORM_MEMORY_SIZE=size,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.json = Json(app)
    if settings.trusted_proxies:
        proxies = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    streams = Streams(settings.streams_per_user, max(1, settings.threads - _SPARE_THREADS))
    context = Context(services, settings, closing or Event(), streams)
    bind(app.extensions, context)
    errors.register(app)
    metrics.init(app, context)
    auth.init(app)
    _doors(app, services)
    _limits(app)
    _health(app, context)
    app.after_request(lambda response: _headers(response, secure))
    return app


class Json(DefaultJSONProvider):
    """As the RFC has it: no NaN, no Infinity; text as it is; keys in the order they were put."""

    sort_keys = False
    ensure_ascii = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return super().loads(s, parse_constant=_no_constant, **kwargs)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _doors(app: Flask, services: Services) -> None:
    for part in API_PARTS:
        import_module(f"appserver.web.api_{part}")
    app.register_blueprint(api)
    for door in DOORS:
        app.register_blueprint(import_module(f"appserver.web.{door}").blueprint(services))


def _limits(app: Flask) -> None:
    """Per address, in this process: against a flood; guessing is slowed by name and address in `services.throttle`."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        default_limits=[WRITES_PER_ADDRESS],
        default_limits_per_method=False,
        default_limits_exempt_when=lambda: request.method in SAFE,
        storage_uri="memory://",
        headers_enabled=False,
    )
    for endpoint in LOGIN_DOORS:
        limited: Any = limiter.limit(LOGINS_PER_ADDRESS, methods=["POST"])(app.view_functions[endpoint])
        app.view_functions[endpoint] = limited


def _health(app: Flask, context: Context) -> None:
    def alive() -> Response:
        return Response("ok\n", mimetype="text/plain")

    def ready() -> Response:
        """Whether requests will find the store: what a load balancer asks."""
        try:
            context.services.kv.snapshot("token")
            stopping = context.closing.is_set()
        except BackendError as error:
            return _not_ready(str(error))
        return _not_ready("stopping") if stopping else jsonify({"ready": True})

    app.add_url_rule("/healthz", "healthz", alive)
    app.add_url_rule("/readyz", "readyz", ready)


def _not_ready(why: str) -> Response:
    response = jsonify({"ready": False, "why": why})
    response.status_code = 503
    return response


def _headers(response: Response, secure: bool) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static" and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
