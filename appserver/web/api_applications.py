"""Applications: plan, deploy, look, change, remove."""

from __future__ import annotations

from flask import Response, jsonify

from appserver.core.access import Caller
from appserver.services.deploy import Deployed
from appserver.web import archive, forms, queries, shapes, sse
from appserver.web.api import PREFIX, api, described
from appserver.web.api_operations import accepted
from appserver.web.context import caller, services
from appserver.web.forms import application_key


@api.post("/applications/plan")
@described("applications", ok=shapes.Plan)
def plan_application(json: forms.DeployBody) -> Response:
    """What a deployment would do, and why. Changes nothing."""
    return jsonify(services().deploy.plan(caller(), json.request()).to_json())


@api.post("/applications")
@described("applications", ok=shapes.Plan, accepted=shapes.Operation)
def deploy_application(json: forms.DeployBody) -> Response:
    """Deploy. 202 with an operation to follow, or 200 with the plan when there is nothing to do."""
    known = caller()
    return _deployed(known, services().deploy(known, json.request()))


@api.get("/applications")
@described("applications", ok=shapes.Listed[shapes.Application])
def list_applications(query: queries.ApplicationsQuery) -> Response:
    """All, or those of a cluster, with their live state."""
    found = services().applications.list(caller(), query.cluster or None)
    return forms.listed(found, query, lambda view: str(view.key), lambda view: view.to_json())


@api.post("/applications/import")
@described("applications", ok=shapes.Plan, accepted=shapes.Operation)
def import_application(json: forms.ImportBody) -> Response:
    """Adopt a compose project that runs on a node already, without a restart."""
    known = caller()
    key = application_key(json.cluster, json.name)
    return _deployed(known, services().imports.adopt(known, json.node, json.project, key))


@api.get("/applications/<cluster>/<name>")
@described("applications", ok=shapes.Application)
def show_application(cluster: str, name: str) -> Response:
    """Its services, their health, drift, and what is under way."""
    view = services().applications.show(caller(), application_key(cluster, name))
    return forms.one(view.to_json(), view.version)


@api.delete("/applications/<cluster>/<name>")
@described("applications", accepted=shapes.Operation)
def delete_application(cluster: str, name: str, query: queries.DeleteQuery) -> Response:
    """Remove containers and networks. Named volumes are kept unless `volumes` is true."""
    known, key = caller(), application_key(cluster, name)
    return accepted(known, services().lifecycle.delete(known, key, query.volumes, forms.if_match()))


@api.get("/applications/<cluster>/<name>/explain")
@described("applications", ok=shapes.Explanation)
def explain_application(cluster: str, name: str, query: queries.ExplainQuery) -> Response:
    """Every value of every service: who says so, and what it hides."""
    known, key = caller(), application_key(cluster, name)
    found = services().applications.explain(known, key, query.revision, query.service)
    items = [{"service": service, **entry} for service, entry in found if query.option in ("", entry.get("option"))]
    warnings = services().applications.warnings(known, key, query.revision)
    return jsonify({"items": items, "warnings": list(warnings)})


@api.get("/applications/<cluster>/<name>/revisions")
@described("applications", ok=shapes.Listed[shapes.Revision])
def list_revisions(cluster: str, name: str, query: queries.PageQuery) -> Response:
    """Newest first."""
    found = services().applications.history(caller(), application_key(cluster, name))
    return forms.listed(found, query, lambda view: f"{99_999_999 - view.number:08d}", lambda view: view.to_json())


@api.get("/applications/<cluster>/<name>/revisions/<int:number>")
@described("applications", ok=shapes.Revision)
def show_revision(cluster: str, name: str, number: int) -> Response:
    """With the effective project, secrets masked, and its difference from the revision before."""
    return jsonify(services().applications.revision(caller(), application_key(cluster, name), number).to_json())


@api.post("/applications/<cluster>/<name>/rollback")
@described("applications", ok=shapes.Plan, accepted=shapes.Operation)
def roll_back_application(cluster: str, name: str, json: forms.RollbackBody) -> Response:
    """Put a revision back: its images by digest, its configuration, its environment."""
    known, key = caller(), application_key(cluster, name)
    done = services().lifecycle.rollback(known, key, json.revision, json.token, json.dry_run, json.reason)
    return _deployed(known, done)


@api.post("/applications/<cluster>/<name>/start")
@described("applications", accepted=shapes.Operation)
def start_application(cluster: str, name: str, json: forms.ServicesBody) -> Response:
    """All its services, or those named. What runs already is left alone."""
    known, key = caller(), application_key(cluster, name)
    return accepted(known, services().lifecycle.start(known, key, tuple(json.services), forms.if_match()))


