"""`playbooks/retire.yml` on a real etcd: hosts that do not answer and, for checks alone, this one, which does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appserver.adapters.etcd import Etcd
from appserver.core.entities import Desired
from appserver.core.fleet import Node
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.checkout import ROOT
from tests.lab.etcd import ClusterFactory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HERE = socket.gethostname().partition(".")[0].lower()
"""What the agent of this host would be called, whatever the inventory calls the host."""
WANTED = Desired(revision=1, previous=0, run="running", by="ada")


@dataclass(slots=True)
class Site:
    """The dead hosts boot-3 and boot-4, each a node, and the host `here` that answers; all on record."""

    folder: Path
    kv: Etcd
    endpoint: str
    appservers: tuple[str, ...] = ()

    def retire(self, *args: str, code: int = 0, **of_here: Any) -> str:
        """What the playbook prints. `of_here` are further variables of the host `here`."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "ansible_become": False}
        dead = {"ansible_host": "127.0.0.1", "ansible_port": 1}
        hosts = {"boot-3": {**dead, "lrn": 3}, "boot-4": {**dead, "lrn": 4}, "here": {**local, "lrn": 7, **of_here}}
        group: dict[str, Any] = {"bootservers": {"hosts": hosts, "vars": {"etcd_endpoints": [self.endpoint]}}}
        inventory = self.folder / "hosts.yml"
        group["appservers"] = {"hosts": dict.fromkeys(self.appservers)}
        inventory.write_text(json.dumps({"all": {"children": group}}))
        environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "PYTHONPATH": str(ROOT)}
        environ |= {"ANSIBLE_HOME": str(self.folder / "ansible"), "ANSIBLE_NOCOLOR": "1"}
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        argv = (program, "-i", str(inventory), "playbooks/retire.yml", *args)
        done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    @property
    def revision(self) -> int:
        """Of the whole store: nothing was written while it is the same."""
        return self.kv.snapshot("").revision


@pytest.fixture
def site(etcd_cluster: ClusterFactory, tmp_path: Path) -> Iterator[Site]:
    endpoint = etcd_cluster().members[0].endpoint
    with closing(Etcd([endpoint])) as kv:
        for name, lrn in {"boot-3": 3, "boot-4": 4, HERE: 7}.items():
            kv.commit({}, {keys.node(name): encode(Node(name, f"192.0.2.{lrn}:8090", "default", lrn=lrn))})
            kv.commit({}, {keys.bootserver(lrn): "", keys.installed_deb(lrn, "git"): "1"})
        kv.commit({}, {keys.alive(HERE): "192.0.2.7:8090"})
        yield Site(tmp_path, kv, endpoint)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ((), "Say which hosts are to leave"),
        (("-e", "retire=typo"), "typo: no such host in this inventory"),
        (("-e", "retire=boot-3,typo"), "typo: no such host in this inventory"),
        (("-e", "retire=bootservers"), "bootservers: no such host in this inventory"),
        (("-e", "retire=boot-3", "--limit", "boot-3"), "Without --limit"),
    ],
)
def test_what_is_no_host_is_not_retired(site: Site, args: tuple[str, ...], why: str) -> None:
    """Nor is what stands beside it, and no group at a stroke."""
    before = site.revision
    assert why in site.retire(*args, code=2)
    assert site.revision == before


def test_one_that_may_not_leave_keeps_the_others_from_leaving(site: Site) -> None:
    """All are asked before any of them goes."""
    site.kv.commit({}, {"desired/boot-4/default.shop": encode(WANTED)})
    before = site.revision
    told = site.retire("-e", "retire=boot-3,boot-4", code=2)
    assert "default.shop is wanted on boot-4: deploy elsewhere or delete first" in told
    assert site.revision == before


