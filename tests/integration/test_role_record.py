"""The role `record` over this machine: its real dpkg and engine, a real etcd, Ansible's own program."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appserver.adapters.clock import SystemClock
from appserver.adapters.dpkg import Dpkg
from appserver.adapters.engine import DockerEngine
from appserver.adapters.etcd import Etcd
from appserver.agent.installed import Record
from appserver.store import keys
from tests.lab.agents import run_docker as docker
from tests.lab.ansible_play import Ran, play
from tests.lab.etcd import ClusterFactory

LRN = 7
SOCKET = "/var/run/docker.sock"
NO_ENGINE = "/nowhere/docker.sock"
"""A host without one: whatever other tests start meanwhile is then no change of this one."""
Run = Callable[..., Ran]


@pytest.fixture
def endpoint(etcd_cluster: ClusterFactory) -> str:
    return etcd_cluster().members[0].endpoint


@pytest.fixture
def kv(endpoint: str) -> Iterator[Etcd]:
    with closing(Etcd([endpoint])) as client:
        yield client


@pytest.fixture
def run(endpoint: str, tmp_path: Path) -> Run:
    """`run("--check", record_ssh_public_key=…)`"""

    def ran(*flags: str, **variables: object) -> Ran:
        role = {"ansible.builtin.import_role": {"name": "moorage.boot.record"}}
        given = {"lrn": LRN, "record_program": "/nowhere", "etcd_store": {}, **variables}
        store = {"group/moorage.boot.store": {"endpoints": [endpoint]}}
        return play(tmp_path, [{**role, "vars": given}], *flags, more={"module_defaults": store})

    return ran


def agent(kv: Etcd) -> Record:
    """What an agent of this host would record."""
    return Record(kv, DockerEngine(SOCKET), Dpkg(), SystemClock(), "n7", LRN)


def test_a_second_run_changes_nothing(kv: Etcd, run: Run) -> None:
    """The first writes what dpkg says and takes away what is gone; a check before it tells so, and writes nothing."""
    kv.commit({}, {keys.installed_deb(LRN, "ghost"): "1"})
    checked = run("--check", "--diff", record_engine_socket=NO_ENGINE).good()
    assert checked.changed == 1
    assert f"-install/{LRN}/debs/ghost: 1" in checked.text
    assert list(kv.snapshot("").items) == [keys.installed_deb(LRN, "ghost")]
    assert run(record_engine_socket=NO_ENGINE).good().changed == 1
    seen = kv.snapshot("")
    debs = {key.rpartition("/")[2]: item.value for key, item in seen.items.items() if "/debs/" in key}
    assert debs == Dpkg().installed()
    assert run(record_engine_socket=NO_ENGINE).good().changed == 0
    assert kv.snapshot("").revision == seen.revision


def test_containers_are_recorded_as_an_agent_would(kv: Etcd, run: Run, test_image: str) -> None:
    """Each by the same name and image, while it runs; an agent then finds nothing to write."""
    name = f"role-record-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--network=none", "--name", name, test_image)
    try:
        run().good()
        assert kv.snapshot("install/").items[keys.installed_container(LRN, name)].value == test_image
        differing = {one.name for one in agent(kv).record()}
        assert not differing & {name, *Dpkg().installed()}
    finally:
        docker("rm", "-f", name)
    assert f"-install/{LRN}/containers/{name}: {test_image}" in run("--diff").good().text
    assert keys.installed_container(LRN, name) not in kv.snapshot("install/").items


def test_what_holds_for_the_site_is_recorded_where_it_is_said(kv: Etcd, run: Run, tmp_path: Path) -> None:
    """The release that the installed program tells, and a public key; a later release stays."""
    program = tmp_path / "release/bin/moorage"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 1.2.0\n")
    program.chmod(0o755)
    given = {"record_program": str(tmp_path / "release"), "record_ssh_public_key": "ssh-ed25519 AAAA ann"}
    given["record_engine_socket"] = NO_ENGINE
    run(**given).good()
    found = {key: item.value for key, item in kv.snapshot("info/").items.items()}
    assert found == {f"info/bootservers/{LRN}": "", "info/release": "1.2.0", "info/ssh-pubkey": "ssh-ed25519 AAAA ann"}
    kv.commit({}, {"info/release": "1.3.0"})
    assert run(**given).good().changed == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"record_lrn": -1}, "its number (lrn) is to be 0 or more"),
        ({"record_ssh_public_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "is one line as ssh-keygen writes"),
    ],
)
def test_what_cannot_be_recorded_is_said(kv: Etcd, run: Run, given: dict[str, object], told: str) -> None:
    """And nothing is written."""
    ran = run(**given)
    assert ran.code == 2 and told in " ".join(ran.text.split()), ran.text
    assert not kv.snapshot("").items


def test_an_engine_that_does_not_answer_takes_nothing_off_the_record(kv: Etcd, run: Run, tmp_path: Path) -> None:
    """A host without an engine is another matter: its packages are recorded, and its containers left."""
    kv.commit({}, {keys.installed_container(LRN, "web"): "x:1"})
    (tmp_path / "dead.sock").touch()
    ran = run(record_engine_socket=str(tmp_path / "dead.sock"))
    assert ran.code == 2 and "does not answer" in ran.text
    run(record_engine_socket=NO_ENGINE).good()
    assert keys.installed_container(LRN, "web") in kv.snapshot("install/").items


def test_a_roles_own_packages_are_recorded_as_dpkg_says(kv: Etcd, endpoint: str, tmp_path: Path) -> None:
    """What is not installed is not on record, be it because dpkg never heard of it."""
    role = {"ansible.builtin.import_role": {"name": "moorage.boot.record", "tasks_from": "packages"}}
    given = {"record_lrn": LRN, "record_packages": ["dpkg", "no-such-package"]}
    store = {"module_defaults": {"group/moorage.boot.store": {"endpoints": [endpoint]}}}
    for changed in (1, 0):
        assert play(tmp_path, [{**role, "vars": given}], more=store).good().changed == changed
    found = {key: item.value for key, item in kv.snapshot("install/").items.items()}
    assert found == {keys.installed_deb(LRN, "dpkg"): Dpkg().installed()["dpkg"]}
