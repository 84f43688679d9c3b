"""Hosts that come to a site, run applications through what befalls them, and leave it for good."""

from __future__ import annotations

import pytest

from tests.lab.boot_lab import Lab
from tests.lab.site import SITE, below, etcdctl, members, moorage, wait_for_nodes, wait_for_record
from tests.lab.site_apps import deploy_on, starts, state
from tests.lab.wait import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.lab,
    pytest.mark.night,
    pytest.mark.timeout(900),
]
NAMES = ("boot-0", "boot-1", "boot-2")
RETIRE = "playbooks/retire.yml"


def test_a_host_is_added_without_touching_the_others(whole_site: Lab) -> None:
    """A line in the inventory and a run that is limited to it: it is on, and on record."""
    whole_site.grow(1)
    play = whole_site.play(SITE, "--limit", "boot-3").good()
    assert play.changed["boot-3"] > 10 and set(play.changed) <= {"boot-3", "localhost"}
    wait_for_nodes(whole_site, *NAMES, "boot-3")
    wait_for_record(whole_site, 3)
    assert set(members(whole_site[0])) == set(NAMES), "it is no member of etcd"


def test_a_restart_of_every_engine_starts_no_container_twice(whole_site: Lab) -> None:
    """Live restore keeps containers running; a killed engine finds them again, and nobody makes a second one."""
    names = {host.lrn: deploy_on(whole_site, host) for host in whole_site.hosts}
    was = {lrn: starts(whole_site[lrn], name) for lrn, name in names.items()}
    assert all(was.values())
    for host in whole_site.hosts:
        host.sh("systemctl restart docker" if host.lrn % 2 else "kill -9 $(pidof dockerd)")
    wait_for_nodes(whole_site, *NAMES, "boot-3")
    wait_until(lambda: all(state(whole_site, name) == "running" for name in names.values()), "all run, on record", 60)
    assert {lrn: starts(whole_site[lrn], name) for lrn, name in names.items()} == was
    wait_for_record(whole_site, 0, 1, 2, 3)


def test_a_host_that_is_cut_off_keeps_its_application(whole_site: Lab) -> None:
    """It is told as off; healed, it is on again, its container the same, the record equal within ten seconds."""
    one = whole_site[3]
    was = starts(one, "on-boot-3")
    one.cut()
    wait_until(lambda: not below(whole_site[0], "alive/boot-3"), "its lease ends", 60)
    one.heal()
    wait_for_nodes(whole_site, "boot-3", timeout_s=30)
    wait_for_record(whole_site, 3, timeout_s=10)
    assert starts(one, "on-boot-3") == was


def test_a_full_disk_is_told_and_goes_by(whole_site: Lab) -> None:
    """The node's condition says how little is left; once there is room it is healthy, and its application ran on."""
    one, was = whole_site[1], starts(whole_site[1], "on-boot-1")
    one.sh(
        "mount -t tmpfs -o size=64m tmpfs /var/lib/docker; head -c 64M /dev/zero > /var/lib/docker/full", check=False
    )
    wait_until(
        lambda: "GiB free of" in str(bad_conditions(whole_site, "boot-1").get("disk")), "the disk is told as full", 60
    )
    one.sh("umount -l /var/lib/docker")
    wait_for_nodes(whole_site, "boot-1")
    assert starts(one, "on-boot-1") == was


def test_a_host_with_an_application_is_not_retired(whole_site: Lab) -> None:
    """The refusal says which is wanted there and what to do, in a check and without; the node goes on as before."""
    for more in (("--check",), ()):
        play = whole_site.play(RETIRE, "-e", "retire=boot-3", *more)
        assert play.code != 0
        assert "default.on-boot-3 is wanted on boot-3: deploy elsewhere or delete first" in play.text, play.text[-2000:]
    assert below(whole_site[0], "nodes/boot-3")
    assert whole_site[3].sh("systemctl is-active moorage-agent").strip() == "active"


def test_a_dead_host_is_retired_with_what_was_leaving_it(whole_site: Lab) -> None:
    """It burns down while its application is being deleted: both go off the record, and nobody waits for it."""
    whole_site[3].kill()
    server = whole_site[0]
    server.run("moorage", "app", "delete", "on-boot-3", "--yes", "--no-wait")
    assert state(whole_site, "on-boot-3"), "its agent cannot say that it let go"
    wait_until(lambda: not below(server, "alive/boot-3"), "its lease ends", 60)
    whole_site.play(RETIRE, "-e", "retire=boot-3").good()
    assert state(whole_site, "on-boot-3") == ""
    held = ("nodes/boot-3", "install/3/", "info/bootservers/3", "desired/boot-3/", "observed/boot-3/")
    for prefix in (*held, f"machines/allnodes/{whole_site[3].address}"):
        assert not below(server, prefix), prefix
    assert "agent:boot-3" not in etcdctl(server, "user", "list")
    again = whole_site.play(RETIRE, "-e", "retire=boot-3").good()
    assert set(again.changed.values()) == {0} and "boot-3 was not on record" in again.text
    whole_site.shrink(3)


def test_a_member_of_etcd_is_retired_alive_and_comes_back(whole_site: Lab) -> None:
    """It leaves the cluster and the record, and keeps no key; as a bare host under its name it is all of it again."""
    server = whole_site[0]
    server.run("moorage", "app", "delete", "on-boot-2", "--yes")
    whole_site.play(RETIRE, "-e", "retire=boot-2", "--check").good()
    assert members(server) == dict.fromkeys(NAMES, True) and below(server, "alive/boot-2")
    whole_site.play(RETIRE, "-e", "retire=boot-2").good()
    assert members(server) == {"boot-0": True, "boot-1": True}
    assert not below(server, "install/2/") and not below(server, "nodes/boot-2")
    assert whole_site[2].sh("find /etc/moorage -name '*.key' -o -name 'id_*'").strip() == ""
    assert set(whole_site.play(RETIRE, "-e", "retire=boot-2").good().changed.values()) == {0}
    whole_site.reset(2)
    whole_site.play(SITE, "--limit", "boot-2").good()
    assert members(server) == dict.fromkeys(NAMES, True)
    wait_for_nodes(whole_site, *NAMES)
    wait_for_record(whole_site, 0, 1, 2)


def bad_conditions(site: Lab, node: str) -> dict[str, str]:
    """Name of each condition of a node that is not good to its reason."""
    conditions = moorage(site[0], "node", "show", node)["conditions"]
    assert isinstance(conditions, list)
    return {one["name"]: one["reason"] for one in conditions if not one["ok"]}
