"""`moorage update`: the boot servers, brought to a release in lock-step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client, confirmed, wait_option, yes_option
from appserver.cli.plans import PENDING
from appserver.cli.update_lines import at, print_run, print_standing, run_line, step_line
from appserver.cli.update_release import COMMANDS

_AGAIN_S = 0.5
_CHANGES = ("request-update", "reconfigure", "request-stop")
_NUMBER = click.IntRange(min=1, max=99_999_999)


@click.group(cls=lazy.Group)
def update() -> None:
    """Boot servers in lock-step: each step of a release on all of them before the next begins."""


for release_command in COMMANDS:
    update.add_command(release_command)


@update.command()
@click.argument("version", default="")
@click.option("--older", is_flag=True, help="It may be older than what is in force, as with rollback.")
def plan(version: str, older: bool) -> int:
    """What the updater would do now, or asked for VERSION, and why. Exit status 3: it would change something."""
    found = client().get("updates", "plan", version=version or None, older=older or None)
    if lazy.wants_json():
        show.as_json(found)
    else:
        show.say(f"{found['action']}: {found['reason']}")
        for warning in found["warnings"]:
            show.say(f"warning: {warning}", "yellow", err=True)
        for step in found["steps"]:
            show.say(step_line(step))
    return PENDING if found["action"] in _CHANGES else 0


@update.command()
@click.argument("version", default="")
@wait_option
def request(version: str, wait: bool) -> int:
    """Update to VERSION now, whatever channel and window say, unless frozen; without one, to what is there."""
    return _asked({"version": version}, wait)


@update.command()
@click.argument("version")
@yes_option
@wait_option
def rollback(version: str, yes: bool, wait: bool) -> int:
    """Go back to VERSION, an older release that is kept: all of its steps are run."""
    if not yes and not confirmed(f"Bring all boot servers back to {version}?"):
        return 2
    return _asked({"version": version, "older": True}, wait)


@update.command()
@click.option("-w", "--watch", is_flag=True, help="Again and again, until it is over.")
def status(watch: bool) -> int:
    """How far the update is: each server's step, condition and reason, and what it did when."""
    api = client()
    found = api.get("updates", "status")
    while watch and found["process"] == "running":
        if not lazy.wants_json():
            click.clear()
            print_standing(found)
        time.sleep(_AGAIN_S)
        found = api.get("updates", "status")
    if lazy.wants_json():
        show.as_json(found)
    else:
        print_standing(found)
    return 1 if found["process"] == "aborted" else 0


@update.command()
@click.option("--reason", default="", help="Why; kept in the history.")
def stop(reason: str) -> None:
    """Stop the update: what runs is ended within seconds, and nothing new begins."""
    client().post("updates", "stop", body={"reason": reason})
    show.done("the update is stopped; `moorage update recover`, `retry` or `undo` goes on", state="stopped")


@update.command()
def recover() -> None:
    """Forget a stopped update: the updater begins anew, with the boot servers that there are."""
    client().post("updates", "recover")
    show.done("the update is recovered; the updater begins anew", state="recovered")


@update.command()
def retry() -> None:
    """Take a stopped update up at the first step that not all servers were through with."""
    found = client().post("updates", "retry")
    show.done(f"update {found['id']} to {found['version']} begins at step {found['first']}", id=found["id"])


@update.command()
@yes_option
def undo(yes: bool) -> int:
    """Take back what was begun of a stopped update, where its steps say how; its release is put aside."""
    if not yes and not confirmed("Take back what was begun of the update?"):
        return 2
    found = client().post("updates", "undo")
    steps = ", ".join(step["name"] for step in found["steps"])
    show.done(f"update {found['id']} takes it back to {found['version']}: {steps}", id=found["id"])
    return 0


@update.command()
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most.")
def history(limit: int) -> None:
    """Updates, newest first."""
    found = client().items("updates", limit=limit)
    shown = found if lazy.wants_json() else [{**one, "began": show.short_time(one["began_at"])} for one in found]
    show.listing(shown, _COLUMNS, "there was no update yet")


@update.command("show")
@click.argument("number", type=_NUMBER)
def show_(number: int) -> None:
    """One update: its steps, and what each server did when."""
    found = client().get("updates", str(number))
    if lazy.wants_json():
        show.as_json(found)
        return
    print_run(found)


def _asked(body: Mapping[str, Any], wait: bool) -> int:
    api = client()
    before = api.get("updates", "status")["update"]
    version = api.post("updates", "request", body=body)["version"]
    show.note(f"update to {version} is asked for")
    if api.get("updates", "status")["process"] == "aborted":
        show.note("the update before it is stopped: `moorage update recover` begins with this one")
        return 0
    if not wait:
        return 0
    return _followed(version, before["id"] if before else 0)


def _followed(version: str, before: int) -> int:
    """Until the update that begins now is over; one that is there already is."""
    api, said = client(), ""
    while True:
        found = api.get("updates", "status")
        run = found["update"]
        if run and run["id"] > before and run["outcome"] != "running":
            show.done(run_line(run), id=run["id"], outcome=run["outcome"])
            return 0 if run["outcome"] == "completed" else 1
        idle = found["process"] == "completed" and (not run or run["id"] <= before)
        if idle and found["request"]["version"] == version:
            show.done(f"all servers are at {version}", outcome="completed")
            return 0
        waits = found["next"]["reason"] if found["next"]["action"] == "wait-for-info" else ""
        told = waits or "; ".join(f"{one['lrn']}: {at(one, found['process'])}" for one in found["servers"])
        if told != said and not lazy.wants_json():
            said = told
            show.note(told)
        if waits.startswith(f"{version} waits: "):
            show.note("it begins when that is over")
            return PENDING
        time.sleep(_AGAIN_S)


_COLUMNS = {
    "update": "id",
    "version": "version",
    "cause": "cause",
    "servers": "servers",
    "began": "began",
    "outcome": "outcome",
    "why": "why",
}
