"""Sources of configuration."""

from __future__ import annotations

from flask import Response

from appserver.web import forms, queries, shapes, shapes_record
from appserver.web.api import PREFIX, api, described
from appserver.web.context import caller, services


@api.get("/sources")
@described("sources", ok=shapes.Listed[shapes_record.Source])
def list_sources(query: queries.PageQuery) -> Response:
    """Each with where to push, its last good commit and its last error."""
    found = services().sources.list(caller())
    return forms.listed(found, query, lambda view: view.source.name, lambda view: view.to_json())


@api.post("/sources")
@described("sources", created=shapes_record.Source)
def create_source(json: forms.SourceBody) -> Response:
    """A repository that people push to (`hosted`), or one that is fetched (`remote`)."""
    view = services().sources.put(caller(), json.request(json.name))
    response = forms.one(view.to_json(), view.version, status=201)
    response.headers["Location"] = f"{PREFIX}/sources/{view.source.name}"
    return response


@api.get("/sources/<name>")
@described("sources", ok=shapes_record.Source)
def show_source(name: str) -> Response:
    """One source."""
    view = services().sources.show(caller(), name)
    return forms.one(view.to_json(), view.version)


@api.put("/sources/<name>")
@described("sources", ok=shapes_record.Source)
def put_source(name: str, json: forms.SourceBody) -> Response:
    """Make it, or change it. The commit in force stays until a good one comes from the new place."""
    view = services().sources.put(caller(), json.request(name), forms.if_match())
    return forms.one(view.to_json(), view.version)


@api.delete("/sources/<name>")
@described("sources", 204)
def delete_source(name: str) -> Response:
    """One that no application is configured from."""
    services().sources.delete(caller(), name, forms.if_match())
    return Response(status=204)


@api.post("/sources/<name>/sync")
@described("sources", ok=shapes_record.Source)
def sync_source(name: str) -> Response:
    """Look at it now, and roll out what is new."""
    view = services().sources.sync(caller(), name)
    return forms.one(view.to_json(), view.version)