@api.post("/applications/<cluster>/<name>/stop")
@described("applications", accepted=shapes.Operation)
def stop_application(cluster: str, name: str, json: forms.ServicesBody) -> Response:
    """As a whole. Containers, volumes and the record stay."""
    known, key = caller(), application_key(cluster, name)
    return accepted(known, services().lifecycle.stop(known, key, tuple(json.services), forms.if_match()))


@api.post("/applications/<cluster>/<name>/restart")
@described("applications", accepted=shapes.Operation)
def restart_application(cluster: str, name: str, json: forms.ServicesBody) -> Response:
    """All its services, or those named."""
    known, key = caller(), application_key(cluster, name)
    return accepted(known, services().lifecycle.restart(known, key, tuple(json.services), forms.if_match()))


@api.post("/applications/<cluster>/<name>/scale")
@described("applications", ok=shapes.Plan, accepted=shapes.Operation)
def scale_application(cluster: str, name: str, json: forms.ScaleBody) -> Response:
    """A new revision with so many containers of one service."""
    known, key = caller(), application_key(cluster, name)
    return _deployed(known, services().lifecycle.scale(known, key, json.service, json.replicas))


@api.post("/applications/<cluster>/<name>/pause")
@described("applications", accepted=shapes.Operation)
def pause_application(cluster: str, name: str, json: forms.ReasonBody) -> Response:
    """Hold a roll-out over several nodes: no further batch begins."""
    known, key = caller(), application_key(cluster, name)
    return accepted(known, services().rollouts.pause(known, key, json.reason))


@api.post("/applications/<cluster>/<name>/resume")
@described("applications", accepted=shapes.Operation)
def resume_application(cluster: str, name: str) -> Response:
    """Let it go on, to the end."""
    known, key = caller(), application_key(cluster, name)
    return accepted(known, services().rollouts.resume(known, key))


@api.post("/applications/<cluster>/<name>/move")
@described("applications", ok=shapes.TransferPlan, accepted=shapes.Transfer)
def move_application(cluster: str, name: str, json: forms.MoveBody) -> Response:
    """Move it to another cluster: 202 with how far it is. With `dry_run`, what that would do and why, and 200."""
    known, key = caller(), application_key(cluster, name)
    if json.dry_run:
        return jsonify(services().transfers.plan(known, key, json.to).to_json())
    begun = services().transfers.begin(known, key, json.to, json.token, forms.if_match())
    response = forms.one(begun.to_json(), status=202)
    response.headers["Location"] = f"{PREFIX}/applications/{key.cluster}/{key.name}/move"
    return response


@api.get("/applications/<cluster>/<name>/move")
@described("applications", ok=shapes.Transfer)
def show_move(cluster: str, name: str) -> Response:
    """How far its move to another cluster is; for a day, how the last one ended."""
    return jsonify(services().transfers.show(caller(), application_key(cluster, name)).to_json())


@api.get("/applications/<cluster>/<name>/drift")
@described("applications", ok=shapes.Listed[shapes.Drift])
def list_drift(cluster: str, name: str) -> Response:
    """What is there against what is wanted."""
    view = services().applications.show(caller(), application_key(cluster, name))
    return forms.listing(view.to_json()["drift"])  # type: ignore[arg-type]  # a list, by AppView.to_json


@api.get("/applications/<cluster>/<name>/logs")
@described("applications", 200)
def show_logs(cluster: str, name: str, query: queries.LogsQuery) -> Response:
    """Lines straight from the containers: text, or a stream of `log` events where that is accepted."""
    known, key = caller(), application_key(cluster, name)
    since = forms.time(query.since, "since")
    lines = services().applications.logs(known, key, query.service, query.tail, query.follow, since)
    if sse.wanted():
        return sse.stream(known, (None if line is None else sse.Message("log", line) for line in lines))
    return sse.lines(known, lines)


@api.get("/applications/<cluster>/<name>/export")
@described("applications", 200)
def export_application(cluster: str, name: str) -> Response:
    """A zip that `docker compose up` runs without Moorage. It holds the secrets in the clear."""
    key = application_key(cluster, name)
    return archive.answer(key.name, services().applications.export(caller(), key))


def _deployed(known: Caller, done: Deployed) -> Response:
    return accepted(known, done.operation) if done.operation else jsonify(done.plan.to_json())
