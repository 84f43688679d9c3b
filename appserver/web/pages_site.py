"""The site's configuration: what holds and who said so; one value at a time, checked while it is written."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.access import require
from appserver.errors import Invalid, PreconditionFailed
from appserver.web.context import caller, services

Rendered = str | tuple[str, int]


def settings() -> str:
    return render_template("settings/list.html", found=services().site.list(caller()))


def setting(key: str) -> Rendered | Answer:
    """What is there, and a form for whoever may change it. A secret is never in it."""
    me = caller()
    view = services().site.show(me, key)
    if request.method != "POST":
        return render_template("settings/one.html", one=view, fault="", given=_prefilled(view.masked, view.value))
    given = _given()
    try:
        change = services().site.set(me, key, given, _looked_at())
    except Invalid as error:
        told = _prefilled(view.secret, given)
        return render_template("settings/one.html", one=view, fault=error.why, given=told), 422
    except PreconditionFailed:
        fault = "somebody else has changed it meanwhile; this is what it is now"
        return render_template("settings/one.html", one=view, fault=fault, given=""), 412
    flash(f"{change.after.setting.key} is {'set' if change.changed else 'as it was'}.", "ok")
    return redirect(url_for("pages.settings"), 303)


def check(key: str) -> str:
    """What the server thinks of the value as it stands."""
    given = _given()
    try:
        shown, fault = (services().site.check(caller(), key, given) if given else ""), ""
    except Invalid as error:
        shown, fault = "", error.why
    return render_template("settings/check.html", shown=shown, fault=fault)


def unset(key: str) -> Answer:
    require(caller(), "D", "site:")
    change = services().site.unset(caller(), key, _looked_at())
    flash(f"{change.after.setting.key} is not set any more.", "ok")
    return redirect(url_for("pages.settings"), 303)


def _given() -> str:
    return request.form.get("value", "").replace("\r\n", "\n")


def _prefilled(secret: bool, value: str) -> str:
    return "" if secret else value


def _looked_at() -> int:
    """The version that the form was made of; 0 where it was not set then."""
    text = request.form.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0
