"""The edge of the simulation: files and a clock."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from appserver.core.placement.rank import STRATEGIES
from appserver.core.placement.simulate.replay import replay
from appserver.core.placement.simulate.trace import read_nodes, read_requests
from appserver.errors import Invalid

_T = TypeVar("_T")


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 2 where the caller has something to mend."""
    parser = argparse.ArgumentParser(
        prog="python -m appserver.core.placement.simulate", description="Replay arrivals and departures over nodes."
    )
    parser.add_argument("--nodes", type=Path, required=True, help="CSV: name,cpus,memory,labels")
    parser.add_argument("--requests", type=Path, required=True, help="CSV: name,cpus,memory,labels,arrival,departure")
    parser.add_argument("--strategy", choices=STRATEGIES, default="spread")
    parser.add_argument("--seed", type=int, default=0, help="of the strategy random")
    parser.add_argument("--repair", action="store_true", help="move up to three containers for one that finds no room")
    parser.add_argument("--numpy", action="store_true", help="without Numba, though it is there")
    parser.add_argument("--json", action="store_true", help="print one object")
    chosen = parser.parse_args(arguments)
    try:
        nodes, visits = _read(chosen.nodes, read_nodes), _read(chosen.requests, read_requests)
        report = replay(
            nodes,
            visits,
            chosen.strategy,
            time.perf_counter,
            chosen.seed,
            False if chosen.numpy else None,
            chosen.repair,
        )
    except Invalid as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{json.dumps({**asdict(report), 'rate': round(report.rate)}) if chosen.json else report}\n")
    return 0


def _read(path: Path, parsed: Callable[[Iterable[str], str], _T]) -> _T:
    """
    Raises:
        Invalid: the file cannot be read, or is not what it should be.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return parsed(lines, path.name)
    except UnicodeDecodeError:
        raise Invalid(path.name, "is not UTF-8") from None
    except OSError as error:
        raise Invalid(str(path), error.strerror or "cannot be read") from None


if __name__ == "__main__":
    sys.exit(main())
