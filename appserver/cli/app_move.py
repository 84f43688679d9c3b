"""An application to another cluster: the plan, and the move followed to its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import follow, plans, show
from appserver.cli.arguments import App, app_argument, client, confirmed, person_is_here, wait_option, yes_option
from appserver.cli.client import Client
from appserver.cli.lazy import Command, wants_json
from appserver.cli.problems import ServerFailed, Unreachable

_LOOK_S = 0.5
_OVER = frozenset({"done", "failed"})

Plan = Mapping[str, Any]


@click.command(cls=Command)
@app_argument
@click.option("--to", required=True, metavar="CLUSTER", help="Where it goes; it keeps its name.")
@click.option("--dry-run", is_flag=True, help="Show the plan alone; exit 3 when changes are pending.")
@click.option("--diff", is_flag=True, help="Show the difference of the effective project, secrets masked.")
@click.option("--plan-token", default="", help="Apply the plan of this token and no other.")
@yes_option
@wait_option
def move(app: App, to: str, dry_run: bool, diff: bool, plan_token: str, yes: bool, wait: bool) -> int:
    """Move it to another cluster, of either kind.

    It comes up there first, with the same files and the same images by digest. Once it has, it is removed here.
    Where it does not come up, nothing changes here, and what was begun there is removed. Volumes stay behind with
    their data.
    """
    server = client()
    if dry_run:
        found = server.post(*app.path, "move", body={"to": to, "dry_run": True})
        show.as_json(found) if wants_json() else _print_plan(found, diff)
        return plans.exit_of(found)
    token = plan_token
    if person_is_here() and not yes:
        found = server.post(*app.path, "move", body={"to": to, "dry_run": True})
        _print_plan(found, diff, err=wants_json())
        if not confirmed("Move it?"):
            raise click.Abort
        token = token or found["token"]
    begun = server.post(*app.path, "move", body={"to": to, "token": token})
    last = _follow(server, app, begun) if wait else begun
    if wants_json():
        show.as_json(last)
    elif not wait:
        show.say(f"under way: {last['application']} to {to}")
    elif last["state"] == "done":
        show.say(f"done: {app} is in {to}", "green")
    else:
        show.say(f"failed: {last['step']}", "red", err=True)
        follow.causes(last["causes"])
    return 1 if last["state"] == "failed" else 0


def _follow(server: Client, app: App, last: Plan) -> Plan:
    """Its state at the end; what it is at is told meanwhile.

    Raises:
        Unreachable: the server was away for too long; the move goes on without it.
    """
    told, heard = "", time.monotonic()
    try:
        while last["state"] not in _OVER:
            if last["step"] != told and not wants_json():
                show.say(told := last["step"])
            time.sleep(_LOOK_S)
            try:
                last = server.get(*app.path, "move")
                heard = time.monotonic()
            except (Unreachable, ServerFailed):  # it stops or starts, or another takes its place
                if time.monotonic() - heard > follow.GIVE_UP_S:
                    raise
    except KeyboardInterrupt:
        show.note(f"\nit goes on without you: moorage app show {last['becomes'].replace('.', '/')}")
        raise
    return last


def _print_plan(plan: Plan, diff: bool, err: bool = False) -> None:
    for warning in plan["warnings"]:
        show.say(f"warning: {warning}", "yellow", err=True)
    for step in plan["steps"]:
        subject, cause = show.clean(step["subject"]), show.clean(step["cause"])
        click.echo(f"{subject}: {show.styled(step['action'])} — {cause}", err=err)
        for change in step["changes"]:
            show.say(f"  {_change(change)}", err=err)
    for route in plan["routes"]:
        show.say(f"{route}: changes hands once it is answered in {plan['to']}", err=err)
    here = plan["application"].partition(".")[0]
    for one in plan["behind"]:
        what = "volume" if one["kind"] == "volume" else "directory"
        show.say(f"{what} {one['name']} stays behind in {here}: its data is not copied", err=err)
    if plan["stopped"]:
        show.say("it is stopped, and stays so", err=err)
    if diff:
        plans.print_diff(plan["diff"], err)


def _change(change: Mapping[str, Any]) -> str:
    if change["before"] is None:
        return f"{change['option']}: {change['after']}"
    if change["after"] is None:
        return f"{change['option']}: {change['before']} is left out"
    return f"{change['option']}: {change['before']} → {change['after']}"
