"""What nodes measured of themselves and of applications: asked of their agents, who keep it. Nothing is kept here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from appserver.core.access import Caller, require
from appserver.core.entities import AppKey, Application
from appserver.core.fleet import Node
from appserver.core.metrics import FIELDS, Subject
from appserver.core.metrics_fold import Line
from appserver.core.metrics_range import MOST_POINTS, Asked, asked
from appserver.errors import Invalid, NodeError, NotFound
from appserver.ports import KV, Clock, Nodes
from appserver.store import keys
from appserver.store.records import read

_AT_ONCE = 8
_MOST_LINES = 20_000


@dataclass(frozen=True, slots=True)
class Range:
    """Which time, in the words of whoever asks; `core.metrics_range.asked` says which. Empty: the last hour."""

    start: str = ""
    end: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one node answered. The i-th number of each line is of the time from `start` + i × `step_s` on."""

    node: str
    start: datetime
    end: datetime
    step_s: int
    lines: tuple[Line, ...]

    def to_json(self) -> Mapping[str, object]:
        return {
            "node": self.node,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "step": self.step_s,
            "lines": [
                {
                    "kind": line.subject.kind,
                    "name": line.subject.name,
                    "application": line.subject.application,
                    "service": line.subject.service,
                    "field": line.field,
                    "unit": line.unit,
                    "mean": line.means,
                    "peak": line.peaks,
                }
                for line in self.lines
            ],
        }


@dataclass(frozen=True, slots=True)
class OfApplication:
    """One answer of each node that has a part in it; `away`: node to why it gave none."""

    parts: tuple[Measured, ...]
    away: Mapping[str, str]

    def to_json(self) -> Mapping[str, object]:
        return {"items": [part.to_json() for part in self.parts], "away": dict(self.away)}


class Measurements:
    def __init__(self, *, kv: KV, nodes: Nodes, clock: Clock) -> None:
        self._kv = kv
        self._nodes = nodes
        self._clock = clock

    def node(self, caller: Caller, name: str, wanted: Range, kinds: Sequence[str] = ()) -> Measured:
        """
        Args:
            kinds: of `core.metrics.FIELDS`; empty: all.
        Raises:
            NotFound: there is no such node. NodeError: its agent is away.
            Invalid: the range or a kind is none.
        """
        require(caller, "R", f"node:{name}")
        for kind in kinds:
            if kind not in FIELDS:
                raise Invalid("kind", f"{kind[:40]!r} is none of {', '.join(FIELDS)}")
        times = self._asked(wanted)
        if read(self._kv, keys.node(name), Node) is None:
            raise NotFound(f"there is no node {name}")
        return self._ask(name, times, {"kind": ",".join(kinds)})

    def application(self, caller: Caller, key: AppKey, wanted: Range) -> OfApplication:
        """Its containers, wherever they are.

        Raises:
            NotFound: there is no such application. NodeError: none of its nodes answers.
            Invalid: the range is none.
        """
        require(caller, "R", f"application:{key}")
        times = self._asked(wanted)
        stored = read(self._kv, keys.application(key), Application)
        if stored is None:
            raise NotFound(f"there is no application {key}")
        parts: list[Measured] = []
        away: dict[str, str] = {}
        query = {"kind": "container", "application": str(key)}
        with ThreadPoolExecutor(_AT_ONCE, "metrics") as pool:
            answers = {name: pool.submit(self._ask, name, times, query) for name in sorted(stored.record.nodes)}
        for name, answer in answers.items():
            try:
                parts.append(answer.result())
            except NodeError as error:
                away[name] = str(error)
        if away and not parts:
            raise NodeError("; ".join(away.values()))
        return OfApplication(tuple(parts), away)

    def _asked(self, wanted: Range) -> Asked:
        return asked(self._clock.now(), wanted.start, wanted.end, wanted.step)

    def _ask(self, name: str, times: Asked, query: Mapping[str, str]) -> Measured:
        span = {"from": str(times.start), "to": str(times.end), "step": str(times.step_s)}
        told = self._nodes.metrics(name, {**span, **query})
        try:
            return _measured(name, told)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise NodeError(f"node {name}: its answer cannot be understood") from error


def _measured(name: str, told: Mapping[str, Any]) -> Measured:
    """What an agent says, as far as it is what was asked for."""
    start, end, step = (int(told[part]) for part in ("from", "to", "step"))
    many = len(range(start, end, step))
    if many > MOST_POINTS or len(told["lines"]) > _MOST_LINES:
        raise ValueError("longer than it may be")
    lines = tuple(_line(one, many) for one in told["lines"])
    return Measured(name, datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), step, lines)


def _line(told: Mapping[str, Any], many: int) -> Line:
    names = [str(told[part])[:400] for part in ("name", "application", "service")]
    kind = next(kind for kind in FIELDS if kind == told["kind"]) if told["kind"] in FIELDS else None
    if kind is None:
        raise ValueError("a kind that nobody knows")
    means, peaks = (
        tuple(None if number is None else float(number) for number in told[part]) for part in ("mean", "peak")
    )
    if len(means) != many or len(peaks) != many:
        raise ValueError("not as many numbers as there are times")
    return Line(Subject(kind, *names), str(told["field"]), str(told["unit"]), means, peaks)
