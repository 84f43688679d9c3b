"""Stacks on a Swarm of one engine: what only the real thing shows of how long to wait, and of what is told."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from appserver.adapters.engine import DockerEngine
from appserver.adapters.sealer import KeySealer
from appserver.adapters.stacks import DockerStacks
from appserver.agent.stack_hands import StackHands
from appserver.agent.stack_project import StackProjects
from appserver.core import stacks
from appserver.core.containers import ContainerState
from appserver.core.entities import AppKey, Desired, Options, Revision
from appserver.core.reconcile import ReconcilePlan, drift, plan
from appserver.core.swarm_nodes import Mark
from appserver.core.updates import Update
from appserver.errors import ComposeError
from tests.lab.bridged import Bridged
from tests.lab.images import busybox
from tests.lab.records import revision
from tests.lab.switch import switch
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow]

RUN = Desired(revision=1, previous=0, stack=True)
SLEEPS = ["sleep", "1000"]


class Lone:
    """A manager alone, with the hands of its agent."""

    def __init__(self, daemon: Bridged, folder: Path) -> None:
        self.daemon = daemon
        self.folder = folder
        self.stacks = DockerStacks(daemon.socket, folder / "run")
        engine = DockerEngine(daemon.socket)
        self._projects = StackProjects(engine, KeySealer(bytes(32)), folder, self.stacks.folder)
        nobody: Any = None
        self.hands = StackHands(engine, nobody, self.stacks, self._projects)

    def act(self, of: Revision, by: ReconcilePlan | None = None, limit_s: float = 30.0) -> list[str]:
        name = str(of.project["name"])
        by = by or plan(RUN, of, self.stacks.containers(name))
        return list(self.hands.carry_out(AppKey("harbour", name), of, {}, by, Event(), limit_s))

    def all_are(self, of: Revision, state: str, count: int) -> None:
        name = str(of.project["name"])

        def reached() -> bool:
            found = self.stacks.containers(name)
            return [one.state for one in found] == [state] * count

        wait_until(reached, f"{count} of {name} are {state}", 30)

    def mark(self, availability: str) -> None:
        [me] = self.stacks.members()
        self.stacks.mark(Mark(me.id, me.labels, availability, version=me.version))

    def containers(self, of: Revision) -> Sequence[ContainerState]:
        return self.stacks.containers(str(of.project["name"]))


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    with switch() as lan, lan.dockerd() as daemon:
        lan.swarm([daemon], 1)
        saved = subprocess.run(("docker", "save", busybox()), capture_output=True, check=True).stdout
        subprocess.run(("docker", "-H", f"unix://{daemon.socket}", "load", "-q"), input=saved, check=True)
        yield Lone(daemon, tmp_path_factory.mktemp("agent"))


def wanted(name: str, web: dict[str, Any], said: Options | None = None, **parts: Any) -> Revision:
    """No routing mesh here: this kernel cannot do it."""
    service = {"image": busybox(), "command": SLEEPS, "stop_grace_period": "0s", **web}
    service["deploy"] = {"endpoint_mode": "dnsrr", **service.get("deploy", {})}
    base = {"name": name, "networks": {"default": {"name": f"{name}_default"}}, **parts}
    made = stacks.stack(base, {"web": service}, said or Options(), {})
    assert made.faults == ()
    rest = {part: value for part, value in made.project.items() if part != "name"}
    return revision(AppKey("harbour", name), 1, made.services, said or Options(), **rest)


def test_a_deployment_with_a_node_cordoned_comes_to_its_end(lone: Lone) -> None:
    """Of a service on every node: Swarm leaves alone what is on the paused one, and says nothing of it."""
    said = Options(mode="global")
    lone.act(before := wanted("everywhere", {}, said))
    lone.all_are(before, "running", 1)
    lone.mark("pause")
    try:
        after = wanted("everywhere", {"command": ["sleep", "2000"]}, said)
        lone.act(after)
        assert [one.what for one in drift(RUN, after, lone.containers(after))] == ["definition"]
    finally:
        lone.mark("active")
    wait_until(lambda: not drift(RUN, after, lone.containers(after)), "undrained, it is brought about", 20)


def test_a_job_runs_again_when_it_changes(lone: Lone) -> None:
    """And what its last run left is no container of it."""
    job = {"deploy": {"mode": "replicated-job", "replicas": 2}}
    for word in ("one", "two"):
        now = wanted("work", {**job, "command": ["echo", word]})
        lone.act(now)
        lone.all_are(now, "exited", 2)
        assert [one.exit_code for one in lone.containers(now)] == [0, 0]
        ended = frozenset(one.id for one in lone.containers(now))
        assert not drift(RUN, now, lone.containers(now), None, ended)


def test_what_swarm_gave_up_is_started_anew(lone: Lone) -> None:
    weak = wanted("weak", {"command": ["sh", "-c", "exit 3"], "restart": "no"})
    lone.act(weak)
    lone.all_are(weak, "exited", 1)
    first = lone.containers(weak)[0].id
    assert [one.what for one in drift(RUN, weak, lone.containers(weak))] == ["stopped"]
    with pytest.raises(ComposeError, match="its update was paused"):  # it ends as before
        lone.act(weak)
    wait_until(lambda: first not in [one.id for one in lone.containers(weak)], "another was started", 20)


def test_an_update_that_fails_is_paused_and_told(lone: Lone) -> None:
    """And the revision before is put back, whose old failures do not count."""
    said = Options(replicas=2, update=Update(monitor_s=1.0))
    lone.act(good := wanted("ill", {}, said))
    lone.all_are(good, "running", 2)
    with pytest.raises(ComposeError, match=r"^web: its update was paused: "):
        lone.act(wanted("ill", {"command": ["sh", "-c", "exit 3"]}, said))
    lone.act(good)
    lone.all_are(good, "running", 2)
    assert [one.restart_count for one in lone.containers(good)] == [0, 0]
    assert not drift(RUN, good, lone.containers(good))


def test_somebodys_stack_that_runs_nothing_is_left_alone(lone: Lone, tmp_path: Path) -> None:
    """Not pruned by a deployment, and not removed with the application."""
    theirs = tmp_path / "theirs.yaml"
    told = "{image: %s, deploy: {endpoint_mode: dnsrr, replicas: 0}}"
    theirs.write_text(f'version: "3.13"\nservices:\n  shop: {told % busybox()}\n')
    lone.daemon.run("stack", "deploy", "--detach", "-c", str(theirs), "theirs")
    ours = wanted("theirs", {})
    with pytest.raises(ComposeError, match="that is not Moorage's is in this Swarm"):
        lone.act(ours)
    lone.hands.take_down(AppKey("harbour", "theirs"), ours, Event())
    assert lone.daemon.run("stack", "services", "--format", "{{.Name}}", "theirs").split() == ["theirs_shop"]


def test_configs_change_with_their_content_and_nothing_lies_about(lone: Lone) -> None:
    """A config of the same content is the same; the files for the `docker` program are gone at once."""
    named = ("config", "ls", "--filter", "label=com.docker.stack.namespace=told", "--format", "{{.Name}}")
    web = {"configs": [{"source": "motd", "target": "/motd"}]}
    seen = []
    for content in ("fair winds", "foul winds", "foul winds"):
        now = wanted("told", web, configs={"motd": {"content": content}})
        lone.act(now)
        [name] = lone.daemon.run(*named).split()
        seen.append(name)
    assert seen[0] != seen[1] == seen[2]
    assert [*lone.stacks.folder.iterdir()] == []


def test_removed_is_gone(lone: Lone) -> None:
    """With its networks: the same name can be made at once."""
    for _ in range(2):
        lone.act(now := wanted("gone", {}))
        lone.hands.take_down(AppKey("harbour", "gone"), now, Event())
        assert not lone.daemon.run("network", "ls", "-q", "--filter", "name=gone_default")
