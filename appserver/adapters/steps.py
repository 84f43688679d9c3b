"""`ports.Steps`: a release's playbook on this host itself, by Ansible in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from pathlib import Path

from appserver.adapters.playbooks_room import library, private
from appserver.adapters.playbooks_talk import news_of, talk
from appserver.core.plays import PlayNews
from appserver.errors import PlaybookError
from appserver.ports.steps import StepJob

_PROCESS = "appserver.adapters.steps_process"
_TIDY_S, _LOOK_S = 10.0, 0.1
_INVENTORY = "localhost ansible_connection=local ansible_python_interpreter={python}\n"


class LocalSteps:
    """See `ports.Steps`."""

    def __init__(self, rooms: Path, collections: tuple[str, ...], store: Mapping[str, object], python: str) -> None:
        """
        Args:
            rooms: a directory for root alone, which this makes.
            store: how modules that write the record reach it, as `moorage.boot.store` has it.
            python: that modules run with: the host's own, which has apt's.
        """
        self._rooms = rooms
        self._collections = collections
        self._store = store
        self._python = python

    def tidy(self) -> None:
        """End what an agent that was killed left, should it not have ended yet, and remove its files."""
        until = time.monotonic() + _TIDY_S
        while (left := _runs_in(self._rooms)) and time.monotonic() < until:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            time.sleep(_LOOK_S)
        shutil.rmtree(self._rooms, ignore_errors=True)

    def run(self, job: StepJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        try:
            self._rooms.mkdir(mode=0o700, parents=True, exist_ok=True)
            room = Path(tempfile.mkdtemp(prefix="step-", dir=self._rooms))
        except OSError as error:
            raise PlaybookError(f"no room can be made for Ansible: {error}") from error
        try:
            project = self._project(room, job)
            given = {
                "playbook": str(project / job.playbook),
                "project_dir": str(project),
                "inventory": str(room / "inventory"),
                "cmdline": f"-e @{room / 'vars.json'}",
            }
            for said in talk(room, self._environment(room), project, given, job.timeout_s, stopped, _argv(room)):
                yield news_of(said)
        finally:
            shutil.rmtree(room, ignore_errors=True)

    def _project(self, room: Path, job: StepJob) -> Path:
        project = room / "project"
        for name, text in job.files.items():
            path = project / name
            if not path.resolve().is_relative_to(project.resolve()):
                raise PlaybookError(f"{name[:80]!r} is no path within a release")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (room / "inventory").write_text(_INVENTORY.format(python=self._python))
        private(room / "vars.json", json.dumps(dict(job.variables)))
        return project

    def _environment(self, room: Path) -> Mapping[str, str]:
        """All of it: nothing is inherited."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(room),
            "LC_ALL": "C.UTF-8",
            **library(),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_HOME": str(room / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(room / "ansible" / "tmp"),
            "ANSIBLE_COLLECTIONS_PATH": ":".join(self._collections),
            "ANSIBLE_ROLES_PATH": str(room / "project" / "roles"),
            "MOORAGE_PLAY_STORE": json.dumps(dict(self._store)),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_PIPELINING": "True",
        }


def _runs_in(rooms: Path) -> list[int]:
    """Processes that see to a step there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            words = path.read_bytes().decode(errors="replace").split("\0")
            if _PROCESS in words and any(word.startswith(f"{rooms}/") for word in words):
                found.append(int(path.parent.name))
    return found


def _argv(room: Path) -> list[str]:
    """
    Raises:
        PlaybookError: a program for it is not installed.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PlaybookError("setpriv is needed to run a step: install the package util-linux")
    return [setpriv, "--pdeathsig=TERM", sys.executable, "-m", _PROCESS, str(room)]
