"""Updates of the boot servers in lock-step: what is next, how far it is, what was; asked for, stopped, begun anew."""

from __future__ import annotations

from flask import Response

from appserver.core import rollout_views as views
from appserver.web import forms, queries, shapes, shapes_updates
from appserver.web.api import api, described
from appserver.web.context import caller, services
from appserver.web.forms_updates import StopBody, UpdateBody, UpdatePlanQuery


@api.get("/updates/plan")
@described("update", ok=shapes_updates.UpdatePlan)
def plan_update(query: UpdatePlanQuery) -> Response:
    """What the updater would do now, and why; with a version, what asking for it comes to. Nothing is written."""
    return forms.one(services().update_list.plan(caller(), query.version, query.older).to_json())


@api.get("/updates/status")
@described("update", ok=shapes_updates.UpdateStanding)
def update_status() -> Response:
    """How far the update is that is under way, or was last."""
    return forms.one(services().update_list.status(caller()).to_json())


@api.get("/updates")
@described("update", ok=shapes.Listed[shapes_updates.UpdateRun])
def list_updates(query: queries.PageQuery) -> Response:
    """Newest first."""
    found = services().update_list.history(caller())
    return forms.listed(found, query, lambda one: f"{99_999_999 - one.number:08}", views.run_json)


@api.get("/updates/<int:number>")
@described("update", ok=shapes_updates.UpdateInFull)
def show_update(number: int) -> Response:
    """One update, with what each server did in it and when."""
    run, progress = services().update_list.show(caller(), number)
    return forms.one({**views.run_json(run), "progress": views.progress_json(run, progress)})


@api.post("/updates/request")
@described("update", ok=shapes_updates.UpdateAsked)
def request_update(json: UpdateBody) -> Response:
    """Make a kept release the one to be updated to, whatever channel and window say; a freeze holds."""
    return forms.one({"version": services().updates.request(caller(), json.version, json.older)})


@api.post("/updates/stop")
@described("update", ok=shapes_updates.UpdateStanding)
def stop_update(json: StopBody) -> Response:
    """What runs is ended within seconds, and nothing new begins."""
    services().updates.stop(caller(), json.reason)
    return update_status()


@api.post("/updates/recover")
@described("update", ok=shapes_updates.UpdateStanding)
def recover_update() -> Response:
    """Forget a stopped update: the updater begins anew, with the boot servers that there are."""
    services().updates.recover(caller())
    return update_status()


@api.post("/updates/retry")
@described("update", ok=shapes_updates.UpdateRun)
def retry_update() -> Response:
    """Take a stopped update up at the first step that not all were through with."""
    return forms.one(views.run_json(services().updates.retry(caller())))


@api.post("/updates/undo")
@described("update", ok=shapes_updates.UpdateRun)
def undo_update() -> Response:
    """Take back what was begun of a stopped update, where its steps say how; its release is put aside."""
    return forms.one(views.run_json(services().updates.undo(caller())))
