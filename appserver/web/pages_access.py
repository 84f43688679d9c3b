"""Ways in and out: the one-time link, log-in, log-out; and the theme, which needs no log-in."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.access import Invite
from appserver.errors import Invalid, NotFound, TooMany, Unauthenticated
from appserver.web import auth
from appserver.web.context import address, services
from appserver.web.pages_words import sentence

Rendered = str | tuple[str, int]


def setup(secret: str) -> Rendered | Answer:
    """Make the account that the link is for, and log in."""
    users = services().access.users
    try:
        invite = users.invited(secret)
    except NotFound as error:
        return render_template("access/setup.html", invite=None, problem=str(error)), 404
    if request.method != "POST":
        return _setup_form(invite, {})
    name = invite.name or request.form.get("name", "").strip()
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _setup_form(invite, {"again": "is not the same"}, name), 422
    try:
        users.accept(secret, name, password, address())
    except Invalid as error:
        where = error.where if error.where in ("name", "password") else "name"
        return _setup_form(invite, {where: error.why}, name), 422
    auth.log_in(name, password)
    return redirect(url_for("pages.applications"), 303)


def login() -> Rendered | Answer:
    following = local(request.values.get("next", ""))
    if request.method != "POST":
        return render_template("access/login.html", name="", problem="", next=following)
    name = request.form.get("name", "").strip()
    try:
        auth.log_in(name, request.form.get("password", ""))
    except (Unauthenticated, TooMany) as error:
        status = 429 if isinstance(error, TooMany) else 401
        return render_template("access/login.html", name=name, problem=sentence(str(error)), next=following), status
    return redirect(following or url_for("pages.applications"), 303)


def logout() -> Answer:
    auth.log_out()
    return redirect(url_for("pages.login"), 303)


def choose_theme() -> Answer:
    """A cookie, so that the first byte of a page is already light or dark."""
    answer = redirect(local(request.form.get("back", "")) or url_for("pages.applications"), 303)
    theme = request.form.get("theme", "")
    answer.set_cookie("theme", theme if theme in ("light", "dark") else "", 365 * 86400, samesite="Lax")
    return answer


def local(target: str) -> str:
    """The target where it is a path of this server, else ""; browsers read `\\` as `/` and skip controls."""
    plain = target.isascii() and target.isprintable() and "\\" not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else ""


def _setup_form(invite: Invite, faults: dict[str, str], name: str = "") -> str:
    return render_template("access/setup.html", invite=invite, faults=faults, name=name)
