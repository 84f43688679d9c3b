"""`playbooks/site.yml` on three bare boot servers of the lab, beside a plain playbook of the same packages and files.

Run: python -m benchmarks.site [--rounds N] [--write docs/benchmarks-site.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.measure import Compared, table
from tests.lab.boot_lab import Lab, Play, lab
from tests.lab.checkout import ROOT

ROUNDS = 3
OURS, THEIRS = "playbooks/site.yml", "benchmarks/plain_site.yml"
ABOUT = """\
Three hosts of the lab, made bare before each run of the first row. Theirs: `benchmarks/plain_site.yml`, which installs
the same Debian packages and the same Python packages, writes as many files, and starts an etcd of three members without
certificates; nothing checks, secures or records what it did. Ours: `playbooks/site.yml` to three recorded nodes.
In turn; packages come from a mirror over the network, and all of it runs on the same cores.
"""


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--rounds", type=int, default=ROUNDS)
    told.add_argument("--write", type=Path, help="page to write the results to")
    args = told.parse_args()
    release = subprocess.run(
        ("packaging/release", str(Path(sys.executable).with_name("pip"))),
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    with tempfile.TemporaryDirectory() as directory, lab(3, Path(directory)) as hosts:
        compared = measure(hosts, ROOT / f"build/moorage-{release}.tar", args.rounds)
    page = report(compared, args.rounds)
    sys.stdout.write(page)
    if args.write:
        args.write.write_text(page)
    return 0


def measure(hosts: Lab, archive: Path, rounds: int) -> tuple[Compared, Compared]:
    """Seconds from bare, and with nothing to do."""
    plain = ("-e", f"archive={archive}", "-e", f"mirror={mirror(hosts)}")
    bare: tuple[list[float], list[float]] = ([], [])
    nothing: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for number, argv in enumerate(((THEIRS, *plain), (OURS,))):
            hosts.reset()
            play = partial(hosts.play, *argv)
            bare[number].append(seconds(lambda play=play: play().good()))
            nothing[number].append(seconds(lambda play=play: unchanged(play().good())))
    return (
        Compared("bare hosts to a site", tuple(bare[0]), tuple(bare[1]), 1.5),
        Compared("nothing to do", tuple(nothing[0]), tuple(nothing[1]), 2.5),
    )


def mirror(hosts: Lab) -> str:
    """Where the hosts take Debian's packages from."""
    return hosts[0].sh("grep -rhoE 'https?://[^ ]+' /etc/apt/sources.list /etc/apt/sources.list.d | head -1").strip()


def unchanged(play: Play) -> None:
    assert set(play.changed.values()) == {0}, f"the second run changed something: {play.changed}"


def seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def report(compared: tuple[Compared, ...], rounds: int) -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    return (
        f"# Benchmarks of the playbooks\n\n{machine}; medians of {rounds} rounds.\n\n{ABOUT}\n{table(compared)}\n"
        "`python -m benchmarks.site --write docs/benchmarks-site.md` makes this page.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
