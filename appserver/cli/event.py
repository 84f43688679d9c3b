"""`moorage event`: the news of the buses."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client
from appserver.cli.client import Client
from appserver.cli.problems import ServerFailed, Unreachable, from_response

_AGAIN_S = 1.0


@click.command(cls=lazy.Command)
@click.option("-f", "--follow", is_flag=True, help="Go on as events come.")
@click.option("--bus", default="", help="Of this bus alone; bus.cluman.errors has all from WARNING up.")
@click.option("--subject", default="", help="About this alone.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most.")
def event(follow: bool, bus: str, subject: str, limit: int) -> None:
    """What happened, newest first; with --follow oldest first, and then what comes."""
    server = client()
    found = server.items("events", limit=limit, bus=bus, subject=subject)
    if not follow:
        show.listing(found, _COLUMNS, "nothing yet")
        return
    for entry in reversed(found):
        _print(entry)
    _follow(server, bus, subject)


def _follow(server: Client, bus: str, subject: str) -> None:
    """Until interrupted; a server that goes away is waited for."""
    after, told = "", False
    while True:
        try:
            for news in server.events("events", after=after, bus=bus):
                told = False
                if news is None:
                    continue
                entry = json.loads(news.data)
                if news.name == "error":
                    raise from_response(entry["status"], "json", news.data.encode())
                after = news.id
                if subject in ("", entry["subject"]):
                    _print(entry)
        except (Unreachable, ServerFailed) as error:
            if not told:
                show.note(f"{error}; waiting for it")
            told = True
        time.sleep(_AGAIN_S)


def _print(entry: Mapping[str, Any]) -> None:
    if lazy.wants_json():
        click.echo(json.dumps(entry, ensure_ascii=False))
        return
    severity = show.styled(entry["severity"])
    rest = f"{entry['bus'].removeprefix('bus.cluman.')} {entry['action']} {entry['subject']}: {entry['message']}"
    click.echo(f"{show.short_time(entry['at'])} {severity} {show.clean(rest)}")


_COLUMNS = {
    "at": "at",
    "severity": "severity",
    "bus": "bus",
    "action": "action",
    "subject": "subject",
    "user": "user",
    "message": "message",
}
