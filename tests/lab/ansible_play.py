"""Playbooks of a few tasks, run by Ansible's own program on this machine, as a controller runs modules for others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.checkout import ROOT


@dataclass(frozen=True, slots=True)
class Ran:
    """How a play over `localhost` ended."""

    code: int
    text: str

    @property
    def changed(self) -> int:
        """Tasks that changed something."""
        found = re.search(r"changed=(\d+)", self.text)
        assert found, self.text
        return int(found[1])

    def good(self) -> Ran:
        assert self.code == 0, self.text
        return self


def play(
    folder: Path, tasks: Sequence[Mapping[str, object]], *flags: str, more: Mapping[str, object] | None = None
) -> Ran:
    """Run tasks on this machine with this Python; `more` are words of the play besides."""
    vars_ = {"ansible_python_interpreter": sys.executable}
    book = folder / "play.yml"
    book.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": vars_, "tasks": tasks} | (more or {})])
    )
    return _ran(folder, ROOT, "-c", "local", *flags, str(book))


def shipped(folder: Path, name: str, variables: Mapping[str, object], *flags: str) -> Ran:
    """Run one of the project's playbooks for `localhost`. Variables are in a file; files are named from `folder`."""
    (folder / "said.json").write_text(json.dumps(variables))
    return _ran(folder, folder, "-e", f"@{folder}/said.json", str(ROOT / "playbooks" / name), *flags)


def _ran(folder: Path, cwd: Path, *words: str) -> Ran:
    environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "ansible")}
    environ |= {"ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(ROOT), "PWD": str(cwd)}
    argv = (str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", *words)
    done = subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=110, check=False)
    return Ran(done.returncode, done.stdout + done.stderr)
