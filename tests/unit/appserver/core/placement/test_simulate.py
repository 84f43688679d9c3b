"""A trace is replayed; a slip in it is told with its line."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from appserver.core.placement.simulate.replay import replay
from appserver.core.placement.simulate.trace import read_nodes, read_requests
from appserver.errors import Invalid

NODES = ["name,cpus,memory,labels", "a,4,4096,zone=a;ssd", "b,4,4G,zone=b"]
HEAD = "name,cpus,memory,labels,arrival,departure"


def run(requests: list[str], strategy: str = "binpack", repairing: bool = False):  # type: ignore[no-untyped-def]
    ticks = count()
    visits = read_requests([HEAD, *requests])
    return replay(
        read_nodes(NODES), visits, strategy, lambda: float(next(ticks)), accelerated=False, repairing=repairing
    )


def test_a_trace_is_counted() -> None:
    """Nodes used and lower bound when most is asked for, what was lost, how fast."""
    found = run(["x,2,1024,,0,10", "y,2,1024,,1,10", "z,3,1024,,2,10", "w,3,1024,,3,", "late,3,1024,zone=a,20,30"])
    assert (found.requests, found.refused, found.nodes_used, found.lower_bound) == (5, 1, 2, 2)
    assert found.lost == pytest.approx((3 / 8 + 1 / 8) / (13 / 8 + 5 / 8))
    assert found.rate == 1.0
    assert "lost demand    22.22%" in str(found)


def test_who_leaves_makes_room_at_that_moment() -> None:
    """Departures come before arrivals of the same second."""
    assert run(["x,4,1,,0,5", "y,4,1,,0,9", "z,4,1,,5,6"]).refused == 0
    assert run(["x,4,1,,0,5", "y,4,1,,0,9", "z,4,1,,4.9,6"]).refused == 1


def test_labels_and_expressions_are_asked_of_nodes() -> None:
    """`ssd` and `zone=a` as words, `zone!=a` as an expression."""
    assert run(["x,1,1,ssd;zone=a,0,", "y,1,1,zone!=a,0,", "z,1,1,ssd;zone==b,0,"]).refused == 1


def test_repair_finds_room() -> None:
    """What spread left in pieces is put together."""
    trace = ["x,1.5,1,,0,", "y,1.5,1,,0,", "z,3,1,,1,"]
    assert run(trace, "spread").refused == 1
    found = run(trace, "spread", repairing=True)
    assert (found.refused, found.moves) == (0, 1)


@pytest.mark.parametrize(
    ("lines", "where", "why"),
    [
        ([], "requests.csv:1", "is not name,cpus"),
        (["name,cpu"], "requests.csv:1", "is not name,cpus"),
        ([HEAD], "requests.csv", "has no rows"),
        ([HEAD, "x,1,1,,0"], "requests.csv:2", "has 5 cells, not 6"),
        ([HEAD, "x,1,1,,0,", "", "y,1,1,,0,"], "requests.csv:3", "has 0 cells"),
        ([HEAD, "x,1,1,,0,", "x,1,1,,0,"], "requests.csv:3", "'x' is in line 2 already"),
        ([HEAD, ",1,1,,0,"], "requests.csv:2: name", "is empty"),
        ([HEAD, "x\x00,1,1,,0,"], "requests.csv:2", ""),
        ([HEAD, "x,one,1,,0,"], "requests.csv:2: cpus", "'one' is not a number"),
        ([HEAD, "x,,1,,0,"], "requests.csv:2: cpus", "'' is not a number"),
        ([HEAD, "x,-1,1,,0,"], "requests.csv:2: cpus", "is not between"),
        ([HEAD, "x,nan,1,,0,"], "requests.csv:2: cpus", "is not between"),
        ([HEAD, "x,1,1Q,,0,"], "requests.csv:2: memory", "is not a size"),
        ([HEAD, "x,1,1,a==/(b+)+/,0,"], "requests.csv:2: labels", "repeats a group"),
        ([HEAD, "x,1,1,,soon,"], "requests.csv:2: arrival", "'soon' is not a number of seconds"),
        ([HEAD, "x,1,1,,inf,"], "requests.csv:2: arrival", "is not a number of seconds"),
        ([HEAD, "x,1,1,,5,5"], "requests.csv:2: departure", "is not after the arrival"),
        ([HEAD, 'x,1,1,"a,0,'], "requests.csv:2", "is not CSV"),
    ],
)
def test_a_slip_is_told_with_its_line(lines: list[str], where: str, why: str) -> None:
    """File, line and reason; nothing is guessed and nothing left out."""
    with pytest.raises(Invalid) as refused:
        read_requests(lines)
    assert refused.value.where.startswith(where) and why in refused.value.why


def test_the_program_prints_what_it_found(tmp_path: Path) -> None:
    """As a person runs it; what is wrong with a file is one line, and exit status 2."""
    (tmp_path / "nodes.csv").write_text("\n".join(NODES) + "\n", encoding="utf-8")
    (tmp_path / "requests.csv").write_text(f"{HEAD}\nx,2,512,,0,10\ny,8,512,,1,10\n", encoding="utf-8")
    (tmp_path / "bad.csv").write_bytes(b"name,cpus\xff")
    program = [sys.executable, "-m", "appserver.core.placement.simulate", "--numpy", "--nodes"]

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*program, *arguments], capture_output=True, text=True, check=False)

    files = (str(tmp_path / "nodes.csv"), "--requests", str(tmp_path / "requests.csv"))
    told = ran(*files, "--strategy", "binpack")
    assert told.returncode == 0 and "requests       2, of which 1 were refused" in told.stdout
    assert json.loads(ran(*files, "--json", "--repair").stdout)["nodes_used"] == 1
    for file, why in (
        ("bad.csv", "bad.csv: is not UTF-8"),
        ("none.csv", "No such file"),
        ("requests.csv", ":1: is not"),
    ):
        refused = ran(str(tmp_path / file), "--requests", str(tmp_path / "requests.csv"))
        assert refused.returncode == 2 and why in refused.stderr and "Traceback" not in refused.stderr
