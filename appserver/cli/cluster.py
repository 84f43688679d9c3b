"""`moorage cluster`: groups of nodes that applications are placed on."""

from __future__ import annotations

from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client
from appserver.errors import Invalid


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
    names = ("name", "title", "kind", "strategy", "live", "selector", "system", "labels", "nodes", "on", "applications")
    show.facts((name, found[name]) for name in names)


@cluster.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["engines", "swarm", "group"]), help="By default engines. It stays.")
@click.option("--strategy", type=click.Choice(["spread", "binpack", "random"]), help="By default spread.")
@click.option("--live/--no-live", default=None, help="What is in use counts in the rank of nodes. By default not.")
@click.option("--title", help="For people.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="As often as there are labels.")
@click.option(
    "--selector", "selectors", multiple=True, metavar="EXPRESSION", help="Of a group, as rack==a. All must hold."
)
def put(
    name: str,
    kind: str | None,
    strategy: str | None,
    live: bool | None,
    title: str | None,
    labels: tuple[str, ...],
    selectors: tuple[str, ...],
) -> None:
    """Make a cluster, or change one. What is not said stays as it is.

    A group is made of the nodes, of any cluster, whose labels are as its selectors say: for looking at.
    """
    server = client()
    found, tag = server.tagged("clusters", name)
    body: dict[str, Any] = {field: found[field] for field in _FIELDS if field in found} if found else {}
    said = {"kind": kind, "strategy": strategy, "live": live, "title": title}
    body |= {field: value for field, value in said.items() if value is not None}
    if labels:
        body["labels"] = dict(_label(text) for text in labels)
    if selectors:
        body["selector"] = list(selectors)
    made = server.put("clusters", name, body=body, tag=tag)
    show.as_json(made) if lazy.wants_json() else show.say(f"cluster {name} is on record")


@cluster.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete an empty one, or a group."""
    client().delete("clusters", name)
    if lazy.wants_json():
        show.as_json({"name": name, "state": "deleted"})
    else:
        show.say(f"cluster {name} is deleted")


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Invalid("label", f"{text!r} is not NAME=VALUE")
    return name, value


_FIELDS = ("kind", "strategy", "live", "title", "labels", "selector")
_COLUMNS = {"name": "name", "kind": "kind", "strategy": "strategy", "nodes": "nodes", "on": "on", "title": "title"}
