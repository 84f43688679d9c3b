"""Nodes and clusters."""

from __future__ import annotations

from flask import Response

from appserver.core.containers import StrayProject
from appserver.core.fleet import Cluster
from appserver.web import forms, queries, shapes, shapes_fleet
from appserver.web.api import api, described
from appserver.web.context import caller, services


@api.get("/nodes")
@described("nodes", ok=shapes.Listed[shapes_fleet.Node])
def list_nodes(query: queries.ApplicationsQuery) -> Response:
    """All, or those of a cluster: on, healthy, what is promised there."""
    found = services().nodes.list(caller(), query.cluster)
    return forms.listed(found, query, lambda view: view.node.name, lambda view: view.to_json())


@api.get("/nodes/<name>")
@described("nodes", ok=shapes_fleet.Node)
def show_node(name: str) -> Response:
    """One node."""
    view = services().nodes.show(caller(), name)
    return forms.one(view.to_json(), view.version)


@api.get("/start-up")
@described("nodes", ok=shapes_fleet.StartUp)
def show_start_up() -> Response:
    """Who answers nodes that start, in which mode, and how far they are."""
    view = services().start_up.show(caller())
    return forms.one(view.to_json(), view.version)


@api.put("/start-up")
@described("nodes", ok=shapes_fleet.StartUp)
def set_start_up(json: forms.StartUpBody) -> Response:
    """How nodes that were up before begin: `recovery`, or `new`. Neither deletes anything."""
    view = services().start_up.set_mode(caller(), json.mode, forms.if_match())
    return forms.one(view.to_json(), view.version)


@api.delete("/nodes/<name>")
@described("nodes", 204)
def retire_node(name: str) -> Response:
    """One that is off for good, and where nothing is wanted any more: its records go."""
    services().retire(caller(), name)
    return Response(status=204)


@api.post("/nodes/<name>/cordon")
@described("nodes", ok=shapes_fleet.Node)
def cordon_node(name: str, json: forms.ReasonBody) -> Response:
    """Nothing new is placed there. What is there stays."""
    services().cordons.cordon(caller(), name, json.reason)
    return show_node(name)


@api.post("/nodes/<name>/drain")
@described("nodes", ok=shapes.Listed[shapes_fleet.Moved])
def drain_node(name: str, json: forms.DrainBody) -> Response:
    """What is there is placed elsewhere, and nothing new comes; with `dry_run`, what would go where."""
    cordons = services().cordons
    found = (cordons.plan if json.dry_run else cordons.drain)(caller(), name, json.reason)
    return forms.listing([moved.to_json() for moved in found])


@api.post("/nodes/<name>/undrain")
@described("nodes", ok=shapes_fleet.Node)
def undrain_node(name: str) -> Response:
    """It takes applications again. What left does not come back by itself."""
    services().cordons.undrain(caller(), name)
    return show_node(name)


@api.get("/nodes/<name>/projects")
@described("nodes", ok=shapes.Listed[shapes_fleet.StrayProject])
def list_stray_projects(name: str, query: queries.PageQuery) -> Response:
    """Compose projects that run on the node and are not ours: `applications/import` adopts one."""
    found = services().imports.candidates(caller(), name)
    return forms.listed(found, query, lambda project: project.name, _stray)


@api.get("/clusters")
@described("clusters", ok=shapes.Listed[shapes_fleet.Cluster])
def list_clusters(query: queries.PageQuery) -> Response:
    """Those on record, and the computed ones."""
    found = services().clusters.list(caller())
    return forms.listed(found, query, lambda view: view.cluster.name, lambda view: view.to_json())


@api.get("/clusters/<name>")
@described("clusters", ok=shapes_fleet.Cluster)
def show_cluster(name: str) -> Response:
    """One cluster."""
    view = services().clusters.show(caller(), name)
    return forms.one(view.to_json(), view.version)


@api.put("/clusters/<name>")
@described("clusters", ok=shapes_fleet.Cluster)
def put_cluster(name: str, json: forms.ClusterBody) -> Response:
    """Make one, or change it."""
    wanted = Cluster(name, json.kind, json.strategy, json.labels, json.title, tuple(json.selector), json.live)
    view = services().clusters.put(caller(), wanted, forms.if_match())
    return forms.one(view.to_json(), view.version)


@api.delete("/clusters/<name>")
@described("clusters", 204)
def delete_cluster(name: str) -> Response:
    """An empty one."""
    services().clusters.delete(caller(), name, forms.if_match())
    return Response(status=204)


def _stray(project: StrayProject) -> object:
    return {
        "name": project.name,
        "working_dir": project.working_dir,
        "config_files": list(project.config_files),
        "services": list(project.services),
        "readable": bool(project.files),
    }
