"""Charts: the page of a node, and what an application uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import render_template, request

from appserver.core.entities import AppKey
from appserver.errors import Invalid, NodeError
from appserver.services.metrics import Range
from appserver.store.names import check_app, check_name
from appserver.web import charts
from appserver.web.context import caller, services


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a page looks: to people, and how often it is worth looking again."""

    text: str
    every_ms: int


SPANS: Mapping[str, Span] = {
    "1h": Span("1 hour", 20_000),
    "6h": Span("6 hours", 60_000),
    "24h": Span("1 day", 300_000),
    "168h": Span("1 week", 300_000),
    "720h": Span("30 days", 300_000),
    "2160h": Span("90 days", 300_000),
}
"""By the word in the page's address."""


def node(name: str) -> str:
    """What it is, how it fares, and what was measured there; the latter only while its agent answers."""
    me = caller()
    view, span = services().nodes.show(me, check_name(name, "node")), _span()
    try:
        found = services().metrics.node(me, name, Range(f"-{span}"))
    except NodeError as error:
        return render_template(
            "node.html", view=view, span=span, spans=SPANS, charts=(), containers=(), away=str(error)
        )
    drawn, listed = charts.of_node(found), charts.containers((found,))
    return render_template("node.html", view=view, span=span, spans=SPANS, charts=drawn, containers=listed, away="")


def usage(cluster: str, name: str) -> str:
    """What the containers of an application used, wherever they are."""
    me, key, span = caller(), check_app(AppKey(cluster, name)), _span()
    app = services().applications.show(me, key)
    try:
        found = services().metrics.application(me, key, Range(f"-{span}"))
        parts, away = found.parts, tuple(found.away.values())
    except NodeError as error:
        parts, away = (), (str(error),)
    return render_template(
        "application/usage.html",
        app=app,
        here_tab="usage",
        span=span,
        spans=SPANS,
        charts=charts.of_application(parts),
        containers=charts.containers(parts),
        away=away,
    )


def _span() -> str:
    span = request.args.get("span", "1h")
    if span not in SPANS:
        raise Invalid("span", f"is one of {', '.join(SPANS)}")
    return span
