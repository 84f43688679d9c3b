"""`moorage route`: which hosts and paths lead to which application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client


@click.group(cls=lazy.Group)
def route() -> None:
    """Routes: what applications expose, and where it leads."""


@route.command("list")
def list_() -> None:
    """Every host and path that is exposed, and the containers that are asked now."""
    found = client().items("routes")
    if lazy.wants_json():
        show.listing(found, _COLUMNS, "")
        return
    show.listing([{**one, "containers": [_told(c) for c in one["containers"]]} for one in found], _COLUMNS, _NONE)


def _told(container: Mapping[str, Any]) -> str:
    return f"{container['node']}:{container['port']}"


_COLUMNS = {"url": "url", "application": "application", "containers": "containers"}
_NONE = "no application exposes anything"
