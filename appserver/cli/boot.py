"""`moorage boot`: what boot servers have installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client
from appserver.cli.play import play
from appserver.errors import Invalid

_LRN = click.IntRange(min=0, max=999_999)


@click.group(cls=lazy.Group)
def boot() -> None:
    """Boot servers: what has each, where do they differ, who still has what."""


boot.add_command(play)


@boot.command("list")
def list_() -> None:
    """All boot servers, by their numbers."""
    show.listing(client().items("bootservers"), _SERVERS, "no boot server is on record")


@boot.command("show")
@click.argument("lrn", type=_LRN)
def show_(lrn: int) -> None:
    """One boot server, with its board, containers and packages."""
    found = client().get("bootservers", str(lrn))
    if lazy.wants_json():
        show.as_json(found)
        return
    power = "on" if found["on"] else "off"
    show.facts([("boot server", found["lrn"]), ("power", power), ("nodes", found["nodes"])])
    if found["bmc"]:
        click.echo()
        _board(found["bmc"])
    for kind in ("containers", "debs"):
        click.echo()
        show.table((kind, "version"), sorted(found[kind].items()))


@boot.command("power")
@click.argument("lrn", type=_LRN)
@click.argument("action", type=click.Choice(["on", "off", "cycle"]))
def power_(lrn: int, action: str) -> None:
    """Switch the host of a boot server, by its board: `off` is at once, without asking the system on it."""
    found = client().post("bootservers", str(lrn), "power", body={"action": action})
    if lazy.wants_json():
        show.as_json(found)
    else:
        click.echo(f"boot server {lrn} was {found['before']}, and is asked to power {action}")


@boot.command("diff")
@click.argument("lrn", type=_LRN)
@click.argument("other", type=_LRN)
def diff(lrn: int, other: int) -> None:
    """What OTHER has otherwise than LRN."""
    found = client().items("bootservers", str(lrn), "differences", str(other))
    columns = {"kind": "kind", "name": "name", str(lrn): "before", f"{other}": "after"}
    show.listing(found, columns, f"{lrn} and {other} have the same")


@boot.command("find")
@click.option("--deb", default="", help="Who has this package.")
@click.option("--image", default="", help="Who runs this image: its name, with or without the tag.")
@click.option("--version", default="", help="Of this version alone.")
def find(deb: str, image: str, version: str) -> None:
    """Who has a package, or runs an image."""
    if bool(deb) == bool(image):
        raise Invalid("", "name a package with --deb, or an image with --image")
    found = client().items("installed", deb=deb, image=image, version=version)
    show.listing(found, _HOLDERS, f"no boot server has {deb or image} {version}".rstrip())


def _board(board: Mapping[str, Any]) -> None:
    """Users beside those that the last playbook left."""
    told = "not looked at yet" if board["answers"] is None else board["reason"] or f"power {board['power']}"
    show.facts([("board", f"{board['address']}, {board['protocol']}"), ("state", told)])
    drift = {one["user"]: one["before"] or "not there" for one in board["drift"]}
    names = sorted({*board["users"], *drift})
    rows = [(name, board["users"].get(name, "not there"), drift.get(name, "")) for name in names]
    show.table(("user", "privilege", "is to be"), rows)


_SERVERS = {"lrn": "lrn", "nodes": "nodes", "addresses": "addresses", "on": "on"}
_HOLDERS = {"lrn": "lrn", "name": "name", "version": "version"}
