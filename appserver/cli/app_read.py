"""Looking at applications."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import follow, plans, show
from appserver.cli.arguments import App, app_argument, client
from appserver.cli.lazy import Command, wants_json
from appserver.cli.usage import print_usage
from appserver.errors import NodeError


@click.command("list", cls=Command)
@click.option("--cluster", default="", help="Of this cluster alone.")
def list_(cluster: str) -> None:
    """All applications and how they are."""
    found = client().items("applications", cluster=cluster)
    if wants_json():
        show.as_json({"items": found})
        return
    if not found:
        show.note("no applications yet: moorage app deploy NAME -f compose.yaml")
        return
    rows = [
        [a["name"], a["cluster"], a["state"], f"{a['up']}/{a['of']}", str(a["revision"]), a["node"], _why(a)]
        for a in found
    ]
    show.table(["name", "cluster", "state", "up", "revision", "node", "why"], rows)


@click.command(cls=Command)
@app_argument
def usage(app: App) -> None:
    """What one container of each service asks for, beside what containers of its image used in the last weeks."""
    found = client().items(*app.path, "usage")
    if wants_json():
        show.as_json({"items": found})
    else:
        print_usage(found)


@click.command("show", cls=Command)
@app_argument
def show_(app: App) -> None:
    """One application: services, health, ports, drift."""
    found = client().get(*app.path)
    if wants_json():
        show.as_json(found)
        return
    revision = str(found["revision"]) + (f" → {found['wanted']}" if found["wanted"] != found["revision"] else "")
    show.facts(
        [
            ("application", f"{found['cluster']}/{found['name']}"),
            ("state", found["state"]),
            ("why", found["reason"]),
            ("revision", revision),
            ("node", found["node"]),
            ("source", found["source"]),
            ("created", found["created_at"]),
            ("changed", found["changed_at"]),
            ("operation", found["operation"]),
        ]
    )
    if len(found["copies"]) > 1:
        click.echo()
        show.table(["copy on", "agent", "revision", "phase", "now"], [_copy(one) for one in found["copies"]])
    if found["services"]:
        click.echo()
        columns = ["service", "state", "health", "ports", "containers"]
        show.table(columns, [[show.text(s[name]) for name in _SERVICE] for s in found["services"]])
    if known := [one for one in client().items(*app.path, "usage") if one["used"]]:
        click.echo()
        print_usage(known)
    for drift in found["drift"]:
        show.say(f"drift: {_drift(drift)}", "yellow")
    follow.causes(found["causes"])


@click.command(cls=Command)
@app_argument
@click.option("--service", default="", help="Of this service alone.")
@click.option("--option", default="", help="This option alone, as `mem_limit`.")
@click.option("--revision", type=click.IntRange(min=1), help="Of this revision; by default the one in force.")
def explain(app: App, service: str, option: str, revision: int | None) -> None:
    """Every value of every service: who says so, and the weaker values it hides."""
    found = client().get(*app.path, "explain", service=service, option=option, revision=revision)
    if wants_json():
        show.as_json(found)
        return
    for warning in found["warnings"]:
        show.say(f"warning: {warning}", "yellow", err=True)
    if not found["items"]:
        show.note("no such value")
    for entry in found["items"]:
        show.value(entry, entry["service"])


@click.command(cls=Command)
@app_argument
@click.argument("revision", type=click.IntRange(min=1), required=False)
def history(app: App, revision: int | None) -> None:
    """Its revisions, newest first; or REVISION in full, secrets masked."""
    if revision is None:
        found = client().items(*app.path, "revisions")
        show.listing(found if wants_json() else [_line(entry) for entry in found], _HISTORY, "no revisions")
        return
    one = client().get(*app.path, "revisions", str(revision))
    if wants_json():
        show.as_json(one)
        return
    names = ("number", "author", "at", "reason", "outcome", "commits", "images", "digest")
    show.facts([*((name, one[name]) for name in names), ("restores", one["restores"] or "")])
    follow.causes(one["causes"])
    show.say(f"\n{one['project']}".rstrip())


@click.command(cls=Command)
@app_argument
def drift(app: App) -> int:
    """What is there against what is wanted. Exit code 3 when they differ, 0 when not, 1 when it is not known."""
    seen = client().get(*app.path)
    if seen["state"] == "unknown":
        raise NodeError(f"drift of {app} is not known: {seen['reason']}")
    found = seen["drift"]
    if wants_json():
        show.as_json({"items": found})
    elif not found:
        show.say(f"no drift: {app} is as wanted")
    for entry in () if wants_json() else found:
        show.say(_drift(entry))
    return plans.PENDING if found else 0


@click.command(cls=Command)
@app_argument
@click.argument("service", required=False, default="")
@click.option("-n", "--tail", type=click.IntRange(0, 10_000), default=100, show_default=True, help="Lines of each.")
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on as lines come; with one service.")
@click.option("--since", default="", help="ISO 8601, as 2026-11-21T07:30:00Z.")
def logs(app: App, service: str, tail: int, follows: bool, since: str) -> None:
    """Lines from its containers, or those of SERVICE."""
    lines = client().lines(*app.path, "logs", service=service, tail=str(tail), follow=follows, since=since)
    for line in lines:
        if wants_json():
            name, _, text = line.partition(" | ")
            click.echo(json.dumps({"container": name, "line": text}, ensure_ascii=False))
        else:
            show.log_line(line)


_SERVICE = ("name", "state", "health", "ports", "containers")
_HISTORY = {
    "": "mark",
    "revision": "number",
    "outcome": "outcome",
    "author": "author",
    "at": "at",
    "commits": "commits",
    "reason": "reason",
}


def _line(revision: Mapping[str, Any]) -> Mapping[str, Any]:
    commits = {source: commit[:12] for source, commit in revision["commits"].items()}
    return {**revision, "commits": commits, "mark": "*" if revision["in_force"] else ""}


def _why(app: Mapping[str, Any]) -> str:
    reason = str(app["reason"])
    return reason if len(reason) <= 60 else reason[:59] + "…"


def _drift(entry: Mapping[str, Any]) -> str:
    return f"{entry['service']}: {entry['what']} {entry['before']} → {entry['after']}"


def _copy(copy: dict[str, Any]) -> list[str]:
    revision = str(copy["revision"]) + (f" → {copy['wanted']}" if copy["wanted"] != copy["revision"] else "")
    return [copy["node"], "on" if copy["on"] else "away", revision, copy["phase"], copy["step"]]
