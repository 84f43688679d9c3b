"""Boot servers in lock-step: real agents, real Ansible, a release with its playbooks on record, the command line.

What goes by seconds and by faults without Ansible is in `tests/integration/test_rollout.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appserver.adapters.etcd import Etcd
from appserver.adapters.sealer import KeySealer
from appserver.core.release import Kept
from appserver.core.release_read import read
from appserver.store import releases, rollout
from appserver.store.codec import encode
from tests.lab.ansible_play import shipped
from tests.lab.daemon import Daemon
from tests.lab.etcd import Cluster
from tests.lab.processes import Servers, app_server
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow]

LRNS = (0, 2, 10)
"""Sorted as text, 10 would come before 2."""
PLAYBOOK = """
- name: A step
  hosts: localhost
  gather_facts: false
  tasks:
    - name: It is put down
      ansible.builtin.shell: echo %s {{ moorage_lrn }} {{ moorage_release }} >> {{ folder }}/log
      changed_when: true
"""
"""Appended: the three servers are one host here, and write it at the same time."""
SLEEPS = """
- name: A long step
  hosts: localhost
  gather_facts: false
  tasks:
    - name: It takes its time
      ansible.builtin.command: {argv: [sleep, "{{ (folder ~ '/seconds') | file_lookup }}"]}
      changed_when: false
""".replace("(folder ~ '/seconds') | file_lookup", "lookup('file', folder ~ '/seconds')")
FAILS = """
- name: A step that fails
  hosts: localhost
  gather_facts: false
  tasks:
    - name: The disk is there
      ansible.builtin.command: {argv: [cat, "{{ folder }}/disk"]}
      changed_when: false
