"""Accounts and tokens. What is shown once (a token, a one-time link) is in the answer to the request that made it."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.access import ROLES, Role, Token
from appserver.errors import Invalid
from appserver.web.context import caller, services

Rendered = str | tuple[str, int]


def tokens() -> Rendered:
    if request.method != "POST":
        return _tokens()
    days = request.form.get("days", "")
    scope = cast(Role, request.form.get("scope", "viewer"))
    try:
        lasts = timedelta(days=int(days)) if days.isdecimal() and len(days) < 6 else None
        made, text = services().access.tokens.create(caller(), request.form.get("title", ""), scope, lasts)
    except Invalid as error:
        return _tokens(faults={error.where: error.why}), 422
    return _tokens(made, text), 201


def revoke(token: str) -> Answer:
    services().access.tokens.revoke(caller(), token)
    flash("The token is revoked, and with it those that were made with it.", "ok")
    return redirect(url_for("pages.tokens"), 303)


def users() -> Rendered:
    services().access.require(caller(), "R", "user:")
    if request.method != "POST":
        return _users()
    name = request.form.get("name", "").strip()
    try:
        secret = services().access.users.invite(caller(), name, cast(Role, request.form.get("role", "viewer")))
    except Invalid as error:
        return _users(faults={"role" if error.where == "role" else "name": error.why}), 422
    return _users(name, secret), 201


def change(name: str) -> Rendered | Answer:
    """`do` is `link` (another password), `close` or `open`."""
    accounts, do = services().access.users, request.form.get("do", "")
    if do == "link":
        held = accounts.show(caller(), name)
        return _users(name, accounts.invite(caller(), name, held.record.role)), 201
    if do not in ("close", "open"):
        raise Invalid("do", "is link, close or open")
    accounts.change(caller(), name, disabled=do == "close")
    flash(f"{name} is closed: sessions and tokens no longer work." if do == "close" else f"{name} is open again.", "ok")
    return redirect(url_for("pages.users"), 303)


def _tokens(made: Token | None = None, text: str = "", faults: dict[str, str] | None = None) -> str:
    me = caller()
    held = sorted(services().access.tokens.list(me), key=lambda token: token.created_at, reverse=True)
    scopes = [(role, role) for role in ROLES[: ROLES.index(me.role) + 1]]
    return render_template(
        "access/tokens.html",
        tokens=held,
        made=made,
        text=text,
        scopes=scopes,
        faults=faults or {},
        values=request.form if faults else {},
    )


def _users(invited: str = "", secret: str = "", faults: dict[str, str] | None = None) -> str:
    link = url_for("pages.setup", secret=secret, _external=True) if secret else ""
    return render_template(
        "access/users.html",
        users=services().access.users.list(caller()),
        invited=invited,
        link=link,
        faults=faults or {},
        values=request.form if faults else {},
    )
