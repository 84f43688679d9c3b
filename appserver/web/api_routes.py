"""Routes: which hosts and paths lead to which application."""

from __future__ import annotations

from flask import Response

from appserver.web import forms, queries, shapes, shapes_routes
from appserver.web.api import api, described
from appserver.web.context import caller, services


@api.get("/routes")
@described("routes", ok=shapes.Listed[shapes_routes.Route])
def list_routes(query: queries.RoutesQuery) -> Response:
    """What is exposed, by host and path, and the containers that are asked now."""
    found = services().routes.list(caller())
    return forms.listed(found, query, lambda view: f"{view.route.host}{view.route.path}", lambda view: view.to_json())