"""


@dataclass(slots=True)
class Boot:
    """Three boot servers, one app server."""

    servers: Servers
    kv: Etcd
    sealer: KeySealer
    folder: Path
    agents: dict[int, Daemon] = field(default_factory=dict)
    number: int = 0

    def keep(self, steps: str, **playbooks: str) -> str:
        """A release, one newer than the last; its version."""
        self.number += 1
        version = f"2026.11.22-{self.number}"
        files = {f"{name}.yml": text for name, text in playbooks.items()} | {"release.yml": f"steps:\n{steps}"}
        kept = Kept(read(files, version), "here", f"release-{version}", "c" * 40)
        releases.write_files(self.kv, self.sealer, version, files, {})
        self.kv.commit({}, {releases.release(version): encode(kept)})
        return version

    def cli(self, *words: str, status: int = 0) -> Any:
        done = self.servers.moorage("--json", "update", *words)
        assert done.returncode == status, f"{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def standing(self) -> Mapping[str, Any]:
        return self.servers.api.get("updates/status").json()

    def tries(self, lrn: int) -> list[Mapping[str, Any]]:
        return next(one["tries"] for one in self.standing()["servers"] if one["lrn"] == lrn)

    def is_busy(self) -> bool:
        return len(rollout.busy_of(self.kv.snapshot(rollout.BUSY))) > 0

    def clear(self) -> None:
        """No update is under way or to be recovered, whatever a test left: the next one begins with its own."""
        if self.standing()["process"] == "running":
            self.cli("stop")
        wait_until(lambda: not self.is_busy(), "no step runs", 20)
        if self.standing()["process"] == "aborted":
            self.kv.commit({}, {}, [rollout.RELEASE, rollout.REQUEST, *(rollout.status(lrn) for lrn in LRNS)])
        for path in self.folder.iterdir():
            path.unlink()


@pytest.fixture(scope="module")
def made(etcd: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boot]:
    prefix = "/updates/"
    with app_server(etcd, prefix, agent={"lrn": LRNS[0]}) as servers:
        kv = Etcd(etcd.endpoints, prefix)
        sealer = KeySealer.from_file(servers.folder / "seal.key")
        boot = Boot(servers, kv, sealer, tmp_path_factory.mktemp("steps"), {LRNS[0]: servers.agent})
        with (
            servers.another_agent("n2", {"lrn": LRNS[1], "ip": "127.0.9.2"}) as second,
            servers.another_agent("n10", {"lrn": LRNS[2], "ip": "127.0.9.10"}) as third,
        ):
            boot.agents |= {LRNS[1]: second, LRNS[2]: third}
            for lrn in LRNS:
                kv.commit({}, {f"{rollout.SERVERS}{lrn}": ""})
            yield boot


@pytest.fixture
def boot(made: Boot) -> Iterator[Boot]:
    yield made
    made.clear()


def step(name: str, folder: Path, **more: object) -> str:
    told = {"name": name, "playbook": f"{name}.yml", "variables": {"folder": str(folder)}, **more}
    return f"  - {json.dumps(told)}\n"


def test_a_release_is_brought_to_all_step_by_step(boot: Boot) -> None:
    """In the order of their numbers where a step is for one at a time; with what each did, and when."""
    steps = step("first", boot.folder) + step("second", boot.folder, scope="one")
    version = boot.keep(steps, first=PLAYBOOK % "first", second=PLAYBOOK % "second")
    done = boot.cli("request", version)
    assert done["outcome"] == "completed"
    log = [line.split() for line in boot.log()]
    assert sorted(log[:3], key=lambda one: int(one[1])) == [["first", str(lrn), version] for lrn in LRNS]
    assert log[3:] == [["second", str(lrn), version] for lrn in LRNS]
    shown = boot.cli("show", str(done["id"]))
    tries = {one["lrn"]: [each["phase"] for each in one["tries"]] for one in shown["progress"]}
    assert tries == {lrn: ["done", "done"] for lrn in LRNS}
    assert [one["changed"] for one in shown["progress"][0]["tries"]] == [1, 1]
    assert boot.cli("plan")["reason"] == f"all servers are at {version}"


def test_what_is_stopped_in_the_middle_ends_within_seconds_and_goes_on_when_it_is_told(boot: Boot) -> None:
    """What Ansible had begun is killed with it, and nothing is left of it on the host."""
    (boot.folder / "seconds").write_text("777.7")
    version = boot.keep(step("long", boot.folder), long=SLEEPS)
    boot.servers.moorage("update", "request", version, "--no-wait")
    wait_until(lambda: len(_sleeping()) == len(LRNS), "all servers are at it", 60)
    boot.cli("stop", "--reason", "the wrong day")
    asked = time.monotonic()
    wait_until(lambda: not _sleeping(), "what ran has ended", 5)
    wait_until(lambda: not boot.is_busy(), "no step runs", 20)
    assert time.monotonic() - asked < 10
    assert boot.standing()["process"] == "aborted"
    (boot.folder / "seconds").write_text("0")
    again = boot.cli("retry")
    wait_until(lambda: boot.standing()["process"] == "completed", "it is through", 60)
    assert boot.standing()["update"]["id"] == again["id"]


def test_a_step_that_fails_tells_task_and_output_and_is_taken_up_again(boot: Boot) -> None:
    """The abort names server, step, task and what it said last; those before it are not done again."""
    steps = step("first", boot.folder) + step("disk", boot.folder)
    version = boot.keep(steps, first=PLAYBOOK % "first", disk=FAILS)
    failed = boot.cli("request", version, status=1)
    assert failed["outcome"] == "aborted"
    standing = boot.standing()
    assert "step disk on n" in standing["update"]["why"]
    why = f"task 'The disk is there': non-zero return code: cat: {boot.folder}/disk: No such file or directory"
    assert why in standing["update"]["why"]
    tries = [one["tries"][-1] for one in standing["servers"] if one["tries"][-1]["phase"] == "failed"]
    told = " ".join(line.strip() for line in tries[0]["output"])  # Ansible folds its lines
    assert "No such file or directory" in told, json.dumps(standing)
    (boot.folder / "disk").write_text("")
    wait_until(lambda: not boot.is_busy(), "no step runs", 20)
    boot.cli("retry")
    wait_until(lambda: boot.standing()["process"] == "completed", "it is through", 60)
    assert len(boot.log()) == len(LRNS)


def test_an_agent_that_is_killed_in_the_middle_goes_on(boot: Boot) -> None:
    """Its step is done again, what came before it is not; the others wait for it at the barrier."""
    (boot.folder / "seconds").write_text("777.7")
    steps = [step(name, boot.folder) for name in ("before", "long", "after")]
    long = SLEEPS.replace("changed_when", "when: moorage_lrn == 2\n      changed_when")
    version = boot.keep("".join(steps), before=PLAYBOOK % "before", long=long, after=PLAYBOOK % "after")
    boot.servers.moorage("update", "request", version, "--no-wait")
    wait_until(lambda: len(_sleeping()) == 1, "server 2 is at it", 60)
    boot.agents[2].kill()
    wait_until(lambda: not _sleeping(), "its step ended with it", 10)
    wait_until(lambda: "its agent is gone" in boot.standing()["next"]["reason"], "that is told", 30)
    (boot.folder / "seconds").write_text("0")
    boot.agents[2].start()
    wait_until(lambda: boot.standing()["process"] == "completed", "it is through", 60)
    assert [(one["name"], one["attempt"]) for one in boot.tries(2)] == [
        ("before", 1), ("long", 1), ("long", 2), ("after", 1),
    ]  # fmt: skip
    assert len(boot.log()) == 2 * len(LRNS)


@pytest.mark.night
def test_a_playbook_asks_for_it(boot: Boot, tmp_path: Path) -> None:
    """`playbooks/update.yml`: a check changes nothing, a second run has nothing to do, a failure fails."""
    version = boot.keep(step("first", boot.folder), first=PLAYBOOK % "first")
    said = {"app_server": boot.servers.url, "app_token": boot.servers.token, "update_version": version}
    assert shipped(tmp_path, "update.yml", said, "--check").good().changed == 1
    assert boot.log() == []
    assert shipped(tmp_path, "update.yml", said).good().changed == 1
    assert len(boot.log()) == len(LRNS)
    assert shipped(tmp_path, "update.yml", said).good().changed == 0
    worse = boot.keep(step("disk", boot.folder), disk=FAILS)
    failed = shipped(tmp_path, "update.yml", {**said, "update_version": worse})
    assert failed.code != 0
    assert "task 'The disk is there'" in failed.text
    wait_until(lambda: not boot.is_busy(), "no step runs", 20)
    (boot.folder / "disk").write_text("")
    boot.cli("retry")
    wait_until(lambda: boot.standing()["process"] == "completed", "it is through", 60)


def _sleeping() -> list[Path]:
    """Processes that run what the long step runs."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cmdline").read_bytes() == b"sleep\x00777.7\x00":
                found.append(path)
        except OSError:
            continue
    return found
