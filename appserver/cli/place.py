"""`moorage place`: where a container is to run, explained or kept; and `moorage placement`: what has a place."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import DEFAULT_CLUSTER, client
from appserver.cli.plans import PENDING
from appserver.cli.usage import print_usage
from appserver.errors import Invalid

_PORT = re.compile(
    r"(?:(?P<ip>[0-9.]+|\[[0-9a-fA-F:]+\]):)?(?P<port>[0-9]{1,5})(?::(?P<inside>[0-9]{1,5}))?(?:/(?P<proto>[a-z]+))?"
)
_REFUSED = 2
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(cls=lazy.Command)
@click.option("--cluster", help="Whose nodes are asked; `default` where nobody says another.")
@click.option("--dry-run", is_flag=True, help="Only explain, node by node; exit 3 when it would be placed, 2 when not.")
@click.option("--file", "file", type=_FILE, help="Citadel's request as JSON; options go before what it says.")
@click.option("--image", help="What is to run.")
@click.option("--name", help="Of the container; asking again by the same name gives the same place.")
@click.option("--cpus", help="Cores, such as 0.2.")
@click.option("--memory", help="MB, or with a unit: 512, 1.5G.")
@click.option("--type", "kind", help="Chooses the scheduler: service, batch, unique, host, …")
@click.option("--label", "labels", multiple=True, help="A word that the node must have, or its key=value.")
@click.option("--constraint", "constraints", multiple=True, help="Of the node: zone==a, storage!=hdd*.")
@click.option("--affinity", "affinities", multiple=True, help="Of what is there: container==db, image!=web*.")
@click.option("--port", "ports", multiple=True, metavar="[IP:]PORT[:INSIDE][/udp]", help="Of the host.")
@click.option("--count", type=click.IntRange(min=1), help="So many: each gets a place, or none does.")
@click.option("--strategy", type=click.Choice(["spread", "binpack", "random"]), help="Instead of the cluster's.")
@click.option("--lease", type=click.FloatRange(min=1), help="Seconds that it may be without its container.")
def place(file: Path | None, dry_run: bool, **given: Any) -> int:
    """Find a container a node, and keep its room there until it comes.

    Prints the container's name and its node. Room that nobody comes for is given back after its lease.
    """
    body = {**(_read(file) if file else {}), **_said(**given)}
    if given["image"]:
        body.pop("name", None)  # Citadel's other word for it
    if "image" not in body and "name" not in body:
        raise Invalid("", "say what is to run with --image, or give the request in --file")
    if dry_run:
        return _explain(client().post("placements", body={**body, "dry_run": True}))
    body.setdefault("container_name", _name(str(body.get("image", body.get("name")))))
    found = client().post("placements", body=body)
    if lazy.wants_json():
        show.as_json(found)
    else:
        items = found.get("items", [found])
        show.table(("container", "node", "address"), [_row(one) for one in items])
    return 0


@click.group(cls=lazy.Group)
def placement() -> None:
    """Containers that have a place: see `moorage place`."""


@placement.command("list")
@click.option("--cluster", default="", help="Of this cluster alone.")
@click.option("--node", default="", help="Of this node alone.")
def list_(cluster: str, node: str) -> None:
    """All of them: promised, running or stopped."""
    show.listing(client().items("placements", cluster=cluster, node=node), _COLUMNS, "nothing was placed")


@placement.command("release")
@click.argument("name")
@click.option("--cluster", default=DEFAULT_CLUSTER, show_default=True, help="Where it is.")
def release(name: str, cluster: str) -> None:
    """Give the room of a container back. Nothing is done to the container."""
    client().delete("placements", cluster, name)
    show.done(f"the room of {name} is free again", holder=f"{cluster}/{name}", state="released")


def _explain(found: Mapping[str, Any]) -> int:
    """Those that fit, best first, then those that do not; exit code."""
    if lazy.wants_json():
        show.as_json(found)
    else:
        show.table(("node", "reserved then", "unmet", "alike", "image", "verdict"), [*_scores(found), *_refused(found)])
        if found["nearest"]:
            show.note(f"nearest: {found['nearest']}")
        elif not found["scores"] and not found["refused"]:
            show.note(f"{found['cluster']} has no nodes")
        if found["used"]:
            click.echo()
            print_usage([{**found, "image": found["used"]["image"]}], "image")
    return PENDING if found["fits"] else _REFUSED


def _scores(found: Mapping[str, Any]) -> list[Sequence[str]]:
    gets = {one["node"]: one["count"] for one in found["nodes"]}
    several = sum(gets.values()) > 1
    return [
        (
            one["node"],
            "" if found["strategy"] == "random" else f"{one['share'] * 50:.0f} %",
            str(one["unmet"]),
            str(one["alike"]),
            "to be pulled" if one["pulls"] else "",
            (f"gets {gets[one['node']]}" if several else "chosen") if one["node"] in gets else "fits",
        )
        for one in found["scores"]
    ]


def _refused(found: Mapping[str, Any]) -> list[Sequence[str]]:
    fitting = {one["node"] for one in found["scores"]}
    return [(one["node"], "", "", "", "", one["why"]) for one in found["refused"] if one["node"] not in fitting]


def _row(one: Mapping[str, Any]) -> Sequence[str]:
    return (one["container"]["container_name"], one["resource"]["id"], one["resource"]["addr"])


def _said(
    image: str | None,
    name: str | None,
    kind: str | None,
    ports: Sequence[str],
    lease: float | None,
    **rest: Any,
) -> dict[str, Any]:
    """Options that were given, as fields of the request."""
    fields = {"image": image, "container_name": name, "type": kind, "lease_s": lease, **rest}
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items() if value}
    if ports:
        found["bind_ports"] = [_port(text) for text in ports]
    return found


def _port(text: str) -> dict[str, Any]:
    found = _PORT.fullmatch(text)
    if found is None:
        raise Invalid("--port", f"{text!r} is not PORT, PORT:INSIDE or IP:PORT:INSIDE, with /udp where it is not tcp")
    said = {
        "proto": found["proto"] or "tcp",
        "host_ip": (found["ip"] or "").strip("[]"),
        "port": int(found["port"]),
        "container_port": int(found["inside"] or found["port"]),
    }
    return {name: value for name, value in said.items() if value}


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(str(file), f"is no JSON that can be read: {error}") from error
    if not isinstance(found, dict):
        raise Invalid(str(file), "is to hold one JSON object")
    return found


def _name(image: str) -> str:
    """Chosen here, so that a request whose answer is lost can be made again by hand."""
    last = re.sub(r"[^A-Za-z0-9_.-]", "-", image.partition("@")[0].rpartition("/")[2].partition(":")[0])
    return f"{last[:40] or 'container'}-{secrets.token_hex(4)}"


_COLUMNS = {
    "container": "name",
    "cluster": "cluster",
    "node": "node",
    "state": "state",
    "image": "container.image.name",
    "until": "until",
    "by": "by",
}
