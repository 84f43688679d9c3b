"""Whether a service runs with what it was started with, asked of a real process under runit's own files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.checkout import ROOT
from tests.lab.wait import wait_until


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """Runs `one`, a service that runit supervises, started after the file `old`; its directory of services."""
    (tmp_path / "old").write_text("as it was\n")
    run = tmp_path / "active" / "one" / "run"
    run.parent.mkdir(parents=True)
    run.write_text("#!/bin/sh\nexec sleep 600\n")
    run.chmod(0o755)
    runsv = subprocess.Popen(("runsv", str(run.parent)))
    try:
        pid = run.parent / "supervise" / "pid"
        wait_until(lambda: pid.exists() and pid.read_text().strip(), "the service runs")
        yield tmp_path
    finally:
        runsv.terminate()
        runsv.wait()


def test_a_file_that_was_changed_since_is_told(service: Path) -> None:
    """One that was there before is not, nor one that is missing."""
    new = service / "new"
    assert newer(service, service / "old", service / "gone") == []
    new.write_text("changed\n")
    assert newer(service, new, service / "gone") == [str(new)]


def test_a_file_put_in_place_of_another_is_told_whatever_its_time(service: Path) -> None:
    """As a package does it: the time of the file is that of its making, years ago."""
    assert newer(service, service / "old") == []
    (service / "unpacked").write_text("a newer program\n")
    os.utime(service / "unpacked", (1e9, 1e9))
    (service / "unpacked").rename(service / "old")
    assert newer(service, service / "old") == [str(service / "old")]


def test_a_service_that_does_not_run_is_not_old(service: Path) -> None:
    """Whoever starts it starts it with what is there."""
    assert newer(service, service / "old", name="two") == []


def newer(place: Path, *paths: Path, name: str = "one") -> list[str]:
    """What the module tells."""
    told = {"service": name, "paths": [str(path) for path in paths], "active": str(place / "active")}
    program = str(Path(sys.executable).with_name("ansible"))
    done = subprocess.run(
        (program, "localhost", "-c", "local", "-m", "moorage.boot.process_age", "-a", json.dumps(told)),
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(place / "ansible"),
             "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1", "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.oneline",
             "ANSIBLE_NOCOLOR": "1"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout[done.stdout.index("=>") + 2 :])
    assert answer["changed"] == bool(answer["newer"])
    return list(answer["newer"])
