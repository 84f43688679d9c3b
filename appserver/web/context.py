"""What a route reaches: the services, the settings, who is calling, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import cast

from flask import current_app, g, request
from flask_login import current_user

from appserver.core.access import Caller
from appserver.errors import Unauthenticated
from appserver.services.bundle import Services
from appserver.settings import ServeSettings
from appserver.web.streams import Streams

_NAME = "moorage"


@dataclass(frozen=True, slots=True)
class Context:
    """One of each for the whole application. `closing` is set when the server begins to stop."""

    services: Services
    settings: ServeSettings
    closing: Event
    streams: Streams


def bind(extensions: dict[str, object], context: Context) -> None:
    """Make it reachable from the routes of this application."""
    extensions[_NAME] = context


def context() -> Context:
    return cast(Context, current_app.extensions[_NAME])


def services() -> Services:
    return context().services


def settings() -> ServeSettings:
    return context().settings


def address() -> str:
    """Whence the request came: the peer, or what `trusted_proxies` say of it."""
    return request.remote_addr or ""


def caller() -> Caller:
    """Who is calling: by token or session, or as a door of its own has found out.

    Raises:
        Unauthenticated: nobody known.
    """
    if "caller" in g:
        return cast(Caller, g.caller)
    if current_user.is_authenticated:
        return cast(Caller, current_user.caller)
    raise g.get("refusal") or Unauthenticated("log in first, or send `Authorization: Bearer` with a token")
