"""`playbooks/basefs.yml` over two hosts: one image, the same to the byte. Each test stands on those before it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab, Play, lab
from tests.lab.checkout import ROOT
from tests.lab.etcd import Cluster, etcd_members
from tests.lab.groups import in_group

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(400)]

NAMES = ("boot-0", "boot-1")
Basefs = Callable[..., Play]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two hosts with engines."""
    with lab(2, tmp_path_factory.mktemp("basefs")) as made, ThreadPoolExecutor(2) as at_once:
        list(at_once.map(with_engine, made.hosts))
        yield made


@pytest.fixture(scope="module")
def store() -> Iterator[Cluster]:
    with etcd_members() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def basefs(hosts: Lab, store: Cluster, cache: Path) -> Basefs:
    """The playbook with these variables; `serial` hosts at a time, all of them if it is 0."""

    def play(*argv: str, serial: int = 0, **variables: object) -> Play:
        ours = {
            "etcd_endpoints": [store.endpoints[0].removeprefix("http://")],
            "basefs_cache": str(cache),
            "basefs_packages": ["ca-certificates", "openssh-server", "python3-minimal"],
            **variables,
        }
        plays = yaml.safe_load((ROOT / "playbooks/basefs.yml").read_text())
        book = hosts.directory / "basefs-book.yml"
        book.write_text(json.dumps([{**one, "serial": serial} for one in plays]))
        return hosts.play(str(book), *in_group(hosts, "basefs"), "-e", json.dumps(ours), *argv)

    return play


def test_a_check_of_bare_hosts_changes_nothing(hosts: Lab, basefs: Basefs) -> None:
    assert min(basefs("--check", "--diff").good().changed.values()) > 0
    assert ids(hosts[0]) == {}
    assert "mmdebstrap" not in hosts[0].sh("dpkg-query -W")


def test_every_engine_gets_the_same_image(hosts: Lab, basefs: Basefs, store: Cluster) -> None:
    """Built on one host, loaded on both under one id, which is on record with its packages; it runs."""
    basefs().good()
    assert ids(hosts[0]) == ids(hosts[1]) == {"1": on_record(store, "basefs/1")["image"]}
    assert on_record(store, "basefs/1")["packages"]["openssh-server"].startswith("1:")
    assert store.etcdctl("get", "--print-value-only", "/moorage/info/basefs") == "1\n"
    assert keys(store) == {"basefs/1", "basefs/1/on/0", "basefs/1/on/1"}
    assert "12" in hosts[1].sh("docker run --rm moorage/basefs:1 cat /etc/debian_version")
    random = "ls /etc/ssh/ssh_host_* 2>/dev/null; cat /etc/machine-id"
    assert hosts[1].run("docker", "run", "--rm", "moorage/basefs:1", "sh", "-c", random) == ""


def test_a_second_run_and_a_check_change_nothing(basefs: Basefs) -> None:
    assert basefs().good().changed == dict.fromkeys(NAMES, 0)
    assert basefs("--check", "--diff").good().changed == dict.fromkeys(NAMES, 0)


def test_a_host_without_it_gets_it_from_one_that_has_it(hosts: Lab, basefs: Basefs, cache: Path) -> None:
    """Though the controller has not kept it, nothing is built again."""
    before = ids(hosts[0])
    hosts[1].run("docker", "image", "rm", "moorage/basefs:1")
    for kept in cache.iterdir():
        kept.unlink()
    play = basefs().good()
    assert play.changed["boot-1"] > 0
    assert ids(hosts[1]) == before


def test_built_again_elsewhere_it_is_the_same_to_the_byte(
    hosts: Lab, basefs: Basefs, store: Cluster, cache: Path
) -> None:
    """Another host, another hour, nobody who has it: the same id, else the record would have refused it."""
    before = on_record(store, "basefs/1")["image"]
    for kept in cache.iterdir():
        kept.unlink()
    for host in hosts.hosts:
        host.run("docker", "image", "rm", "moorage/basefs:1")
    basefs(basefs_builder="boot-1").good()
    assert ids(hosts[0]) == ids(hosts[1]) == {"1": before}


def test_one_host_at_a_time_gets_the_same(hosts: Lab, basefs: Basefs, cache: Path) -> None:
    """With `serial`: the first one builds it, the next one gets what the controller has kept of that."""
    before = ids(hosts[0])
    for kept in cache.iterdir():
        kept.unlink()
    for host in hosts.hosts:
        host.run("docker", "image", "rm", "moorage/basefs:1")
    basefs(serial=1).good()
    assert ids(hosts[0]) == ids(hosts[1]) == before
    assert basefs(serial=1).good().changed == dict.fromkeys(NAMES, 0)


def test_a_version_is_never_made_of_something_else(basefs: Basefs) -> None:
    play = basefs(basefs_own_packages=["less"])
    assert play.code != 0
    assert "version 1 is on record, built from other packages or sources" in play.text


def test_an_old_version_stays_while_it_is_used(hosts: Lab, basefs: Basefs, store: Cluster) -> None:
    """By a stopped container too; on the other host it goes. Own packages are in the new one."""
    hosts[1].run("docker", "create", "--name", "bob-1-0", "moorage/basefs:1", "sleep", "60")
    basefs(basefs_version="2", basefs_own_packages=["less"]).good()
    assert ids(hosts[0]).keys() == {"2"}
    assert ids(hosts[1]).keys() == {"1", "2"}
    assert hosts[0].run("docker", "run", "--rm", "moorage/basefs:2", "less", "--version").startswith("less ")
    assert keys(store) == {"basefs/1", "basefs/1/on/1", "basefs/2", "basefs/2/on/0", "basefs/2/on/1"}


def test_an_old_version_goes_once_nothing_uses_it(hosts: Lab, basefs: Basefs, store: Cluster) -> None:
    """From the engine, and from the record with it."""
    hosts[1].run("docker", "rm", "bob-1-0")
    basefs(basefs_version="2", basefs_own_packages=["less"]).good()
    assert ids(hosts[1]).keys() == {"2"}
    assert keys(store) == {"basefs/2", "basefs/2/on/0", "basefs/2/on/1"}


def with_engine(host: BootHost) -> None:
    install = "apt-get install -qq -y --no-install-recommends docker.io > /dev/null 2>&1"
    host.sh(f"apt-get update -qq && DEBIAN_FRONTEND=noninteractive {install} && docker version > /dev/null")


def ids(host: BootHost) -> dict[str, str]:
    """Version to the whole id of its image."""
    form = "{{.Tag}} {{.ID}}"
    told = host.run("docker", "image", "ls", "--no-trunc", "--format", form, "moorage/basefs")
    return dict(line.split() for line in told.splitlines())


def on_record(store: Cluster, key: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(store.etcdctl("get", "--print-value-only", f"/moorage/{key}"))
    return found


def keys(store: Cluster) -> set[str]:
    told = store.etcdctl("get", "--prefix", "--keys-only", "/moorage/basefs/").split()
    return {key.removeprefix("/moorage/") for key in told}
