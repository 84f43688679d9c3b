"""What is asked of a boot server for an update: to run a release's playbook on itself, and whether it is well."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Protocol

from appserver.core.plays import PlayNews
from appserver.core.release import Probe


@dataclass(frozen=True, slots=True)
class StepJob:
    """`files` are all that the release has, by path; `playbook` is one of them."""

    files: Mapping[str, str]
    playbook: str
    variables: Mapping[str, object]
    timeout_s: float


class Steps(Protocol):
    def run(self, job: StepJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        """News as they come, and an empty one now and then; the end is the last.

        Whoever leaves the iteration ends the run, as `stopped` does, which is asked several times a second.
        To be iterated in the thread that began it.

        Raises:
            PlaybookError: Ansible could not be run.
        """


class Probes(Protocol):
    def ask(self, probe: Probe, stopped: Callable[[], bool]) -> str:
        """What is wrong, "" where it is well; after some seconds at most, sooner where it is `stopped`."""
