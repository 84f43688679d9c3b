"""Printing: JSON for programs, aligned lines for pipes, colour and tables for people. Strangers' text stays text."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from appserver.cli.lazy import wants_json

COLOURS: Mapping[str, str] = {
    **dict.fromkeys(("running", "healthy", "done", "deployed", "ok", "on", "create", "start"), "green"),
    **dict.fromkeys(("deploying", "stopping", "removing", "starting", "recreate", "pending", "superseded"), "yellow"),
    **dict.fromkeys(("queued", "cancelled"), "yellow"),
    **dict.fromkeys(("degraded", "unknown", "off", "refused", "WARNING", "in progress"), "yellow"),
    **dict.fromkeys(("failed", "unhealthy", "exited", "dead", "remove", "lost", "ERROR"), "red"),
    **dict.fromkeys(("stopped", "none", "unchanged"), "bright_black"),
}
"""A word that stands for a state, and how a terminal shows it."""

_UNSEEN = re.compile(r"\x1b\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def on_terminal() -> bool:
    """Whether a person looks at what is printed."""
    return sys.stdout.isatty()


def say(text: str = "", colour: str = "", err: bool = False) -> None:
    """One or more lines. Nothing in them moves the cursor or changes the terminal."""
    shown = clean(text)
    click.echo(click.style(shown, fg=colour) if colour else shown, err=err)


def log_line(line: str) -> None:
    """A line of a container: its colours are kept, the rest of its control characters shown."""
    click.echo(_UNSEEN.sub(lambda found: found[0] if found[0].startswith("\x1b[") else _shown(found), line))


def note(text: str) -> None:
    """A remark beside the answer: to standard error, so that it never mixes with it."""
    say(text, err=True)


def clean(text: str) -> str:
    """Text whose control characters are written out, save for line ends and tabs."""
    return _UNSEEN.sub(_shown, text)


def as_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def done(text: str, **facts: object) -> None:
    """A change that went well: a sentence for people, the facts for programs."""
    if wants_json():
        as_json(facts)
    else:
        say(text)


def listing(items: Sequence[Mapping[str, Any]], columns: Mapping[str, str], empty: str) -> None:
    """A list as the API gives it.

    Args:
        columns: heading to the field's name; `a.b` is a field within a field.
        empty: what to say to people when there is nothing.
    """
    if wants_json():
        as_json({"items": list(items)})
    elif not items:
        note(empty)
    else:
        table(list(columns), [[text(field(item, name)) for name in columns.values()] for item in items])


def value(entry: Mapping[str, Any], owner: str = "") -> None:
    """One value as the API explains it: its origin, and below it what it hides."""
    name = ".".join(filter(None, (owner, entry["option"], entry.get("key", ""))))
    say(f"{name} = {_told(entry)}  from {entry['source']}")
    for hidden in entry["hides"]:
        say(f"    hides {_told(hidden)}  from {hidden['source']}", "bright_black")


def _told(entry: Mapping[str, Any]) -> str:
    """As its author would write it, where that differs from how it is kept: `512M`."""
    return str(entry["text"]) if "text" in entry else json.dumps(entry["value"], ensure_ascii=False)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], err: bool = False) -> None:
    """Columns two blanks apart; a terminal narrower than they are gets them wrapped, but for what goes to `err`."""
    lines = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    if on_terminal() and not err:
        _rich_table(headings, lines)
        return
    for line in aligned([[heading.upper() for heading in headings], *lines]):
        click.echo(line, err=err)


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of equal length as lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """`name  value` lines of one thing; what is empty is left out."""
    told = [(name, text(value)) for name, value in pairs if text(value)]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        first, *more = clean(value).split("\n")
        click.echo(f"{click.style(name.ljust(width), dim=True)}  {styled(first)}")
        for line in more:
            click.echo(f"{'':{width}}  {line}")


def styled(word: str) -> str:
    """The word in its colour, where it is one that has one."""
    return click.style(word, fg=COLOURS[word]) if word in COLOURS else word


def field(item: Mapping[str, Any], name: str) -> object:
    """The field `a`, or `b` of the field `a` for `a.b`; None where it is missing."""
    found: Any = item
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def text(value: object) -> str:
    """A JSON value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value)
    return short_time(value) if isinstance(value, str) else str(value)


def short_time(value: str) -> str:
    """`2026-11-21T07:40:09.123456+00:00` as `2026-11-21 07:40:09Z`; other text as it is."""
    found = _TIME.fullmatch(value)
    return f"{found[1]} {found[2]}Z" if found else value


def size(memory: object) -> str:
    """Bytes as `512.0 MiB`."""
    if not isinstance(memory, int | float):
        return ""
    amount, units = float(memory), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.1f} {units[0]}"


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")


def _shown(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # only people wait for it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    Console().print(shown)
