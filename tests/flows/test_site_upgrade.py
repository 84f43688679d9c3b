"""etcd of a site from one minor version to the next, with a writer at work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab, lab
from tests.lab.site import SITE, etcdctl, members
from tests.lab.wait import wait_until
from tests.lab.writer import Writer

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(900)]
NAMES = ("boot-0", "boot-1", "boot-2")


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three bare hosts of their own: what is deployed on the shared ones is as new as can be had."""
    with lab(3, tmp_path_factory.mktemp("upgrade")) as made:
        yield made


def test_members_are_upgraded_to_the_next_minor_version(bare: Lab) -> None:
    """One at a time, each healthy before the next; no acknowledged write is lost, and a second run changes nothing."""
    bare.play(SITE, "--tags", "base").good()
    new, old = offered(bare[0])
    assert minor(old) != minor(new)
    bare.play(SITE, "--tags", "etcd", "-e", f"etcd_version={old}").good()
    assert {version(host) for host in bare.hosts} == {minor(old)}
    with Writer(bare) as writer:
        wait_until(lambda: writer.acknowledged, "the first write")
        play = bare.play("playbooks/etcd.yml", "-e", f"etcd_version={new}").good()
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 5, "writes go on", 30)
    assert set(NAMES) <= {name for name, count in play.changed.items() if count}
    assert {version(host) for host in bare.hosts} == {minor(new)}
    assert writer.longest_s < 10
    assert writer.lost() == []
    assert members(bare[0]) == dict.fromkeys(NAMES, True)
    again = bare.play("playbooks/etcd.yml", "-e", f"etcd_version={new}").good()
    assert set(again.changed.values()) == {0}


def offered(host: BootHost) -> tuple[str, ...]:
    """Versions of the package that the host could have, the newest first."""
    found = host.sh("apt-cache madison etcd-server").splitlines()
    versions = dict.fromkeys(line.split("|")[1].strip() for line in found)
    return tuple(versions)[:2]


def version(host: BootHost) -> str:
    """Of the member that runs, as `3.5`."""
    told = etcdctl(host, "endpoint", "status", "-w", "simple")
    return minor(told.split(",")[2].strip())


def minor(text: str) -> str:
    return ".".join(text.split(".")[:2])
