"""An Ansible that does what a test says: `ports.Playbooks` for what stands on it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from appserver.core.playbooks import Inventory, Part, Playbook
from appserver.core.plays import PlayJob, PlayNews, Tally

HOSTS = ("web1", "web2")
SITE = Playbook("site.yml", "d1", parts=(Part("Site", "all"),))


@dataclass(slots=True)
class Acting:
    """`go` lets plays end; what ran, what was swept and who was on which host at once is written down."""

    go: Event = field(default_factory=Event)
    said: tuple[PlayNews, ...] = ()
    rc: int = 0
    books: tuple[Playbook, ...] = (SITE,)
    jobs: list[PlayJob] = field(default_factory=list)
    swept: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    clashes: list[str] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def list(self) -> tuple[Playbook, ...]:
        return self.books

    def inventory(self) -> Inventory:
        return Inventory(dict.fromkeys(HOSTS, ("all",)), {"all": HOSTS})

    def hosts(self, playbook: str, limit: Sequence[str], variables: Mapping[str, object]) -> tuple[str, ...]:
        return tuple(host for host in HOSTS if not limit or host in limit or "all" in limit)

    def run(self, job: PlayJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        with self._lock:
            self.jobs.append(job)
            self.clashes += [host for host in job.hosts if host in self._busy]
            self._busy.update(job.hosts)
        try:
            yield from self.said
            while not self.go.wait(0.005):
                if stopped():
                    return
                yield PlayNews()
            yield PlayNews("stats", tallies={host: Tally(ok=1) for host in job.hosts})
            yield PlayNews("end", rc=self.rc)
        finally:
            with self._lock:
                self._busy.difference_update(job.hosts)

    def sweep(self, mark: str, hosts: Sequence[str]) -> Mapping[str, str]:
        self.swept.append((mark, tuple(hosts)))
        return dict.fromkeys(hosts, "processes ended: 0")

    def tidy(self) -> None:
        """Nothing is left."""
