"""An update as lines of text: what each server did when, one character for some seconds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from appserver.core.rollout_views import spoken

WIDTH = 60
_MARKS = "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WAITS, _FAILED = ".", "x"


def chart(run: Mapping[str, Any], servers: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[str]:
    """
    Args:
        servers: each with `lrn` and `tries`, as the API has them.
        now: the end of what has none.
    """
    began = datetime.fromisoformat(run["began_at"])
    ended = datetime.fromisoformat(run["ended_at"]) if run["ended_at"] else now
    whole = max((ended - began).total_seconds(), 1.0)
    names = ", ".join(f"{mark(step['step'])} {step['name']}" for step in run["steps"])
    yield f"steps: {names}; {_WAITS} waits, {_FAILED} failed; {spoken(whole / WIDTH)} a character"
    width = max((len(str(one["lrn"])) for one in servers), default=1)
    for one in servers:
        yield f"{one['lrn']:>{width}} {_line(one['tries'], began, ended, whole)}"


def mark(step: int) -> str:
    return _MARKS[(step - 1) % len(_MARKS)]


def _line(tries: Sequence[Mapping[str, Any]], began: datetime, now: datetime, whole: float) -> str:
    cells = [_WAITS] * WIDTH
    for one in tries:
        first = (datetime.fromisoformat(one["began_at"]) - began).total_seconds() / whole
        last_at = datetime.fromisoformat(one["ended_at"]) if one["ended_at"] else now
        last = (last_at - began).total_seconds() / whole
        start = min(max(int(first * WIDTH), 0), WIDTH - 1)
        end = min(max(int(last * WIDTH), start), WIDTH - 1)
        for cell in range(start, end + 1):
            cells[cell] = mark(one["step"])
        if one["phase"] == "failed":
            cells[end] = _FAILED
    return "".join(cells)
