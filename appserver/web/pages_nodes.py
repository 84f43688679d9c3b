"""A node that nothing new is placed on, or that is emptied: asked for on its page, with the plan first."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.store.names import check_name
from appserver.web.context import caller, services


def hold(name: str, verb: str) -> Answer:
    """Cordon, or let it take applications again."""
    me, cordons = caller(), services().cordons
    if verb == "cordon":
        cordons.cordon(me, check_name(name, "node"), request.form.get("reason", "").strip()[:500])
    else:
        cordons.undrain(me, check_name(name, "node"))
    return redirect(url_for("pages.node", name=name), 303)


def drain(name: str) -> str | Answer:
    """GET: what would go where. POST: do it; what finds no other place is shown where that is so."""
    me, cordons = caller(), services().cordons
    view = services().nodes.show(me, check_name(name, "node"))
    if request.method != "POST":
        return render_template("drain.html", view=view, moves=cordons.plan(me, name), done=False)
    moved = cordons.drain(me, name, request.form.get("reason", "").strip()[:500])
    if any(one.refused for one in moved):
        return render_template("drain.html", view=services().nodes.show(me, name), moves=moved, done=True)
    return redirect(url_for("pages.node", name=name), 303)