@pytest.mark.parametrize("appservers", [("boot-3",), ("boot-3", "boot-4")])
def test_the_last_app_server_goes_only_where_that_is_meant(site: Site, appservers: tuple[str, ...]) -> None:
    """Without one there is no page, no API, and nobody who deploys; whoever means it says so by a variable."""
    site.appservers = appservers
    before = site.revision
    told = site.retire("-e", "retire=boot-3,boot-4", code=2)
    assert "no app server would be left" in told and "retire_last_appserver=true" in told
    assert site.revision == before
    assert "boot-3 would be off the record" in site.retire(
        "-e", "retire=boot-3,boot-4", "-e", "retire_last_appserver=true", "--check"
    )


def test_one_of_several_app_servers_goes_as_any_host(site: Site) -> None:
    """The others go on."""
    site.appservers = ("boot-3", "here")
    assert "boot-3 would be off the record" in site.retire("-e", "retire=boot-3", "--check")


def test_a_dead_host_goes_once_and_is_told_what_it_takes_along(site: Site) -> None:
    """A check changes nothing, the run takes it off the record, and the next finds nothing to do and says so."""
    before = site.revision
    assert "boot-3 would be off the record" in site.retire("-e", "retire=boot-3", "--check")
    assert site.revision == before
    told = site.retire("-e", "retire=boot-3")
    assert "boot-3 is off the record" in told
    assert "did not answer" in told and "seal.key" in told and "renew the site's authority" in told
    assert {key for key in site.kv.snapshot("").items if not key.startswith(("audit/", "events/", "alive/"))} == {
        "nodes/boot-4", keys.bootserver(4), keys.installed_deb(4, "git"),
        f"nodes/{HERE}", keys.bootserver(7), keys.installed_deb(7, "git"),
    }  # fmt: skip
    before = site.revision
    again = site.retire("-e", "retire=boot-3")
    assert "boot-3 was not on record" in again and "changed=0" in again
    assert site.revision == before


def test_a_dead_host_whose_agent_is_on_stays(site: Site) -> None:
    """It is the way there that is dead."""
    site.kv.commit({}, {keys.alive("boot-3"): "192.0.2.3:8090"})
    before = site.revision
    assert "boot-3 is on: stop its agent first" in site.retire("-e", "retire=boot-3", code=2)
    assert site.revision == before


def test_a_check_of_a_living_host_passes_under_the_name_of_its_node(site: Site) -> None:
    """Which is the host's own name; that its agent is on is no reason, since the run will stop it."""
    before = site.revision
    told = site.retire("-e", "retire=here", "--check")
    assert f"{HERE} would be off the record, 3 keys" in told
    assert site.revision == before


@pytest.mark.parametrize("more", [{"agent_name": "boot-9"}, {"lrn": 3}])
def test_a_living_host_that_is_taken_for_another_is_not_retired(site: Site, more: dict[str, object]) -> None:
    """By a name that no node has while its number is another's, or by a number that is not its node's."""
    told = site.retire("-e", "retire=here", "--check", code=2, **more)
    assert f"boot server 7 is on record as {HERE}" in told or f"{HERE} is boot server 7 on record, not 3" in told


def test_a_living_host_is_refused_for_what_is_wanted_there(site: Site) -> None:
    """And not because it is on, which it always is."""
    site.kv.commit({}, {f"desired/{HERE}/default.shop": encode(WANTED)})
    told = site.retire("-e", "retire=here", "--check", code=2)
    assert f"default.shop is wanted on {HERE}" in told and "is on:" not in told


def test_a_node_of_the_swarm_is_not_retired(site: Site) -> None:
    """The managers would count on it. The refusal says how it leaves, alive or dead."""
    before = site.revision
    told = site.retire("-e", "retire=here", "--check", code=2, engine_swarm="manager")
    assert 'Set engine_swarm: "" for it in the inventory' in told.replace("\\", "")
    dead = site.retire("-e", "retire=boot-3", "-e", "engine_swarm=worker", code=2)
    assert "docker node rm --force" in dead
    assert site.revision == before
