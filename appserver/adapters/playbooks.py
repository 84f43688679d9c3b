"""`ports.Playbooks`: Ansible as a program, its run in a process of its own (`playbooks_process.py`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from appserver.adapters import playbooks_sweep
from appserver.adapters.playbooks_room import Room, Site, contained, room, tidy
from appserver.adapters.playbooks_talk import news_of, talk
from appserver.core.playbooks import FILE, LARGEST, Inventory, Playbook, described, inventory_of, listed_hosts
from appserver.core.plays import PlayJob, PlayNews, last_words
from appserver.errors import AppServerError, Invalid, PlaybookError

_ASK_S = 60.0
_SWEEP_S = 45
_LASTS_S = 15.0
"""How long an inventory that was read is gone by."""
_AT_ONCE = BoundedSemaphore(2)


class AnsiblePlaybooks:
    """See `ports.Playbooks`."""

    def __init__(self, site: Site, limit_s: float) -> None:
        """`limit_s`: how long one play may take."""
        self._site = site
        self._limit_s = limit_s
        self._known: tuple[float, Inventory] | None = None

    def list(self) -> tuple[Playbook, ...]:
        try:
            names = sorted(entry.name for entry in os.scandir(self._site.playbooks) if entry.is_file())
        except OSError as error:
            raise PlaybookError(f"{self._site.playbooks} cannot be read: {error.strerror}") from error
        found = (self._described(name) for name in names if FILE.fullmatch(name))
        return tuple(one for one in found if one)

    def inventory(self) -> Inventory:
        known = self._known
        if known and time.monotonic() - known[0] < _LASTS_S:
            return known[1]
        with room(self._site) as here:
            said = self._asked(here, ["ansible-inventory", "-i", here.inventory, "--list"])
        try:
            found = inventory_of(json.loads(said))
        except (ValueError, Invalid) as error:
            raise PlaybookError(f"the inventory cannot be read: {error}") from error
        self._known = time.monotonic(), found
        return found

    def hosts(self, playbook: str, limit: Sequence[str], variables: Mapping[str, object]) -> tuple[str, ...]:
        words = ["--limit", ",".join(limit)] if limit else []
        with room(self._site) as here:
            words += ["-e", here.variables(variables)] if variables else []
            argv = ["ansible-playbook", "-i", here.inventory, "--list-hosts", *words, self._path(playbook)]
            return listed_hosts(self._asked(here, argv, lambda why: Invalid("playbook", why)))

    def run(self, job: PlayJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        with room(self._site, f"{playbooks_sweep.MARK}={job.mark}") as here:
            words = [here.limit_to(job.hosts)]
            words += ["--check"] if job.check else []
            words += ["--diff"] if job.diff else []
            words += [f"-e {here.variables(job.variables)}"] if job.variables else []
            given = {
                "playbook": self._path(job.playbook),
                "project_dir": str(self._site.playbooks),
                "inventory": here.inventory,
                "cmdline": " ".join(words),
                "tags": ",".join(job.tags) or None,
                "skip_tags": ",".join(job.skip_tags) or None,
            }
            for said in self._said(here, given, self._limit_s, stopped):
                yield news_of(said)

    def sweep(self, mark: str, hosts: Sequence[str]) -> Mapping[str, str]:
        found = dict.fromkeys(hosts, playbooks_sweep.UNSEEN)
        with room(self._site, f"{playbooks_sweep.PROBE}=1") as here:
            given = {
                "module": "ansible.builtin.raw",
                "module_args": playbooks_sweep.words(mark),
                "host_pattern": "all:localhost",  # which is no host of `all` where the inventory does not name it
                "inventory": here.inventory,
                "cmdline": here.limit_to(hosts),
                "forks": 20,
            }
            for said in self._said(here, given, _SWEEP_S, lambda: False):
                if said.get("host") in found:
                    found[str(said["host"])] = playbooks_sweep.told(said)
        return found

    def tidy(self) -> None:
        tidy(self._site)

    def _described(self, name: str) -> Playbook | None:
        path = self._site.playbooks / name
        try:
            with path.open("rb") as file:
                return described(name, file.read(LARGEST + 1))
        except OSError as error:
            return Playbook(name, "", error=f"cannot be read: {error.strerror}")

    def _path(self, playbook: str) -> str:
        """Never what a caller says: the name of a file that is listed."""
        if not FILE.fullmatch(playbook):
            raise Invalid("playbook", "is no name of a playbook")
        return str(self._site.playbooks / playbook)

    def _asked(self, here: Room, argv: Sequence[str], refused: Callable[[str], AppServerError] = PlaybookError) -> str:
        """What one of Ansible's programs answers.

        Args:
            refused: the error that its own words become.
        Raises:
            PlaybookError: it could not be run.
        """
        whole = contained([str(Path(sys.executable).parent / argv[0]), *argv[1:]])
        with _AT_ONCE:
            try:
                done = subprocess.run(
                    whole,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    env=here.environment(),
                    cwd=self._site.playbooks,
                    timeout=_ASK_S,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise PlaybookError(f"{argv[0]} took longer than {_ASK_S:.0f} s") from error
            except OSError as error:
                raise PlaybookError(f"{argv[0]} cannot be started: {error}") from error
        if done.returncode:
            raise refused(f"{argv[0]}: {last_words(done.stderr or done.stdout)}")
        return done.stdout

    def _said(
        self, here: Room, given: Mapping[str, object], limit_s: float, stopped: Callable[[], bool]
    ) -> Iterator[dict[str, Any]]:
        return talk(here.path, here.environment(), self._site.playbooks, given, limit_s, stopped)
