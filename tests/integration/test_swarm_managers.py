"""A Swarm of four engines, three of which are to manage it: a worker stands in for a manager that is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import pytest

from appserver.adapters.engine import DockerEngine
from appserver.adapters.memory import MemoryKV
from appserver.adapters.stacks import DockerStacks
from appserver.agent.swarm import SwarmNodes
from appserver.core.swarm_managers import ROLE, STANDS_IN
from tests.lab.bridged import Bridged
from tests.lab.switch import Switch, switch
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.night, pytest.mark.timeout(300)]

MANAGERS = 3
LOST_S = 4.0


@dataclass(frozen=True, slots=True)
class Site:
    lan: Switch
    engines: Sequence[Bridged]
    ids: Sequence[str]

    def nodes(self, at: int) -> Mapping[int, Mapping[str, object]]:
        """By number, as that engine's Swarm has them; empty while it has no leader."""
        try:
            told = json.loads(self.engines[at].run("node", "inspect", *self.ids))
        except RuntimeError:
            return {}
        return {self.ids.index(one["ID"]): one for one in told}

    def reachable(self, at: int) -> set[int]:
        """Managers that take part."""
        found = self.nodes(at).items()
        return {n for n, one in found if (one.get("ManagerStatus") or {}).get("Reachability") == "reachable"}

    def managers(self, at: int) -> set[int]:
        """Those that are to be."""
        return {n for n, one in self.nodes(at).items() if one["Spec"]["Role"] == "manager"}

    def leader(self, at: int) -> int:
        return next(n for n, one in self.nodes(at).items() if (one.get("ManagerStatus") or {}).get("Leader"))

    def standing_in(self, at: int) -> set[int]:
        return {n for n, one in self.nodes(at).items() if STANDS_IN in one["Spec"]["Labels"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Each engine with what its agent does for the Swarm; what nodes are to be is said as the role `engine` does."""
    over = Event()
    with switch() as lan, ExitStack() as stack:
        engines = [stack.enter_context(lan.dockerd()) for _ in range(MANAGERS + 1)]
        lan.swarm(engines, MANAGERS)
        ids = [one.run("info", "--format", "{{.Swarm.NodeID}}").strip() for one in engines]
        for number, ident in enumerate(ids):
            role = "manager" if number < MANAGERS else "worker"
            engines[0].run("node", "update", "--label-add", f"{ROLE}={role}", ident)
        keepers = [Thread(target=keeper(one, tmp_path_factory.mktemp("agent")).run, args=(over,)) for one in engines]
        for one in keepers:
            one.start()
        try:
            yield Site(lan, engines, ids)
        finally:
            over.set()
            for one in keepers:
                one.join()


def keeper(engine: Bridged, folder: Path) -> SwarmNodes:
    stacks = DockerStacks(engine.socket, folder)
    return SwarmNodes(MemoryKV(), DockerEngine(engine.socket), stacks, lambda: None, LOST_S)


@pytest.mark.parametrize("leads", [False, True], ids=["a manager", "the leader"])
def test_a_worker_stands_in_until_it_is_back(site: Site, leads: bool) -> None:
    """Three of three are reachable again, so that one more may be lost; later all is as the site asked for."""
    wait_until(lambda: site.reachable(0) == {0, 1, 2}, "all manage", 60)
    head = site.leader(0)
    lost = head if leads else next(n for n in range(MANAGERS) if n != head)
    at = next(n for n in range(MANAGERS) if n not in {lost, head})
    site.lan.cut(site.engines[lost])
    try:
        wait_until(lambda: site.reachable(at) == {0, 1, 2, 3} - {lost}, "the worker manages in its place", 90)
        assert (site.managers(at), site.standing_in(at)) == ({0, 1, 2, 3} - {lost}, {3})
    finally:
        site.lan.heal(site.engines[lost])
    wait_until(lambda: site.reachable(at) == {0, 1, 2} == site.managers(at), "as the site asked for", 120)
    assert site.standing_in(at) == set()
