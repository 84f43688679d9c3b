"""An application moved to another cluster: asked for on its page, with the plan first, and watched to its end."""

from __future__ import annotations

from typing import Literal

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.transfer import Transfer
from appserver.core.transfer_plan import TransferPlan
from appserver.errors import BackendError, Conflict, Forbidden, InvalidMany, NotFound, UserError
from appserver.services.clusters import SYSTEM
from appserver.store.names import check_app
from appserver.web import pages_diff
from appserver.web.context import caller, services

BeatState = Literal["past", "now", "ahead", "wrong"]


def move(cluster: str, name: str) -> str | Answer | tuple[str, int]:
    """GET: how far it is, where it could go, or the plan of `?to=`. POST: what that plan says."""
    me, key = caller(), check_app(AppKey(cluster, name))
    if request.method == "POST":
        to, token = request.form.get("to", ""), request.form.get("token", "")
        try:
            services().transfers.begin(me, key, to, token)
        except (NotFound, Forbidden):
            raise
        except UserError as error:
            told = (f"{error}. This is the plan as it is now.",) if isinstance(error, Conflict) else ()
            return _plan(me, key, to, told), 409
        return redirect(url_for("pages.move", cluster=key.cluster, name=key.name), 303)
    if to := request.args.get("to", ""):
        return _plan(me, key, to)
    found = services().transfers.find(key)
    if found:
        services().access.require(me, "R", f"application:{key}")
        exists = _exists(me, key)
        if not found.transfer.is_over or not exists or "again" not in request.args:
            return render_template(
                "application/move.html", key=key, found=found, exists=exists, beats=beats(found.transfer)
            )
    services().applications.show(me, key)
    return _ask(me, key)


def beats(now: Transfer) -> tuple[tuple[str, BeatState], ...]:
    """Each part of the way, and whether it is past, ahead, or where it is now."""
    if now.phase in ("undoing", "failed"):
        undone: BeatState = "past" if now.is_over else "now"
        return (("Recorded", "past"), ("Given up", "wrong"), (f"Removed from {now.to}", undone))
    at = {"arriving": 1, "passing": 2, "leaving": 2}.get(now.phase, 4)
    texts = ("Recorded", f"Comes up in {now.to}", "Leaves", "Done")
    return tuple((text, "past" if i < at else "now" if i == at else "ahead") for i, text in enumerate(texts))


def _ask(me: Caller, key: AppKey, to: str = "", problems: tuple[str, ...] = ()) -> str:
    views = (one.cluster for one in services().clusters.list(me))
    others = [(c.name, f"{c.name} ({c.kind})") for c in views if _is_other(c.name, c.kind, key)]
    return render_template("application/move_to.html", key=key, clusters=others, to=to, problems=problems, plan=None)


def _plan(me: Caller, key: AppKey, to: str, problems: tuple[str, ...] = ()) -> str:
    try:
        found: TransferPlan = services().transfers.plan(me, key, to)
    except InvalidMany as error:
        return _ask(me, key, to, tuple(f"{where}: {why}" for where, why in error.faults))
    except (NotFound, Forbidden):
        raise
    except (UserError, BackendError) as error:
        return _ask(me, key, to, (str(error),))
    return render_template(
        "application/move_to.html",
        key=key,
        clusters=(),
        to=to,
        problems=problems,
        plan=found,
        rows=pages_diff.rows(found.diff),
    )


def _is_other(name: str, kind: str, key: AppKey) -> bool:
    return kind != "group" and name != key.cluster and name not in SYSTEM


def _exists(me: Caller, key: AppKey) -> bool:
    try:
        services().applications.show(me, key)
    except NotFound:
        return False
    return True
