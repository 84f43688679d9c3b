"""Measurements of nodes and applications over a range of time."""

from __future__ import annotations

from flask import Response, jsonify

from appserver.web import queries, shapes_metrics
from appserver.web.api import api, described
from appserver.web.context import caller, services
from appserver.web.forms import application_key


@api.get("/nodes/<name>/metrics")
@described("nodes", ok=shapes_metrics.NodeMetrics)
def show_node_metrics(name: str, query: queries.NodeMetricsQuery) -> Response:
    """Cpu, memory, load, disks, networks and containers of a node, as its agent kept them."""
    return jsonify(services().metrics.node(caller(), name, query.range(), query.kinds()).to_json())


@api.get("/applications/<cluster>/<name>/metrics")
@described("applications", ok=shapes_metrics.ApplicationMetrics)
def show_application_metrics(cluster: str, name: str, query: queries.MetricsQuery) -> Response:
    """Its containers, on every node that has one."""
    key = application_key(cluster, name)
    return jsonify(services().metrics.application(caller(), key, query.range()).to_json())
