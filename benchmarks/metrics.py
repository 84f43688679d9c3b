"""What measuring costs an agent with thirty containers, beside asking the engine for its statistics of them.

Run: python -m benchmarks.metrics
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appserver.adapters.engine import DockerEngine
from appserver.adapters.engine_state import PROJECT, SERVICE
from appserver.adapters.host_metrics import KernelHost
from appserver.adapters.metrics_history import MetricFiles
from appserver.agent.metrics import Meter, Metering
from appserver.core.metrics_fold import Level
from tests.lab.images import busybox

CONTAINERS = 30
ROUNDS = 20
EVERY_S = 10.0
LIMIT = 0.005
"""Of one core."""
SOCKET = "/var/run/docker.sock"
NAME = f"bench-metrics-{time.time_ns()}"
LEVELS = (Level("10s", 10, 43_200), Level("1m", 60, 604_800), Level("10m", 600, 7_776_000))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, containers():
        engine = DockerEngine(SOCKET)
        history = MetricFiles(Path(folder), LEVELS, 64 << 20)
        meter = Meter(Metering(KernelHost(), history, LEVELS, EVERY_S), engine, lambda project: "")
        meter.measure()
        ours = median_cpu(meter.measure)
        assert meter.latest is not None
        measured = sum(subject.kind == "container" for subject in meter.latest.means)
        written = sum(path.stat().st_size for path in Path(folder).rglob("*.samples")) / ROUNDS
        before = engine_cpu()
        theirs = median_cpu(lambda: engine.stats(NAME))
        asked = theirs + (engine_cpu() - before) / ROUNDS
    share = ours / EVERY_S
    print(f"containers {measured}  rounds {ROUNDS} (medians)")
    print(
        f"one measurement of host and containers   {ours * 1e3:6.1f} ms of processor time, {written:.0f} bytes written"
    )
    print(f"  every {EVERY_S:.0f} s                           {share:6.3%} of one core (limit {LIMIT:.1%})")
    print(f"the engine's statistics of {CONTAINERS}            {asked * 1e3:6.1f} ms, the engine's part included")
    return 0 if share <= LIMIT else 1


def median_cpu(act: Callable[[], object]) -> float:
    """Seconds of processor time of this process."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return statistics.median(found)


def engine_cpu() -> float:
    """Seconds that engine, containerd and their helpers had so far."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue  # it ended meanwhile
        if name.startswith(("dockerd", "containerd")):
            total += sum(int(part) for part in rest.split()[11:13])
    return total / 100


@contextmanager
def containers() -> Iterator[None]:
    image = busybox()
    labels = ("--label", f"{PROJECT}={NAME}", "--label", f"{SERVICE}=s", "--label", "moorage.test=bench")
    made: list[str] = []
    try:
        for _ in range(CONTAINERS):
            argv = ("docker", "run", "-d", "--network=none", *labels, image)
            made.append(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip())
        yield
    finally:
        subprocess.run(("docker", "rm", "-f", *made), capture_output=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
