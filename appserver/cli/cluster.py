"""`moorage cluster`: groups of nodes that applications are placed on."""

from __future__ import annotations

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client


@click.group(cls=lazy.Group)
def cluster() -> None:
    """Clusters. `all` and `orphans` are computed."""


@cluster.command("list")
def list_() -> None:
    """All clusters."""
    show.listing(client().items("clusters"), _COLUMNS, "no clusters")


@cluster.command("show")
@click.argument("name")
def show_(name: str) -> None:
    """One cluster: its nodes and applications."""
    found = client().get("clusters", name)
    if lazy.wants_json():
        show.as_json(found)
        return
    names = ("name", "title", "kind", "strategy", "system", "labels", "nodes", "on", "applications")
    show.facts((name, found[name]) for name in names)


_COLUMNS = {"name": "name", "kind": "kind", "strategy": "strategy", "nodes": "nodes", "on": "on", "title": "title"}
