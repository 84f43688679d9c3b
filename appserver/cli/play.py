"""`moorage boot play`: playbooks run by the app server, on the hosts of its inventory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from appserver.cli import lazy, play_follow, show
from appserver.cli.arguments import client, confirmed, reason_option, wait_option, yes_option
from appserver.cli.reading import read_text
from appserver.errors import Invalid
from image_config import yaml_safe
from image_config.errors import ConfigError

_NUMBER = click.IntRange(min=1, max=99_999_999)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_PENDING = 3


@click.group(cls=lazy.Group)
def play() -> None:
    """Playbooks that the app server runs: one at a time on each host, with a record of every run."""


@play.command()
def playbooks() -> None:
    """What may be run."""
    found = client().items("playbooks")
    if not lazy.wants_json():
        found = [{**one, "told": one["error"] or one["title"]} for one in found]
    show.listing(found, {"playbook": "name", "tags": "tags", "about": "told"}, "the app server has no playbooks")


@play.command()
def inventory() -> None:
    """The hosts that `--limit` may name, and their groups."""
    show.listing(client().items("inventory"), {"host": "name", "groups": "groups"}, "the inventory has no hosts")


@play.command("list")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most.")
def list_(limit: int) -> None:
    """Runs, newest first."""
    found = client().items("plays", limit=limit)
    shown = found if lazy.wants_json() else [{**one, "on": _hosts(one)} for one in found]
    show.listing(shown, _COLUMNS, "no playbook was run yet")


@play.command("show")
@click.argument("number", type=_NUMBER)
def show_(number: int) -> None:
    """One run: what was asked for, how each host went."""
    found = client().get("plays", str(number))
    if lazy.wants_json():
        show.as_json(found)
        return
    show.facts(
        [
            ("play", found["id"]),
            ("playbook", found["playbook"] + (" (check)" if found["check"] else "")),
            ("state", found["state"]),
            ("why", found["why"]),
            ("task", found["task"]),
            *((name, found[name]) for name in ("limit", "tags", "skip_tags", "reason", "by")),
            *((name, show.short_time(found[name] or "")) for name in ("at", "began_at", "ended_at")),
            ("variables", json.dumps(found["extra_vars"], ensure_ascii=False) if found["extra_vars"] else ""),
            ("app server", found["server"]),
        ]
    )
    click.echo()
    show.table(_COUNTS, [[show.text(host[name]) for name in _COUNTS] for host in found["hosts"]])


@play.command()
@click.argument("playbook")
@click.option("-l", "--limit", multiple=True, help="Hosts and groups, parted by commas; `!name` leaves one out.")
@click.option("-t", "--tags", multiple=True, help="Tasks with one of these alone.")
@click.option("--skip-tags", multiple=True, help="No task with one of these.")
@click.option("-C", "--check", is_flag=True, help="Only tell what would change. Exit code 3: something would.")
@click.option("-D", "--diff", is_flag=True, help="Show what changes within files.")
@click.option("-e", "--extra-vars", multiple=True, metavar="NAME=VALUE|@FILE", help="Variables; a value is YAML.")
@click.option(
    "--secret-file", multiple=True, metavar="NAME=FILE", help="A variable whose value is a secret, read from a file."
)
@reason_option
@wait_option
def run(
    playbook: str,
    limit: tuple[str, ...],
    tags: tuple[str, ...],
    skip_tags: tuple[str, ...],
    check: bool,
    diff: bool,
    extra_vars: tuple[str, ...],
    secret_file: tuple[str, ...],
    reason: str,
    wait: bool,
) -> int:
    """Run PLAYBOOK, as site.yml. It begins when no other run has one of its hosts."""
    secrets = dict(_secret(word) for word in secret_file)
    given: dict[str, Any] = {}
    for word in extra_vars:
        given |= _variables(word)
    asked = {
        "playbook": playbook,
        "limit": _words(limit),
        "tags": _words(tags),
        "skip_tags": _words(skip_tags),
        "check": check,
        "diff": diff,
        "extra_vars": {**given, **secrets},
        "secrets": list(secrets),
        "reason": reason,
    }
    server = client(_ASK_S)
    begun = server.post("plays", body=asked)
    if not wait:
        show.done(f"play {begun['id']} is asked for", **begun)
        return 0
    if not lazy.wants_json():
        show.note(f"play {begun['id']}{': ' + begun['why'] if begun['why'] else ''}")
    return _concluded(play_follow.follow(server, begun["id"]))


@play.command()
@click.argument("number", type=_NUMBER)
@click.option("-f", "--follow", is_flag=True, help="Go on as it comes, to the end; exit code as that of `run`.")
@click.option("-n", "--tail", type=click.IntRange(min=0), default=0, help="The last lines; 0: all that are kept.")
def output(number: int, follow: bool, tail: int) -> int:
    """What it said."""
    server = client()
    if follow:
        return _concluded(play_follow.follow(server, number))
    lines = list(server.lines("plays", str(number), "output", tail=tail))
    if lazy.wants_json():
        show.as_json({"items": lines})
    else:
        for line in lines:
            show.log_line(line)
    return 0


@play.command()
@click.argument("number", type=_NUMBER)
@yes_option
@wait_option
def cancel(number: int, yes: bool, wait: bool) -> None:
    """End it: Ansible is killed, and what it started on the hosts."""
    if not (yes or confirmed(f"Cancel play {number}?")):
        raise click.Abort
    server = client()
    found = server.post("plays", str(number), "cancel")
    if wait:
        found = play_follow.ended(server, number)
    show.done(f"play {number}: {found['why'] or found['state']}", **found)


def _concluded(found: dict[str, Any]) -> int:
    """Say how it ended; the exit code."""
    if lazy.wants_json():
        show.as_json(found)
    else:
        colour = "green" if found["state"] == "done" else "red"
        told = found["why"] or f"{found['changed']} {'would change' if found['check'] else 'changed'}"
        show.say(f"play {found['id']}: {found['state']}, {told}", colour, err=found["state"] != "done")
    if found["state"] != "done":
        return 1
    return _PENDING if found["check"] and found["changed"] else 0


def _words(given: tuple[str, ...]) -> list[str]:
    return [word for text in given for word in text.replace(",", " ").split()]


def _variables(word: str) -> dict[str, Any]:
    """`name=value`, or `@file` of a mapping."""
    if word.startswith("@"):
        found = _yaml(read_text(Path(word[1:]), word[1:]), word[1:])
        if not isinstance(found, dict):
            raise Invalid(word[1:], "is to hold `name: value` lines")
        return found
    name, equals, text = word.partition("=")
    if not equals:
        raise Invalid("extra-vars", f"{word!r} is not NAME=VALUE or @FILE")
    return {name: _yaml(text, name)}


def _secret(word: str) -> tuple[str, str]:
    name, equals, path = word.partition("=")
    if not equals:
        raise Invalid("secret-file", f"{word!r} is not NAME=FILE")
    return name, read_text(Path(path), path).rstrip("\n")


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml_safe.load(text, where)
    except ConfigError as error:
        raise Invalid(where, str(error)) from error


def _hosts(found: dict[str, Any]) -> str:
    names = [host["host"] for host in found["hosts"]]
    return names[0] if len(names) == 1 else f"{len(names)} hosts"


_ASK_S = 150.0
"""Ansible itself is asked what a playbook is for, which takes its time on a busy host."""
_COUNTS = ("host", "ok", "changed", "failed", "unreachable", "skipped", "left")
_COLUMNS = {
    "play": "id",
    "state": "state",
    "playbook": "playbook",
    "on": "on",
    "check": "check",
    "changed": "changed",
    "by": "by",
    "at": "at",
    "why": "why",
}
