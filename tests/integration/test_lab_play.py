"""`python -m tests.lab play`: a playbook over the lab by hand, as tests run it. Its host here is this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.checkout import ROOT

Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """A playbook of this one task, with these arguments of Ansible's."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"boot-0": here}}}))
    lab = (sys.executable, "-m", "tests.lab", "--name", "moorage-lab-none", "--directory", str(tmp_path))

    def run(task: dict[str, object], *arguments: str) -> subprocess.CompletedProcess[str]:
        book = tmp_path / "book.yml"
        book.write_text(json.dumps([{"hosts": "boot-0", "gather_facts": False, "tasks": [task]}]))
        argv = (*lab, "play", str(book), *arguments)
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_modules_of_the_controller_find_the_program(play: Play) -> None:
    """Wherever they run: a checkout for development is not installed in its own environment."""
    argv = ["{{ ansible_playbook_python }}", "-c", "import appserver; print(appserver.__file__)"]
    done = play({"ansible.builtin.command": {"argv": argv, "chdir": "/"}}, "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(ROOT / "appserver/__init__.py") in done.stdout


def test_what_ansible_is_told_and_how_it_ends_are_its_own(play: Play) -> None:
    """Options are not taken for the lab's, and a play that failed is no success."""
    done = play({"ansible.builtin.fail": {"msg": "{{ why }}"}}, "-e", "why=because", "--diff")
    assert done.returncode == 2
    assert "because" in done.stdout
