"""Nodes, and the compose projects on them that are not ours yet."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.containers import StrayProject
from appserver.core.entities import AppKey
from appserver.errors import BackendError
from appserver.services.clusters import SYSTEM
from appserver.web.context import caller, services


def nodes() -> str:
    found, start_up = services().nodes.list(caller()), services().start_up.show(caller())
    return render_template("nodes.html", nodes=found, start_up=start_up)


def strays() -> str | Answer:
    """GET: what runs on each node that is on. POST: adopt one."""
    me = caller()
    services().access.require(me, "A", "node:")
    if request.method == "POST":
        project = request.form.get("project", "")
        key = AppKey(request.form.get("cluster", "default"), project)
        done = services().imports.adopt(me, request.form.get("node", ""), project, key)
        target = url_for("pages.operation", operation=done.operation) if done.operation else url_for("pages.home")
        return redirect(target, 303)
    found: list[tuple[str, StrayProject]] = []
    away: dict[str, str] = {}
    for view in services().nodes.list(me):
        node = view.node.name
        if not view.on:
            away[node] = "is off, so it cannot be asked."
            continue
        try:
            found += [(node, project) for project in services().imports.candidates(me, node)]
        except BackendError as error:
            away[node] = f"could not be asked: {error}"
    named = [one.cluster.name for one in services().clusters.list(me) if one.cluster.name not in SYSTEM]
    return render_template("strays.html", found=found, away=away, clusters=[(name, name) for name in named])
