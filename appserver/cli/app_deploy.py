"""Plan, deploy, put back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from appserver.cli import follow, overrides, plans, show
from appserver.cli.arguments import (
    App,
    app_argument,
    client,
    confirmed,
    person_is_here,
    reason_option,
    wait_option,
    yes_option,
)
from appserver.cli.client import Client
from appserver.cli.lazy import Command, wants_json
from appserver.cli.problems import Refused
from appserver.cli.project import gather

_STALE = 409
_TRIES = 3

F = Callable[..., Any]


def _request_options(command: F) -> F:
    """What a plan and a deployment are made from."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_OPTIONS = (
    click.option("-f", "--file", "files", type=_FILE, multiple=True, help="Compose file; a later one wins."),
    click.option("--env-file", "env_files", type=_FILE, multiple=True, help="Instead of the project's .env."),
    click.option("--set", "settings", multiple=True, metavar="SERVICE.OPTION=VALUE", help="The strongest layer."),
    click.option("--profile", "profiles", multiple=True, help="Compose profile to be active."),
    click.option("--with", "also", multiple=True, metavar="PATH", help="One more file of the project."),
    click.option("--source", default="config", show_default=True, help="Configuration source of its git layer."),
    reason_option,
)


@click.command(cls=Command)
@app_argument
@_request_options
@click.option("--diff", is_flag=True, help="Show the difference of the effective project, secrets masked.")
def plan(app: App, diff: bool, **given: Any) -> int:
    """What a deployment would do, and why.

    Changes nothing. Exit code 3 when there is something to do, 0 when not.
    """
    found = client().post("applications", "plan", body=_request(app, **given))
    if wants_json():
        show.as_json(found)
    else:
        plans.print_plan(found, diff)
        if found["changed"]:
            show.note(f"apply exactly this with --plan-token {found['token']}")
    return plans.exit_of(found)


@click.command(cls=Command)
@app_argument
@_request_options
@click.option("--plan-token", default="", help="Apply the plan of this token and no other.")
@yes_option
@wait_option
def deploy(app: App, plan_token: str, yes: bool, wait: bool, **given: Any) -> int:
    """Bring an application to what its compose files say.

    At a terminal the plan is shown and asked about first; elsewhere it is applied at once. Follows the roll-out to
    its end; when it fails, the revision before is put back and the reasons are printed.
    """
    server, request = client(), _request(app, **given)

    def planned() -> Any:
        return server.post("applications", "plan", body={**request, "token": plan_token})

    def applied(token: str) -> Any:
        return server.post("applications", body={**request, "token": token})

    return _apply(server, planned, applied, plan_token, yes, wait)


@click.command(cls=Command)
@app_argument
@click.argument("revision", type=click.IntRange(min=1))
@reason_option
@click.option("--plan-token", default="", help="Apply the plan of this token and no other.")
@click.option("--dry-run", is_flag=True, help="Show the plan alone; exit 3 when there is something to do.")
@yes_option
@wait_option
def rollback(app: App, revision: int, reason: str, plan_token: str, dry_run: bool, yes: bool, wait: bool) -> int:
    """Put REVISION back: the same images by digest, the same configuration, the same environment."""
    server, request = client(), {"revision": revision, "reason": reason}

    def planned() -> Any:
        return server.post(*app.path, "rollback", body={**request, "token": plan_token, "dry_run": True})

    def applied(token: str) -> Any:
        return server.post(*app.path, "rollback", body={**request, "token": token})

    if dry_run:
        found = planned()
        show.as_json(found) if wants_json() else plans.print_plan(found)
        return plans.exit_of(found)
    return _apply(server, planned, applied, plan_token, yes, wait)


def _request(
    app: App,
    files: tuple[Path, ...],
    env_files: tuple[Path, ...],
    settings: tuple[str, ...],
    profiles: tuple[str, ...],
    also: tuple[str, ...],
    source: str,
    reason: str,
) -> dict[str, object]:
    project = gather(files, env_files, also)
    for remark in project.notes:
        show.note(f"note: {remark}")
    return {
        "cluster": app.cluster,
        "name": app.name,
        **project.to_json(),
        "profiles": list(profiles),
        "overrides": overrides.parse(settings),
        "source": source,
        "reason": reason,
    }


def _apply(
    server: Client, planned: Callable[[], Any], applied: Callable[[str], Any], token: str, yes: bool, wait: bool
) -> int:
    """Plan, ask where somebody can be asked, apply what was planned, follow it to its end."""
    plan, operation = _agreed(planned, applied, token, asks=person_is_here() and not yes)
    code = 0
    if operation and wait:
        operation, code = follow.finish(server, operation)
    if wants_json():
        show.as_json({"changed": operation is not None, "plan": plan, "operation": operation})
    elif operation is None:
        plans.print_plan(plan)
    elif wait:
        follow.report(operation, f"{operation['application']} is at revision {operation['revision']}")
    else:
        show.say(f"under way: {operation['id']}")
    return code


def _agreed(planned: Callable[[], Any], applied: Callable[[str], Any], token: str, asks: bool) -> tuple[Any, Any]:
    """The plan, and the operation that carries it out; None for it when nothing is to do.

    A plan that went stale before anybody saw it is made anew; one that a person agreed to never is.
    """
    for tries_left in reversed(range(_TRIES)):
        plan = planned()
        if not plan["changed"]:
            break
        if asks:
            plans.print_plan(plan, err=wants_json())
            if not confirmed("Apply this?"):
                raise click.Abort
        try:
            operation = applied(plan["token"])
        except Refused as error:
            if error.status != _STALE or asks or token or not tries_left:
                raise
            continue
        if "state" not in operation:  # somebody else did the same meanwhile: what came back is an empty plan
            return operation, None
        if not asks and not wants_json():
            plans.print_plan(plan)
        return plan, operation
    return plan, None
