"""etcd of a site through all that befalls it, with a writer at work: no acknowledged write is lost."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.boot_lab import Lab
from tests.lab.site import etcdctl, members, wait_for_nodes, wait_for_record
from tests.lab.wait import wait_until
from tests.lab.writer import Writer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.lab,
    pytest.mark.night,
    pytest.mark.timeout(900),
]
ETCD = "playbooks/etcd.yml"
NAMES = ("boot-0", "boot-1", "boot-2")
PARTITION_S = 60
FULL_S = 10
MOVE = """
set -e
systemctl reset-failed etcd && systemctl stop etcd
cp -a /var/lib/etcd /root/etcd
{between}
cp -a /root/etcd/. /var/lib/etcd/
rm -rf /root/etcd
systemctl start etcd
"""
"""Puts what etcd keeps elsewhere."""


@contextmanager
def written(site: Lab) -> Iterator[Writer]:
    """A client that writes all the time; afterwards every write it was told of is there."""
    with Writer(site) as writer:
        wait_until(lambda: writer.acknowledged, "the first write")
        yield writer
        before = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > before + 5, "writes go on", 30)
    assert writer.lost() == []


def test_a_rolling_restart_loses_no_write(whole_site: Lab) -> None:
    """One member at a time, each healthy before the next: writers notice next to nothing."""
    was = {host.hostname: host.sh("pidof etcd") for host in whole_site.hosts}
    with written(whole_site) as writer:
        play = whole_site.play(ETCD, "--tags", "restart").good()
    assert all(play.changed[name] == 1 for name in NAMES)
    assert all(host.sh("pidof etcd") != was[host.hostname] for host in whole_site.hosts)
    assert writer.longest_s < 5


@pytest.mark.parametrize("lrn", [0, 1, 2])
def test_any_member_may_be_killed(whole_site: Lab, lrn: int) -> None:
    """`kill -9`: writes go on within seconds, and the member comes back by itself."""
    host = whole_site[lrn]
    with written(whole_site) as writer:
        pid = host.sh("pidof etcd")
        host.sh("kill -9 $(pidof etcd)")
        wait_until(lambda: host.sh("pidof etcd", check=False) not in (pid, ""), "it is started again", 30)
    assert writer.longest_s < 10
    wait_until(lambda: members(whole_site[(lrn + 1) % 3]) == dict.fromkeys(NAMES, True), "all vote", 30)


def test_a_member_that_is_cut_off_comes_back(whole_site: Lab) -> None:
    """The majority goes on; the one that was away has all of it within ten seconds of healing."""
    with written(whole_site):
        whole_site[2].cut([whole_site[0].address, whole_site[1].address])
        time.sleep(PARTITION_S)  # the length of the cut is what is tried
        whole_site[2].heal()
        wait_until(lambda: healthy(whole_site) == 3, "three members are healthy", 10)
    wait_for_nodes(whole_site, *NAMES)
    wait_for_record(whole_site, 0, 1, 2, timeout_s=10)


def test_a_member_whose_disk_is_full_costs_no_write(whole_site: Lab) -> None:
    """It is killed with no byte left to start with; once there is room it is a member as before."""
    host = whole_site[1]
    host.sh(MOVE.format(between="mount -t tmpfs -o size=512m tmpfs /var/lib/etcd"))
    wait_until(lambda: healthy(whole_site) == 3, "it is back", 60)
    with written(whole_site):
        host.sh("head -c 512M /dev/zero > /var/lib/etcd/full; kill -9 $(pidof etcd)", check=False)
        assert host.sh("df --output=avail /var/lib/etcd | tail -n 1").strip() == "0"
        time.sleep(FULL_S)
        host.sh("rm /var/lib/etcd/full")
        wait_until(lambda: healthy(whole_site) == 3, "all members answer", 60)
    # With all that it was told meanwhile: a member that forgets is no member.
    host.sh(MOVE.format(between="umount /var/lib/etcd && find /var/lib/etcd -mindepth 1 -delete"))
    wait_until(lambda: healthy(whole_site) == 3, "all members answer", 60)


def test_a_restart_that_would_cost_the_quorum_is_refused(whole_site: Lab) -> None:
    """With one member down, the others are left alone, and the reason is a sentence."""
    whole_site[2].sh("systemctl stop etcd")
    was = [whole_site[lrn].sh("pidof etcd") for lrn in (0, 1)]
    play = whole_site.play(ETCD, "--tags", "restart")
    assert play.code != 0
    assert "too few members are healthy to keep a majority" in play.text
    assert [whole_site[lrn].sh("pidof etcd") for lrn in (0, 1)] == was
    whole_site.play(ETCD, "--limit", "boot-2").good()
    wait_until(lambda: healthy(whole_site) == 3, "three members are healthy", 30)


def test_a_snapshot_is_taken_and_members_are_defragmented(whole_site: Lab) -> None:
    """Each member's snapshot is whole; the timer takes one every hour."""
    whole_site.play(ETCD, "--tags", "snapshot,defragment").good()
    for host in whole_site.hosts:
        assert host.sh("ls /var/lib/etcd/snapshots/").split()
        assert "moorage-etcd-snapshot.timer" in host.sh("systemctl list-timers --no-pager")
    assert healthy(whole_site) == 3


def test_a_dead_member_is_replaced(whole_site: Lab) -> None:
    """A host that burnt down comes back bare: one run of the playbook makes it a member, with all that is on record."""
    with written(whole_site):
        whole_site.reset(2)
        whole_site.play("playbooks/site.yml").good()
        assert members(whole_site[0]) == dict.fromkeys(NAMES, True)
    wait_for_nodes(whole_site, *NAMES)
    wait_for_record(whole_site, 0, 1, 2)


def test_a_snapshot_is_restored_on_new_hosts(whole_site: Lab, tmp_path: Path) -> None:
    """All three burn down. What was written before the snapshot is there again, and everybody finds it."""
    with Writer(whole_site) as writer:
        wait_until(lambda: len(writer.acknowledged) > 20, "some writes")
    whole_site.play(ETCD, "--tags", "snapshot").good()
    newest = whole_site[0].sh("ls -t /var/lib/etcd/snapshots/*.db | head -n 1").strip()
    kept = tmp_path / "moorage.db"
    copy = ("docker", "cp", f"{whole_site[0].name}:{newest}", str(kept))
    subprocess.run(copy, check=True, capture_output=True)
    whole_site.reset()
    refused = whole_site.play("playbooks/site.yml", "--tags", "base,etcd")
    assert "neither can join nor may found a cluster" in refused.text
    whole_site.play(ETCD, "--tags", "restore", "-e", f"etcd_restore_file={kept}").good()
    whole_site.play("playbooks/site.yml").good()
    assert writer.lost() == []
    whole_site[0].run("moorage", "setup", "profile")
    wait_for_nodes(whole_site, *NAMES)
    wait_for_record(whole_site, 0, 1, 2)


def healthy(site: Lab) -> int:
    told = etcdctl(site[0], "endpoint", "health", "--cluster", check=False)
    return told.count("is healthy")
