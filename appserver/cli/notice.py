"""`moorage notice`: what is told of updates of boot servers, and whether it arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client

_CHANNEL = click.Choice(["slack", "webhook", "mail"])


@click.group(cls=lazy.Group)
def notice() -> None:
    """Notices of updates: which arrived, and whether they would."""


@notice.command("list")
@click.option("--undelivered", is_flag=True, help="Those alone that did not arrive, or not yet.")
def list_(undelivered: bool) -> None:
    """Notices of the last week and of the last update, newest first."""
    found = client().items("notices", undelivered="true" if undelivered else "")
    if lazy.wants_json():
        show.listing(found, _COLUMNS, "")
        return
    rows = [
        {**one, "channel": sending["channel"], "state": sending["state"], "reason": sending["reason"]}
        for one in found
        for sending in (one["sendings"] or [{"channel": "", "state": "new", "reason": ""}])
    ]
    show.listing(rows, _COLUMNS, "every notice arrived" if undelivered else "nothing was told yet")


@notice.command("test")
@click.option("--channel", type=_CHANNEL, help="This one alone; otherwise all that are configured.")
def test(channel: str | None) -> None:
    """Send a test to the channels that `moorage config set` names, and say what came of it."""
    found = client().post("notices", "test", body={"channel": channel or ""})["items"]
    if lazy.wants_json():
        show.as_json(found)
    else:
        for one in found:
            show.say(_told(one))
    if not all(one["ok"] for one in found):
        raise click.exceptions.Exit(1)


@notice.command("resend")
@click.argument("name")
@click.option("--channel", type=_CHANNEL, help="On this one alone; otherwise on all that did not get it.")
def resend(name: str, channel: str | None) -> None:
    """Send notice NAME again where it was given up, or where nobody knows whether it arrived."""
    client().post("notices", name, "resend", body={"channel": channel or ""})
    show.done(f"notice {name} is sent again", name=name, state="pending")


def _told(one: Mapping[str, Any]) -> str:
    reason = f": {one['reason']}" if one["reason"] else ""
    return f"{one['channel']}: {'sent' if one['ok'] else 'not sent'}{reason}"


_COLUMNS = {"notice": "name", "version": "version", "channel": "channel", "state": "state", "why": "reason"}
