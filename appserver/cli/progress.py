"""Progress for people at a terminal: the services as they are now, drawn in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from appserver.cli.show import COLOURS, clean


def live(states: Iterator[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Draw each state over the one before; the last one stays, and is returned."""
    last: Mapping[str, Any] = {}
    with Live(console=Console(), refresh_per_second=8, transient=False) as display:
        for last in states:
            display.update(_drawn(last))
        display.update(_services(last))
    return last


def _drawn(operation: Mapping[str, Any]) -> Group:
    return Group(_services(operation), Spinner("dots", Text(clean(operation["step"] or operation["state"]), "dim")))


def _services(operation: Mapping[str, Any]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, show_header=False, show_edge=False, pad_edge=False)
    for service in operation["services"]:
        health = service["health"] if service["health"] != "none" else ""
        action = service["action"] if service["action"] != "none" else ""
        cells = (service["name"], service["state"], health, action, service["cause"])
        shown.add_row(*(Text(clean(cell), COLOURS.get(cell, "")) for cell in cells))
    return shown
