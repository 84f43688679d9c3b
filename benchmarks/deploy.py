"""Deployments through the API beside `docker compose up -d --wait` of the same file, in one run.

Run: python -m benchmarks.deploy [--rounds N] [--write docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import config
from benchmarks.measure import ROUNDS, Compared, Figure, figures, in_turn, table
from tests.lab.etcd import etcd_members
from tests.lab.images import busybox
from tests.lab.processes import Servers, app_server, remove_project

ABOUT = """\
Ours: a real `moorage serve` and `moorage agent` over one etcd, through the REST API until the operation is done.
Theirs: `docker compose up -d --wait` in the project's directory. In turn, one round before the counting. Every
service has a healthcheck, since that is what both wait for. Memory is proportional (PSS), of all processes of the
daemon.
"""
THEIRS, OURS = "bench-theirs", "bench-ours"
PROBE = '["CMD", "/bin/busybox", "true"]'


def main() -> int:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--rounds", type=int, default=ROUNDS)
    told.add_argument("--write", type=Path, help="page to write the results to")
    args = told.parse_args()
    with rig() as bench:
        compared = [bench.create(n, bound, args.rounds) for n, bound in ((1, 1.25), (5, 1.10), (20, 1.05))]
        compared += [bench.nothing(20, args.rounds), bench.one_of(20, args.rounds)]
        pushed = bench.push(args.rounds)
        measured = [pushed, bench.plan(50, args.rounds), *bench.idle(), effective(args.rounds)]
    page = report(compared, measured, args.rounds)
    print(page)
    if args.write:
        args.write.write_text(page)
    return 0


def report(compared: list[Compared], measured: list[Figure], rounds: int) -> str:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    engine = _said("docker", "version", "--format", "Engine {{.Server.Version}}")
    compose = _said("docker", "compose", "version", "--short")
    return (
        "# Benchmarks\n\n"
        f"{machine};\n{engine}, Compose {compose}; medians of {rounds} rounds.\n\n{ABOUT}\n"
        f"{table(compared)}\n{figures(measured)}\n"
        "`python -m benchmarks.deploy --write docs/benchmarks.md` makes this page.\n"
    )


def effective(rounds: int) -> Figure:
    """Every layer of every container, files read anew."""
    name = f"effective configuration of {config.CONTAINERS:,} containers from {config.FILES:,} files"
    return Figure(name, config.medians(rounds)[2], "s", config.LIMIT_S)


@dataclass(frozen=True, slots=True)
class Bench:
    """Both sides: a directory for Compose, a pair of processes for us."""

    servers: Servers
    folder: Path
    image: str

    def create(self, count: int, bound: float, rounds: int) -> Compared:
        return in_turn(
            f"deploy {count} service{'s' if count > 1 else ''}",
            lambda _: self.up(count),
            lambda _: self.deploy(count),
            bound,
            after=lambda _: self.clear(),
            rounds=rounds,
        )

    def nothing(self, count: int, rounds: int) -> Compared:
        self.up(count)
        self.deploy(count)
        try:
            return in_turn(
                f"deploy {count} services, nothing to do",
                lambda _: self.up(count),
                lambda _: self.deploy(count),
                0.2,
                rounds=rounds,
            )
        finally:
            self.clear()

    def one_of(self, count: int, rounds: int) -> Compared:
        self.up(count)
        self.deploy(count)
        try:
            return in_turn(
                f"change one service of {count}",
                lambda n: self.up(count, n + 1),
                lambda n: self.deploy(count, n + 1),
                1.0,
                rounds=rounds,
            )
        finally:
            self.clear()

    def push(self, rounds: int) -> Figure:
        """Seconds from `git push` to the new container healthy, beyond editing the file and `docker compose up -d`."""
        self.up(1)
        self.deploy(1)
        copy = self.folder / "config"
        url = self.servers.url.replace("://", f"://root:{self.servers.token}@")
        self._git(self.folder, "clone", "-q", f"{url}/git/config.git", str(copy))

        def edit_and_up(number: int) -> None:
            self.up(1, number + 1)

        def edit_and_push(number: int) -> None:
            (copy / f"{self.image.partition(':')[0]}.yml").write_text(f"environment: {{PUSHED: '{number}'}}\n")
            self._git(copy, "add", "-A")
            self._git(copy, "commit", "-q", "-m", f"round {number}")
            self._git(copy, "push", "-q", "origin", "HEAD:main")

        try:
            found = in_turn("git push", edit_and_up, edit_and_push, 0, rounds=rounds)
        finally:
            self.clear()
        beyond = sorted(ours - theirs for ours, theirs in zip(found.ours, found.theirs, strict=True))[rounds // 2]
        return Figure("git push to healthy, beyond edit + `docker compose up -d --wait`", beyond, "s", 0.5)

    def plan(self, count: int, rounds: int) -> Figure:
        """Seconds of a plan beyond Compose's own rendering. The text differs each time, so nothing is remembered."""
        self.write(count, 0)

        def rendered(number: int) -> None:
            self.write(count, number)
            self._run("docker", "compose", "-f", str(self.folder / "compose.yaml"), "config", "-q")

        def planned(number: int) -> None:
            text = project(self.image, count, number)
            answer = self.servers.api.post("applications/plan", {"name": OURS, "compose": text})
            assert answer.status_code == 200, answer.text

        found = in_turn("plan", rendered, planned, 0, rounds=rounds)
        beyond = sorted(ours - theirs for ours, theirs in zip(found.ours, found.theirs, strict=True))[rounds // 2]
        return Figure(f"plan of {count} services, beyond Compose's rendering", beyond, "s", 0.3)

    def idle(self) -> list[Figure]:
        """Proportional memory of freshly started daemons, every process of theirs counted."""
        self.servers.restart_serve()
        self.servers.restart_agent()
        self.servers.ensure_up()
        pairs = (("app server", self.servers.serve, 128.0), ("agent", self.servers.agent, 64.0))
        return [Figure(f"idle {name}, memory", _pss_mib(d.process.pid), "MiB", b) for name, d, b in pairs if d.process]

    def up(self, count: int, salt: int = 0) -> None:
        self.write(count, salt)
        self._run("docker", "compose", "-p", THEIRS, "up", "-d", "--wait", cwd=self.folder)

    def deploy(self, count: int, salt: int = 0) -> None:
        body = {"name": OURS, "compose": project(self.image, count, salt)}
        answer = self.servers.api.post("applications", body)
        if answer.status_code == 200:
            assert answer.json()["changed"] is False, answer.text
            return
        assert answer.status_code == 202, answer.text
        self._follow(answer.json()["id"])

    def clear(self) -> None:
        self._run("docker", "compose", "-p", THEIRS, "down", "-t", "0", cwd=self.folder)
        answer = self.servers.api.delete(f"applications/default/{OURS}")
        if answer.status_code == 202:
            self.servers.api.wait(answer.json()["id"])

    def write(self, count: int, salt: int) -> None:
        (self.folder / "compose.yaml").write_text(project(self.image, count, salt))

    def _follow(self, operation: str) -> None:
        """To the end, by the stream of events, as the command line does."""
        with self.servers.api.stream(f"operations/{operation}/events") as lines:
            for line in lines:
                if line.startswith("event: done"):
                    break
        state = self.servers.api.get(f"operations/{operation}").json()
        assert state["state"] == "done", state

    def _git(self, cwd: Path, *args: str) -> None:
        self._run("git", "-c", "user.name=bench", "-c", "user.email=bench@example.invalid", *args, cwd=cwd)

    def _run(self, *argv: str, cwd: Path | None = None) -> None:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv[:3])}: {done.stderr[-2000:]}")


