"""Git repositories of container configuration: those served here, and remote ones."""

from __future__ import annotations

from typing import Literal, cast

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.sources import SourceRequest
from appserver.errors import Invalid
from appserver.services.source_view import SourceView
from appserver.web.context import caller, services

Rendered = str | tuple[str, int]
FIELDS = ("name", "url", "branch", "interval_s", "username", "credential", "known_hosts", "webhook_secret")


def sources() -> str:
    found = services().sources.list(caller())
    return render_template("sources/list.html", sources=found, states={one.source.name: _state(one) for one in found})


def source(name: str) -> str:
    return _one(services().sources.show(caller(), name))


def new() -> Rendered:
    """A secret for its webhook that was made here is shown in this one answer."""
    services().access.require(caller(), "C", "source:")
    if request.method != "POST":
        return render_template("sources/new.html", faults={}, values={})
    try:
        made = services().sources.put(caller(), _wanted())
    except Invalid as error:
        faults = {error.where if error.where in FIELDS else "": error.why}
        return render_template("sources/new.html", faults=faults, values=request.form), 422
    return _one(made), 201


def sync(name: str) -> Answer:
    """Does not wait for the roll-out: the page shows how it goes."""
    services().sources.sync(caller(), name, wait_s=5.0)
    return redirect(url_for("pages.source", name=name), 303)


def delete(name: str) -> Answer:
    services().sources.delete(caller(), name)
    flash(f"{name} is deleted.", "ok")
    return redirect(url_for("pages.sources"), 303)


def _one(view: SourceView) -> str:
    return render_template("sources/one.html", one=view, source=view.source, now=view.state, state=_state(view))


def _state(view: SourceView) -> str:
    if view.state.error:
        return "behind"
    return "in force" if view.state.commit else "empty"


def _wanted() -> SourceRequest:
    """A secret left empty is none given, so that one is made where there must be one."""
    form = request.form
    interval = form.get("interval_s", "").strip() or "60"
    if not interval.replace(".", "", 1).isdecimal() or len(interval) > 10:
        raise Invalid("interval_s", "is a number of seconds")
    return SourceRequest(
        name=form.get("name", "").strip(),
        kind=cast(Literal["hosted", "remote"], form.get("kind", "remote")),
        url=form.get("url", "").strip(),
        branch=form.get("branch", "").strip() or "main",
        interval_s=float(interval),
        username=form.get("username", "").strip(),
        credential=form.get("credential", "").replace("\r\n", "\n") or None,
        known_hosts=form.get("known_hosts", "").replace("\r\n", "\n"),
        webhook_secret=form.get("webhook_secret", "") or None,
    )
