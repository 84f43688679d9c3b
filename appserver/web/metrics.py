"""Prometheus' page. Labels come from tables and records of ours, never from a request, so their number is bounded."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from appserver.core.access import Caller
from appserver.core.fleet import CONDITIONS
from appserver.services.nodes import NodeView
from appserver.web.context import Context

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SELF = Caller("metrics", "viewer", via="system")


def init(app: Flask, context: Context) -> None:
    """Count every request of this application, and serve `/metrics`."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Record(context))
    labels = ("method", "route")
    answers = Counter("moorage_http_requests", "Requests answered.", (*labels, "status"), registry=registry)
    seconds = Histogram("moorage_http_request_seconds", "Until the answer's first byte.", labels, registry=registry)

    def begin() -> None:
        g.began = time.perf_counter()

    def count(response: Response) -> Response:
        method = request.method if request.method in _METHODS else "other"
        route = request.url_rule.rule if request.url_rule else "none"
        answers.labels(method, route, response.status_code).inc()
        if began := g.get("began"):
            seconds.labels(method, route).observe(time.perf_counter() - began)
        return response

    def page() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.before_request(begin)
    app.after_request(count)
    app.add_url_rule("/metrics", "metrics", page)


class Record(Collector):
    """Gauges read from the record when they are asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def describe(self) -> Iterator[Metric]:
        """Nothing at registration: the store may not answer yet."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        services = self._context.services
        yield GaugeMetricFamily("moorage_event_streams", "Open event streams.", value=self._context.streams.open)
        states = Tally(str(view.state) for view in services.applications.list(_SELF))
        yield _by("moorage_applications", "Applications by state.", "state", states)
        found = services.nodes.list(_SELF)
        nodes = Tally("healthy" if n.healthy else "on" if n.on else "off" for n in found)
        yield _by("moorage_nodes", "Nodes: healthy, on but not healthy, off.", "state", nodes)
        conditions = Tally(c.name for n in found if n.on for c in n.conditions if not c.ok)
        yield _by("moorage_node_conditions_bad", "Nodes that are on and have a bad condition.", "condition", conditions)
        yield from _nodes(found)
        ends = GaugeMetricFamily(
            "moorage_node_certificates_end_seconds",
            "Unix time at which the first certificate of the node's host ends.",
            labels=["node"],
        )
        for n in found:
            if n.node.certificates_end:
                ends.add_metric([n.node.name], n.node.certificates_end.timestamp())
        yield ends
        start_up = services.start_up.show(_SELF)
        yield _by("moorage_node_handshakes", "Nodes by the state of their handshake.", "state", start_up.states)
        yield GaugeMetricFamily("moorage_leader", "Whether an app server leads.", value=bool(start_up.leader))
        answered = CounterMetricFamily(
            "moorage_handshakes_answered", "States that this app server wrote, as leader.", labels=["state"]
        )
        for state, number in sorted(services.handshake.answered.items()):
            answered.add_metric([state], number)
        yield answered


def _nodes(views: Sequence[NodeView]) -> Iterator[Metric]:
    """Of each node; its conditions by the names that we know, since agents write them."""
    on = GaugeMetricFamily("moorage_node_on", "Whether the node's agent is alive.", labels=["node"])
    healthy = GaugeMetricFamily("moorage_node_healthy", "Whether nothing speaks against the node.", labels=["node"])
    conditions = GaugeMetricFamily(
        "moorage_node_condition", "Whether a condition is good, as last reported.", labels=["node", "condition"]
    )
    sizes = {
        "cpus": GaugeMetricFamily("moorage_node_cpus", "Cores of the node's engine.", labels=["node"]),
        "memory": GaugeMetricFamily("moorage_node_memory_bytes", "Memory of the node's engine.", labels=["node"]),
    }
    reserved = {
        "cpus": GaugeMetricFamily("moorage_node_reserved_cpus", "Cores that are promised there.", labels=["node"]),
        "memory": GaugeMetricFamily(
            "moorage_node_reserved_memory_bytes", "Memory that is promised there.", labels=["node"]
        ),
    }
    for view in views:
        name = [view.node.name]
        on.add_metric(name, view.on)
        healthy.add_metric(name, view.healthy)
        for condition in view.conditions:
            if condition.name in CONDITIONS:
                conditions.add_metric([*name, condition.name], condition.ok)
        for part, family in reserved.items():
            family.add_metric(name, sum(getattr(claim, part) for claim in view.held.values()))
        for part, family in sizes.items():
            if view.node.engine:
                family.add_metric(name, getattr(view.node.engine, part))
    yield from (on, healthy, conditions, *sizes.values(), *reserved.values())


def _by(name: str, told: str, label: str, tally: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=[label])
    for value, number in sorted(tally.items()):
        family.add_metric([value], number)
    return family
