"""`moorage boot`: what boot servers have installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client
from appserver.cli.play import play
from appserver.errors import Invalid, NotFound


@click.group(cls=lazy.Group)
def boot() -> None:
    """Boot servers: what has each, where do they differ, who still has what."""


boot.add_command(play)


@boot.command("list")
def list_() -> None:
    """All boot servers, by their numbers."""
    show.listing(client().items("bootservers"), _SERVERS, "no boot server is on record")


@boot.command("show")
@click.argument("lrn")
def show_(lrn: str) -> None:
    """One boot server, with its board, what changed there last, its containers and packages.

    LRN is its number, or the name of its node.
    """
    found = client().get("bootservers", _number(lrn))
    if lazy.wants_json():
        show.as_json(found)
        return
    power = "on" if found["on"] else "off"
    show.facts([("boot server", found["lrn"]), ("power", power), ("nodes", found["nodes"])])
    if found["bmc"]:
        click.echo()
        _board(found["bmc"])
    click.echo()
    if found["changes"]:
        rows = [(show.short_time(c["at"]), c["name"], c["before"] or "-", c["after"] or "-") for c in found["changes"]]
        show.table(("changed at", "what", "before", "after"), rows)
    else:
        show.say("nobody has changed anything by hand, as far back as there are events")
    for kind in ("containers", "debs"):
        click.echo()
        show.table((kind, "version"), sorted(found[kind].items()))


@boot.command("power")
@click.argument("lrn")
@click.argument("action", type=click.Choice(["on", "off", "cycle"]))
def power_(lrn: str, action: str) -> None:
    """Switch the host of a boot server, by its board: `off` is at once, without asking the system on it."""
    number = _number(lrn)
    found = client().post("bootservers", number, "power", body={"action": action})
    if lazy.wants_json():
        show.as_json(found)
    else:
        click.echo(f"boot server {number} was {found['before']}, and is asked to power {action}")


@boot.command("retire")
@click.argument("lrn")
def retire(lrn: str) -> None:
    """Take a number off the record that no host has any more.

    Refused while a node has it: a host that is there is retired by playbooks/retire.yml. One that got another lrn loses
    its old one by playbooks/site.yml.
    """
    number = _number(lrn)
    client().delete("bootservers", number)
    show.done(f"boot server {number} is off the record", lrn=int(number), state="retired")


@boot.command("diff")
@click.argument("lrn")
@click.argument("other")
def diff(lrn: str, other: str) -> None:
    """What OTHER has otherwise than LRN: numbers, or names of nodes."""
    one, two = _number(lrn), _number(other)
    found = client().items("bootservers", one, "differences", two)
    columns = {"kind": "kind", "name": "name", one: "before", two: "after"}
    show.listing(found, columns, f"{one} and {two} have the same")


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


def _number(told: str) -> str:
    """Of the boot server that is told by its number, or by the name of its node.

    Raises:
        NotFound: it is neither.
    """
    if told.isdecimal():
        return str(int(told))
    for server in client().items("bootservers"):
        if told in server["nodes"]:
            return str(server["lrn"])
    raise NotFound(f"{told} is neither the number of a boot server nor the name of its node: see moorage boot list")


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