@contextmanager
def rig() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as name, etcd_members(flags=()) as etcd, app_server(etcd, "/bench/") as servers:
        bench = Bench(servers, Path(name), busybox())
        try:
            yield bench
        finally:
            for project_name in (THEIRS, OURS):
                remove_project(project_name)


def project(image: str, count: int, salt: int = 0) -> str:
    """So many services with a healthcheck each; `salt` changes the first alone.

    Probes are quick at the start and rare after it: forty containers probed four times a second would be what is
    measured.
    """
    parts = [
        f"  s{n}:\n"
        f"    image: {image}\n"
        f"    environment: {{SALT: '{salt if n == 0 else 0}'}}\n"
        f"    stop_grace_period: 0s\n"
        f"    healthcheck: {{test: {PROBE}, interval: 1m, start_period: 1m, start_interval: 250ms}}\n"
        for n in range(count)
    ]
    return "services:\n" + "".join(parts)


def _pss_mib(pid: int) -> float:
    """Of a process and its descendants."""
    children = subprocess.run(("ps", "-o", "pid=", "--ppid", str(pid)), capture_output=True, text=True, check=False)
    below = sum(_pss_mib(int(child)) for child in children.stdout.split())
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return below + (int(found[1]) / 1024 if found else 0.0)


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    print(f"took {time.monotonic() - begun:.0f} s")
    raise SystemExit(code)
