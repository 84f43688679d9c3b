"""`moorage node`: the hosts that run agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client, confirmed
from appserver.cli.node_metrics import metrics


@click.group(cls=lazy.Group)
def node() -> None:
    """Nodes: who is on, how healthy, what is promised there."""


@node.command("list")
@click.option("--cluster", default="", help="Of this cluster alone.")
def list_(cluster: str) -> None:
    """All nodes."""
    found = client().items("nodes", cluster=cluster)
    shown = found
    if not lazy.wants_json():
        shown = [{**n, "power": "on" if n["on"] else "off", "why": _why(n)} for n in found]
    show.listing(shown, _COLUMNS, "no nodes yet: run `moorage agent` on a host")


@node.command("show")
@click.argument("name")
def show_(name: str) -> None:
    """One node: engine, conditions, what is promised to whom."""
    found = client().get("nodes", name)
    if lazy.wants_json():
        show.as_json(found)
        return
    engine, reserved = found["engine"] or {}, found["reserved"]
    show.facts(
        [
            ("node", found["name"]),
            ("power", "on" if found["on"] else "off"),
            ("healthy", found["healthy"]),
            ("placing", _placing(found)),
            ("lost since", found["lost_since"]),
            ("handshake", " ".join(part for part in (found["handshake"], found["ip"]) if part)),
            ("address", found["address"]),
            ("cluster", found["cluster"]),
            ("lrn", found["lrn"] if found["lrn"] >= 0 else ""),
            ("labels", found["labels"]),
            ("engine", engine.get("version")),
            ("compose", engine.get("compose_version")),
            ("swarm", engine.get("swarm")),
            ("cpus", f"{reserved['cpus']} of {engine.get('cpus', '?')} promised"),
            ("memory", f"{show.size(reserved['memory'])} of {show.size(engine.get('memory')) or '?'} promised"),
            ("in use", _in_use(found["in_use"])),
            ("ports", reserved["ports"]),
            ("applications", found["applications"]),
            ("placements", found["placements"]),
        ]
    )
    for condition in found["conditions"]:
        mark = click.style("ok", fg="green") if condition["ok"] else click.style("bad", fg="red")
        since = show.short_time(condition["since"])
        click.echo(f"{mark}  {show.clean(condition['name'])} since {since}  {show.clean(condition['reason'])}".rstrip())


node.add_command(metrics)


@node.command()
@click.argument("wanted", required=False, type=click.Choice(["recovery", "new"]))
def mode(wanted: str | None) -> None:
    """How nodes begin that were up before: shown, or set.

    `recovery`, the default: what is wanted of the node is looked at once more before it counts as up. `new`: as a node
    that was never here. Neither deletes anything. A node that is new begins as one in either mode.
    """
    found = client().put("start-up", body={"mode": wanted}) if wanted else client().get("start-up")
    if lazy.wants_json():
        show.as_json(found)
        return
    states = ", ".join(f"{number} {state}" for state, number in found["states"].items())
    facts = [("mode", found["mode"]), ("leader", found["leader"] or "none"), ("nodes", f"{found['known']} known")]
    show.facts([*facts, ("handshakes", states)])


@node.command()
@click.argument("name")
@click.option("--reason", default="", help="For those who look at it.")
def cordon(name: str, reason: str) -> None:
    """Place nothing new on it. What is there stays."""
    _told(client().post("nodes", name, "cordon", body={"reason": reason}))


@node.command()
@click.argument("name")
@click.option("--reason", default="", help="For those who look at it.")
@click.option("--plan", is_flag=True, help="Show what would go where, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drain(name: str, reason: str, plan: bool, yes: bool) -> int:
    """Place what is there elsewhere, and nothing new on it. Shows the plan first.

    Ends with 1 where an application stays because it finds no other place.
    """
    server = client()
    if plan or not yes:
        found = server.post("nodes", name, "drain", body={"reason": reason, "dry_run": True})
        if plan:
            return _moves(found, name, 3)
        _shown(found["items"], name, err=lazy.wants_json())  # programs read the outcome alone
        if not confirmed(f"Drain {name}?"):
            raise click.Abort
    return _moves(server.post("nodes", name, "drain", body={"reason": reason}), name, 0)


@node.command()
@click.argument("name")
def undrain(name: str) -> None:
    """Let it take applications again: of one that is cordoned or drained. What left does not come back by itself."""
    _told(client().post("nodes", name, "undrain", body={}))


@node.command()
@click.argument("name")
def retire(name: str) -> None:
    """Take a node that is gone for good off the record.

    Refused while its agent runs, and while an application is wanted there. A boot server is retired as a whole by
    playbooks/retire.yml, which has it leave etcd too.
    """
    client().delete("nodes", name)
    if lazy.wants_json():
        show.as_json({"name": name, "state": "retired"})
    else:
        click.echo(f"{name} is retired")


def _told(found: Mapping[str, Any]) -> None:
    if lazy.wants_json():
        show.as_json(found)
    else:
        show.say(f"{found['name']}: {_placing(found) or 'takes applications'}")


def _moves(found: Mapping[str, Any], name: str, pending: int) -> int:
    """Exit code: `pending` where there is something to move."""
    moves = found["items"]
    show.as_json(found) if lazy.wants_json() else _shown(moves, name)
    if any(one["refused"] for one in moves):
        return 1
    return pending if moves else 0


def _shown(moves: Sequence[Mapping[str, Any]], name: str, err: bool = False) -> None:
    if not moves:
        show.note(f"no application is wanted on {name}")
        return
    told = [[one["application"], ", ".join(one["nodes"]), one["refused"]] for one in moves]
    show.table(["application", "is then on", "stays, because"], told, err)


def _in_use(told: Mapping[str, Any] | None) -> str:
    return f"{told['cpus']:g} cores, {show.size(told['memory'])}" if told else ""


def _placing(found: Mapping[str, Any]) -> str:
    cordon = found["cordon"]
    if not cordon:
        return ""
    told = f"{'drained' if cordon['drain'] else 'cordoned'} by {cordon['by']}"
    return f"{told}: {cordon['reason']}" if cordon["reason"] else told


def _why(found: Mapping[str, Any]) -> str:
    bad = (f"{c['name']}: {c['reason']}" for c in found["conditions"] if not c["ok"])
    return "; ".join(filter(None, (_placing(found), *bad)))


_COLUMNS = {
    "name": "name",
    "power": "power",
    "healthy": "healthy",
    "handshake": "handshake",
    "cluster": "cluster",
    "engine": "engine.version",
    "applications": "applications",
    "why": "why",
}
