"""`moorage node metrics`: what a node measured, a line for each number, with its course."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client
from appserver.core.metrics_words import amount

_WIDTH = 40
_BARS = "▁▂▃▄▅▆▇█"
_SHOWN: Mapping[str, tuple[str, ...]] = {
    "node": ("cpu", "iowait", "memory", "swap", "load1"),
    "disk": ("used", "inodes_used"),
    "device": ("read", "written", "busy"),
    "network": ("received", "sent", "faults"),
    "container": ("cpu", "memory", "received", "sent", "pids"),
}
"""What people are shown, in this order; programs get all."""
_OF: Mapping[tuple[str, str], str] = {
    ("node", "cpu"): "cpus",
    ("node", "memory"): "memory_total",
    ("node", "swap"): "swap_total",
    ("disk", "used"): "size",
    ("disk", "inodes_used"): "inodes",
    ("container", "memory"): "memory_limit",
}
"""What a number is a part of."""


@click.command(cls=lazy.Command)
@click.argument("name")
@click.option("--since", default="1h", show_default=True, help="How far back: 90m, 24h, or a time.")
@click.option("--until", default="", help="Until then; the same words. Default: now.")
@click.option("--step", default="", help="Time that one number stands for, such as 5m. Default: what fits.")
@click.option("--kind", default="", help="Of node, disk, device, network, container; several parted by commas.")
def metrics(name: str, since: str, until: str, step: str, kind: str) -> None:
    """What a node and its containers used: now, on average, at most, and how it went."""
    query = {"from": _ago(since), "to": _ago(until), "step": step, "kind": kind}
    found = client().get("nodes", name, "metrics", **query)
    if lazy.wants_json():
        show.as_json(found)
        return
    rows = list(_rows(found["lines"]))
    if not rows:
        show.note(f"{name} measured nothing in that time")
        return
    show.table(("what", "number", "now", "of", "mean", "peak", "course"), rows)


def sparkline(numbers: Sequence[float | None], width: int = _WIDTH) -> str:
    """A bar for each part of the time, from 0 to the greatest; a blank where nothing is known."""
    parts = [_mean(numbers[len(numbers) * i // width : len(numbers) * (i + 1) // width]) for i in range(width)]
    if len(numbers) < width:
        parts = list(numbers)
    top = max((part for part in parts if part is not None), default=0.0)
    return "".join(" " if part is None else _BARS[round(part / top * (len(_BARS) - 1)) if top else 0] for part in parts)


def _rows(lines: Sequence[Mapping[str, Any]]) -> Iterable[Sequence[str]]:
    known = {(line["kind"], line["name"], line["field"]): line for line in lines}
    subjects = sorted(
        {(line["kind"], line["name"]) for line in lines}, key=lambda one: (list(_SHOWN).index(one[0]), one)
    )
    for kind, name in subjects:
        for field in _SHOWN[kind]:
            line = known.get((kind, name, field))
            if line is None or not any(line["mean"]):
                continue
            unit, means, peaks = line["unit"], line["mean"], line["peak"]
            whole = known.get((kind, name, _OF.get((kind, field), "")))
            most = max((peak for peak in peaks if peak is not None), default=None)
            yield (
                f"{kind} {name}".rstrip(),
                field,
                amount(_last(means), unit),
                amount(_last(whole["mean"]) or None, unit) if whole else "",
                amount(_mean(means), unit),
                amount(most, unit),
                sparkline(means),
            )


def _last(numbers: Sequence[float | None]) -> float | None:
    return next((number for number in reversed(numbers) if number is not None), None)


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) / len(known) if known else None


def _ago(text: str) -> str:
    """`1h` is an hour ago for people; the API wants that said."""
    return f"-{text}" if text[-1:].isalpha() and text[:1].isdigit() and not text.endswith("Z") else text
