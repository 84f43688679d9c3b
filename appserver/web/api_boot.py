"""Boot servers: what each has installed, where two differ, who still has what."""

from __future__ import annotations

from flask import Response

from appserver.core.boot import Difference
from appserver.services.boot_servers import Holder
from appserver.web import forms, queries, shapes, shapes_bmc, shapes_fleet
from appserver.web.api import api, described
from appserver.web.context import caller, services


@api.get("/bootservers")
@described("bootservers", ok=shapes.Listed[shapes_fleet.BootServer])
def list_boot_servers(query: queries.PageQuery) -> Response:
    """All on record, by their numbers."""
    found = services().boot.list(caller())
    return forms.listed(found, query, lambda one: _sortable(one.lrn), lambda one: one.to_json())


@api.get("/bootservers/<int:lrn>")
@described("bootservers", ok=shapes_bmc.BootServerInFull)
def show_boot_server(lrn: int) -> Response:
    """One, with its containers and packages, what changed there last, and its board."""
    server, installed = services().boot.show(caller(), lrn)
    board = services().bmc.show(caller(), lrn)
    changes = [one.to_json() for one in services().boot.changes(caller(), lrn)]
    has = {"containers": dict(installed.containers), "debs": dict(installed.debs), "changes": changes}
    return forms.one({**server.to_json(), **has, "bmc": board and board.to_json()})


@api.delete("/bootservers/<int:lrn>")
@described("bootservers", 204)
def retire_boot_server(lrn: int) -> Response:
    """A number that no host has any more: what stands under it goes."""
    services().boot_numbers.retire(caller(), lrn)
    return Response(status=204)


@api.get("/bootservers/<int:lrn>/differences/<int:other>")
@described("bootservers", ok=shapes.Listed[shapes_fleet.InstalledDifference])
def list_boot_differences(lrn: int, other: int, query: queries.PageQuery) -> Response:
    """What `other` has otherwise than `lrn`."""
    found = services().boot.differences(caller(), lrn, other)
    return forms.listed(found, query, lambda one: f"{one.kind} {one.name}", _difference)


@api.get("/installed")
@described("bootservers", ok=shapes.Listed[shapes_fleet.Holder])
def list_holders(query: queries.HoldersQuery) -> Response:
    """Who has a package, or runs an image; of one version alone, if you like."""
    found = services().boot.find(caller(), *query.wanted(), query.version)
    return forms.listed(found, query, lambda one: f"{_sortable(one.lrn)} {one.name}", _holder)


def _sortable(lrn: int) -> str:
    return f"{lrn:09d}"


def _difference(one: Difference) -> object:
    return {"kind": one.kind, "name": one.name, "before": one.before or None, "after": one.after or None}


def _holder(one: Holder) -> object:
    return {"lrn": one.lrn, "name": one.name, "version": one.version}
