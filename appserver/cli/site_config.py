"""`moorage config get, set, unset`: the configuration of the site. A secret is never an argument."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client, person_is_here
from appserver.cli.reading import read_text
from appserver.core.site_config import Setting, find
from appserver.core.site_kinds import MOST_TEXT
from appserver.errors import Invalid

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(cls=lazy.Command)
@click.argument("key", default="")
def get(key: str) -> None:
    """What KEY is, or all of the site's configuration: values, and who set them. Secrets are shown as ***."""
    if not key:
        found = client().items("config")
        show.listing(found if lazy.wants_json() else list(map(_row, found)), _COLUMNS, "nothing can be configured")
        return
    one = client().get("config", *key.split("/"))
    if lazy.wants_json():
        show.as_json(one)
        return
    if one["value"] is not None:
        show.say(one["value"])
    show.note(f"{one['key']}: {_by(one)}")
    if one["fault"]:
        show.note(f"what stands there does not count: it {one['fault']}")


@click.command("set", cls=lazy.Command)
@click.argument("key")
@click.argument("values", nargs=-1, metavar="[VALUE]...")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the value from standard input.")
@click.option("--file", "path", type=_FILE, help="Read the value from a file.")
def set_(key: str, values: tuple[str, ...], from_stdin: bool, path: Path | None) -> None:
    """Set KEY to VALUE; several of them are lines. A secret is asked for, or read with --stdin or --file."""
    setting = find(key)
    given = _given(setting, values, from_stdin, path)
    answer = client().put("config", *setting.key.split("/"), body={"value": given})
    if lazy.wants_json():
        show.as_json(answer)
    else:
        show.say(f"{answer['key']} is {'set to ' if answer['changed'] else 'already '}{answer['value']}")


@click.command(cls=lazy.Command)
@click.argument("key")
def unset(key: str) -> None:
    """Take KEY out: its default holds again, if it has one."""
    answer = client().delete("config", *find(key).key.split("/"))
    if lazy.wants_json():
        show.as_json(answer)
        return
    holds = f"; its default holds: {answer['value']}" if answer["value"] is not None else ""
    show.say(f"{answer['key']} {'is' if answer['changed'] else 'was'} not set{holds}")


def _given(setting: Setting, values: tuple[str, ...], from_stdin: bool, path: Path | None) -> str:
    """The value, by the one way it was given."""
    if bool(values) + from_stdin + bool(path) > 1:
        raise Invalid("", "give the value once: as an argument, with --stdin, or with --file")
    if path:
        return read_text(path, str(path), MOST_TEXT)
    if from_stdin:
        return sys.stdin.read(MOST_TEXT + 1)
    if values and setting.kind.sealed(values[0]):
        raise Invalid(
            setting.key, "is secret, and an argument can be seen by others: use --stdin, --file or the prompt"
        )
    if len(values) > 1 and not setting.kind.lines:
        raise Invalid(setting.key, "has one value; quote it if there are blanks in it")
    return "\n".join(values) if values else _asked(setting)


def _asked(setting: Setting) -> str:
    if not person_is_here():
        raise Invalid(setting.key, "no value is given, and nobody is here to be asked: use --stdin or --file")
    hidden = setting.kind.sealed("")
    return str(click.prompt(setting.key, hide_input=hidden, confirmation_prompt=hidden, err=True))


def _row(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**one, "by": _by(one)}


def _by(one: Mapping[str, Any]) -> str:
    """Whose word it is."""
    if one["origin"] == "set":
        by = one["set_by"] or "set by another program"
        return f"{by}, {show.short_time(one['set_at'])}" if one["set_at"] else by
    return {"unset": "not set"}.get(one["origin"], str(one["origin"]))


_COLUMNS = {"key": "key", "value": "value", "set by": "by"}
