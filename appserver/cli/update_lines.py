"""Updates of boot servers, as the command line tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from appserver.cli import show
from appserver.cli.update_chart import chart
from appserver.core.rollout_views import spoken


def print_standing(found: Mapping[str, Any]) -> None:
    """How it stands now: the updater's next move, each server, the chart of what is under way."""
    request, run = found["request"], found["update"]
    show.say(f"process: {found['process']}")
    show.say(f"release: {found['release'] or 'none yet'}")
    if request:
        show.say(f"version: {request['version']}, started {show.short_time(request['started_at'])}")
    show.say(f"next: {found['next']['action']}: {found['next']['reason']}")
    process = found["process"]
    rows = [(str(one["lrn"]), one["node"] or "", at(one, process), one["message"] or "") for one in found["servers"]]
    show.table(("server", "node", "at", "message"), rows)
    if run:
        for line in chart(run, [one for one in found["servers"] if one["lrn"] in run["servers"]], datetime.now(UTC)):
            show.say(line)
    for one in found["servers"]:
        _failures(one)
    for line in found["undelivered"]:
        show.say(f"warning: {line}", "yellow", err=True)


def at(one: Mapping[str, Any], process: str) -> str:
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


def print_run(found: Mapping[str, Any]) -> None:
    """A whole update: the chart, and what each server did when."""
    show.say(run_line(found))
    for line in chart(found, found["progress"], datetime.now(UTC)):
        show.say(line)
    for one in found["progress"]:
        for attempt in one["tries"]:
            show.say(f"{one['lrn']} {_did(attempt)}")
        _failures(one)


def run_line(run: Mapping[str, Any]) -> str:
    ended = datetime.fromisoformat(run["ended_at"]) if run["ended_at"] else datetime.now(UTC)
    took = spoken((ended - datetime.fromisoformat(run["began_at"])).total_seconds())
    told = f"update {run['id']} to {run['version']} ({run['cause']}): {run['outcome']}, {took}"
    return told + (f": {run['why']}" if run["why"] else "")


def step_line(step: Mapping[str, Any]) -> str:
    scope = {"one": "one server at a time", "once": f"once, {step['target']}"}.get(step["scope"], "all servers")
    waves = f", first {', then '.join(map(str, step['waves']))}" if step["waves"] else ""
    return f"  {step['step']} {step['name']}: {step['playbook']}, {scope}{waves}"


def _failures(one: Mapping[str, Any]) -> None:
    for attempt in one["tries"]:
        if attempt["phase"] == "failed":
            show.say(f"server {one['lrn']}, try {attempt['attempt']}: {attempt['why']}", "red")
            for line in attempt["output"]:
                show.log_line(f"  {line}")


def _did(attempt: Mapping[str, Any]) -> str:
    """One server's try at a step."""
    began = datetime.fromisoformat(attempt["began_at"])
    ended = datetime.fromisoformat(attempt["ended_at"]) if attempt["ended_at"] else datetime.now(UTC)
    again = f", try {attempt['attempt']}" if attempt["attempt"] > 1 else ""
    told = (
        f"step {attempt['step']} {attempt['name']}{again}: {attempt['phase']}, {show.short_time(attempt['began_at'])}"
    )
    return f"{told}, {spoken((ended - began).total_seconds())}, {attempt['tasks']} tasks, {attempt['changed']} changed"
