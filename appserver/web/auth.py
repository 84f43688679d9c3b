"""Who is calling: a token in the header, or a session in a cookie with a CSRF token on every unsafe method.

The cookie is signed and holds the session's secret; the record of the session is in etcd, so that logging out, closing
an account and changing a password end it wherever it is.
"""

from __future__ import annotations

from flask import Flask, Request, g, request, session
from flask_login import LoginManager, login_user, logout_user
from flask_wtf.csrf import CSRFProtect

from appserver.core.access import Caller
from appserver.errors import Forbidden, Unauthenticated
from appserver.web.context import address, caller, services

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_PROOF = frozenset({"git", "hooks"})
"""Blueprints whose every request carries its own proof, so that no browser can be made to send one."""

_csrf = CSRFProtect()


class Person:
    """Somebody known, as flask-login wants them."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, found: Caller, secret: str = "") -> None:
        self.caller = found
        self._secret = secret

    def get_id(self) -> str:
        return self._secret


def init(app: Flask) -> None:
    manager = LoginManager()
    manager.session_protection = None  # addresses of phones change; the record is in etcd
    manager.user_loader(_by_session)
    manager.request_loader(_by_token)
    manager.init_app(app, add_context_processor=False)  # a page of errors must not ask the store who reads it
    _csrf.init_app(app)
    app.before_request(check_origin)


def log_in(name: str, password: str) -> Caller:
    """Begin a session for this browser; whatever its cookie held before is gone.

    Raises:
        Unauthenticated, TooMany
    """
    secret = services().access.log_in(name, password, address())
    found = _by_session(secret)
    if found is None:
        raise Unauthenticated("the account was closed this moment")
    session.clear()
    session.permanent = True
    login_user(found)
    return found.caller


def log_out() -> None:
    """End this browser's session, here and in the record."""
    services().access.log_out(caller(), session.get("_user_id", ""))
    logout_user()
    session.clear()


def check_origin() -> None:
    """Refuse what another site makes a browser send.

    A request with a token of its own in the header needs no more proof: no site can make a browser add one.
    """
    if request.method in SAFE or request.blueprint in OWN_PROOF or "Authorization" in request.headers:
        return
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise Forbidden("this request came from another site")
    if request.endpoint == "api.login":
        return
    if request.blueprint == "api" and "_user_id" not in session:
        caller()  # is nobody, and that is what is told: there is no session that somebody could abuse
    _csrf.protect()


def _by_session(secret: str) -> Person | None:
    if "Authorization" in request.headers:
        return None
    found = services().access.by_session(secret, address())
    return Person(found, secret) if found else None


def _by_token(asked: Request) -> Person | None:
    """None when no token was sent. A bad one is remembered and told when somebody asks who is calling."""
    given = asked.headers.get("Authorization")
    if given is None or asked.blueprint in OWN_PROOF:
        return None
    scheme, _, text = given.partition(" ")
    if scheme.lower() != "bearer":
        g.refusal = Unauthenticated("this door takes `Authorization: Bearer mrg_...`")
        return None
    try:
        return Person(services().access.by_token(text.strip(), address()))
    except Unauthenticated as error:
        g.refusal = error
        return None
