"""Which releases the role `program` leaves on a host: Ansible on directories of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.lab.ansible_play import play


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Six of them, `f` the newest, which has just been installed."""
    made = tmp_path / "opt/releases"
    for age, name in enumerate("fedcba"):
        (made / name / "bin").mkdir(parents=True)
        os.utime(made / name, (1_000_000 - age, 1_000_000 - age))
    return made


def test_the_newest_releases_stay(releases: Path) -> None:
    assert prune(releases) == {"d", "e", "f"}


def test_what_is_gone_back_to_stays(releases: Path) -> None:
    """However old it is: an agent started again would not find its program."""
    (releases.parent / "current").symlink_to(releases / "a")
    assert prune(releases) == {"a", "d", "e", "f"}


def test_what_a_service_would_start_stays(releases: Path) -> None:
    """A play that was interrupted has left it pointing at another release than `current` does."""
    unit = releases.parent / "moorage-agent.service"
    unit.write_text(f"[Service]\nExecStart={releases}/b/bin/moorage agent --config agent.toml\n")
    assert prune(releases, _program_services=[str(unit), str(unit.with_name("none"))]) == {"b", "d", "e", "f"}


def test_what_runs_stays(releases: Path) -> None:
    """Its service points at another release already and was not started again."""
    program = releases / "c/bin/python"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen((str(program), "100")) as running:
        try:
            assert prune(releases) == {"c", "d", "e", "f"}
        finally:
            running.kill()


def prune(releases: Path, **variables: object) -> set[str]:
    """What is left of the releases when the role has installed `f` and keeps three."""
    role = {"name": "moorage.boot.program", "tasks_from": "prune"}
    given = {
        "program_dir": str(releases.parent), "program_archive": "moorage-f.tar", "program_lrn": 0,
        "_program_services": [], **variables,
    }  # fmt: skip
    play(releases.parent, [{"ansible.builtin.include_role": role, "vars": given}]).good()
    return {path.name for path in releases.iterdir()}
