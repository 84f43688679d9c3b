"""`moorage update`: the boot servers, brought to a release in lock-step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client, confirmed, wait_option, yes_option
from appserver.cli.plans import PENDING
from appserver.cli.update_chart import chart
from appserver.cli.update_release import COMMANDS
from appserver.core.rollout_views import spoken

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
            show.say(_step(step))
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
            _print(found)
        time.sleep(_AGAIN_S)
        found = api.get("updates", "status")
    if lazy.wants_json():
        show.as_json(found)
    else:
        _print(found)
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
    show.say(_run(found))
    for line in chart(found, found["progress"], datetime.now(UTC)):
        show.say(line)
    for one in found["progress"]:
        for attempt in one["tries"]:
            show.say(f"{one['lrn']} {_did(attempt)}")
        _failures(one)


def _did(attempt: Mapping[str, Any]) -> str:
    """One server's try at a step."""
    began = datetime.fromisoformat(attempt["began_at"])
    ended = datetime.fromisoformat(attempt["ended_at"]) if attempt["ended_at"] else datetime.now(UTC)
    again = f", try {attempt['attempt']}" if attempt["attempt"] > 1 else ""
    told = (
        f"step {attempt['step']} {attempt['name']}{again}: {attempt['phase']}, {show.short_time(attempt['began_at'])}"
    )
    return f"{told}, {spoken((ended - began).total_seconds())}, {attempt['tasks']} tasks, {attempt['changed']} changed"


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
            show.done(_run(run), id=run["id"], outcome=run["outcome"])
            return 0 if run["outcome"] == "completed" else 1
        idle = found["process"] == "completed" and (not run or run["id"] <= before)
        if idle and found["request"]["version"] == version:
            show.done(f"all servers are at {version}", outcome="completed")
            return 0
        waits = found["next"]["reason"] if found["next"]["action"] == "wait-for-info" else ""
        told = waits or "; ".join(f"{one['lrn']}: {_at(one, found['process'])}" for one in found["servers"])
        if told != said and not lazy.wants_json():
            said = told
            show.note(told)
        if waits.startswith(f"{version} waits: "):
            show.note("it begins when that is over")
            return PENDING
        time.sleep(_AGAIN_S)


def _print(found: Mapping[str, Any]) -> None:
    request, run = found["request"], found["update"]
    show.say(f"process: {found['process']}")
    show.say(f"release: {found['release'] or 'none yet'}")
    if request:
        show.say(f"version: {request['version']}, started {show.short_time(request['started_at'])}")
    show.say(f"next: {found['next']['action']}: {found['next']['reason']}")
    process = found["process"]
    rows = [(str(one["lrn"]), one["node"] or "", _at(one, process), one["message"] or "") for one in found["servers"]]
    show.table(("server", "node", "at", "message"), rows)
    if run:
        for line in chart(run, [one for one in found["servers"] if one["lrn"] in run["servers"]], datetime.now(UTC)):
            show.say(line)
    for one in found["servers"]:
        _failures(one)
    for line in found["undelivered"]:
        show.say(f"warning: {line}", "yellow", err=True)


def _at(one: Mapping[str, Any], process: str) -> str:
    """A server's condition, its step by name, and what it does there. On record as running is also who waits."""
    last = one["tries"][-1] if one["tries"] else None
    condition = one["condition"]
    if condition == "running" and not one["busy"]:
        condition = "waits" if process == "running" else "ended early"
    told = f"step {one['step']}, {condition}" if one["step"] else condition
    if one["gone"]:
        told += ", its agent is gone"
    if last and last["phase"] == "running" and one["busy"]:
        told += f": {last['name']}" + (f", {last['task']}" if last["task"] else "")
    return told


def _failures(one: Mapping[str, Any]) -> None:
    for attempt in one["tries"]:
        if attempt["phase"] == "failed":
            show.say(f"server {one['lrn']}, try {attempt['attempt']}: {attempt['why']}", "red")
            for line in attempt["output"]:
                show.log_line(f"  {line}")


def _run(run: Mapping[str, Any]) -> str:
    ended = datetime.fromisoformat(run["ended_at"]) if run["ended_at"] else datetime.now(UTC)
    took = spoken((ended - datetime.fromisoformat(run["began_at"])).total_seconds())
    told = f"update {run['id']} to {run['version']} ({run['cause']}): {run['outcome']}, {took}"
    return told + (f": {run['why']}" if run["why"] else "")


def _step(step: Mapping[str, Any]) -> str:
    scope = {"one": "one server at a time", "once": f"once, {step['target']}"}.get(step["scope"], "all servers")
    waves = f", first {', then '.join(map(str, step['waves']))}" if step["waves"] else ""
    return f"  {step['step']} {step['name']}: {step['playbook']}, {scope}{waves}"


_COLUMNS = {
    "update": "id",
    "version": "version",
    "cause": "cause",
    "servers": "servers",
    "began": "began",
    "outcome": "outcome",
    "why": "why",
}
