"""`playbooks/site.yml` over three bare hosts, as a user would run it. Each test stands on those before it."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.lab.boot_lab import Lab
from tests.lab.checkout import ROOT
from tests.lab.installed import packages
from tests.lab.site import SITE, below, members, moorage, recorded_packages, wait_for_nodes, wait_for_record
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(900)]
NAMES = ("boot-0", "boot-1", "boot-2")
SECRETS = ("pki/etcd.key", "pki/agent.key", "seal.key", "agent.toml")


def test_a_check_of_bare_hosts_says_what_would_change_and_changes_nothing(boot_lab: Lab) -> None:
    """It goes through to its end, though what it would start is not there."""
    before = packages(boot_lab[1])
    play = boot_lab.play(SITE, "--check", "--diff").good()
    assert all(play.changed[name] > 20 for name in NAMES), play.changed
    assert packages(boot_lab[1]) == before
    assert "No such file" in boot_lab[1].sh("ls /etc/moorage", check=False)
    assert not (boot_lab.directory / "authority" / "ca.key").exists()


def test_a_play_that_is_interrupted_is_resumed(boot_lab: Lab) -> None:
    """Ctrl-C in the midst of it, then a host frozen in the midst of the next run; the one after that finishes."""
    command = (*boot_lab.ansible(), SITE)
    with subprocess.Popen(
        command, cwd=ROOT, env=boot_lab.environment(), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as playing:
        assert playing.stdout
        for line in playing.stdout:
            if "etcd : The member is configured" in line:
                os.killpg(playing.pid, signal.SIGINT)
                break
        playing.stdout.read()
    assert playing.returncode != 0
    assert "member" not in boot_lab[0].sh("ls /var/lib/etcd/moorage", check=False)


def test_a_host_that_freezes_in_mid_play_does_not_harm_the_others(boot_lab: Lab) -> None:
    """It is told as unreachable; the members that are there have made their cluster, or none did by half."""
    command = (*boot_lab.ansible(), SITE, "--tags", "base,etcd", "-e", "ansible_ssh_timeout=5")
    with subprocess.Popen(
        command, cwd=ROOT, env=boot_lab.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as playing:
        assert playing.stdout
        told = ""
        for line in playing.stdout:
            told += line
            if "etcd : Data and snapshots have their directories" in line:
                boot_lab[2].freeze()
    boot_lab[2].thaw()
    assert playing.returncode != 0
    assert "boot-2" in told and "unreachable=1" in told, told[-3000:]
    assert members(boot_lab[0]) == {"boot-0": True, "boot-1": True}


def test_bare_hosts_become_a_site(boot_lab: Lab) -> None:
    """Three members of etcd that all vote, three nodes that are on and healthy, all on record."""
    play = boot_lab.play(SITE).good()
    assert all(play.changed[name] for name in NAMES)
    server = boot_lab[0]
    server.run("moorage", "setup", "profile")
    assert members(server) == dict.fromkeys(NAMES, True)
    wait_for_nodes(boot_lab, *NAMES)
    wait_for_record(boot_lab, 0, 1, 2)
    listed = moorage(server, "boot", "list")["items"]
    assert isinstance(listed, list) and [one["lrn"] for one in listed] == [0, 1, 2]


def test_a_second_run_and_a_check_change_nothing(whole_site: Lab) -> None:
    """Nor does one that is limited to a host."""
    assert set(whole_site.play(SITE).good().changed.values()) == {0}
    assert set(whole_site.play(SITE, "--check", "--diff").good().changed.values()) == {0}
    limited = whole_site.play(SITE, "--limit", "boot-1").good()
    assert limited.changed["boot-1"] == 0 and "boot-0" not in limited.changed


def test_a_restart_that_an_interrupted_play_owes_is_made_up_for(whole_site: Lab) -> None:
    """It had put a file in place; the next one finds nothing to write there, and restarts what is older than it."""
    host = whole_site[1]
    was = host.sh("systemctl show -p MainPID --value moorage-agent")
    host.sh("cd /etc/moorage && cp -p agent.toml agent.new && mv agent.new agent.toml")
    assert whole_site.play(SITE, "--tags", "agent", "--limit", "boot-1").good().changed["boot-1"] == 2
    assert host.sh("systemctl show -p MainPID --value moorage-agent") != was
    assert whole_site.play(SITE, "--tags", "agent", "--limit", "boot-1").good().changed["boot-1"] == 0


def test_nobody_else_reads_what_is_secret(whole_site: Lab) -> None:
    """Keys and settings are root's, or of the one user that needs them; nothing secret is in what the play printed."""
    for host in whole_site.hosts:
        for name in SECRETS:
            assert host.sh(f"stat -c %A /etc/moorage/{name}").strip().endswith("---"), (host.name, name)
    told = whole_site.play(SITE, "-vvv", "--tags", "base,agent", "--limit", "boot-1").good().text
    seal = (whole_site.directory / "authority" / "seal.key").read_text().strip()
    assert seal not in told and "PRIVATE KEY" not in told
    mode = (whole_site.directory / "authority").stat().st_mode
    assert mode & 0o077 == 0


def test_what_is_done_by_hand_is_seen_within_a_minute(whole_site: Lab) -> None:
    """A package installed and removed on one host is told with before and after."""
    one = whole_site[1]
    one.sh("apt-get install -y -q --no-install-recommends tree")
    wait_until(lambda: "tree" in recorded_packages(whole_site[0], one), "the package is on record", 60)
    found = moorage(whole_site[0], "boot", "find", "--deb", "tree")["items"]
    assert isinstance(found, list) and [item["lrn"] for item in found] == [1]
    one.sh("apt-get remove -y -q tree")
    wait_until(lambda: "tree" not in recorded_packages(whole_site[0], one), "it is off the record", 60)
    news = json.dumps(list(below(whole_site[0], "events/").values()))
    assert "tree" in news


def test_an_agent_may_not_write_another_nodes_record(whole_site: Lab) -> None:
    """With the files that are on its own host."""
    pki = "/etc/moorage/pki"
    tls = f"--cacert {pki}/ca.crt --cert {pki}/agent.crt --key {pki}/agent.key"
    ask = f"etcdctl --endpoints=https://{whole_site[1].address}:2379 {tls}"
    assert "permission denied" in whole_site[1].sh(f"{ask} put /moorage/nodes/boot-0 x", check=False)
    assert "permission denied" in whole_site[1].sh(f"{ask} get /moorage/users/ --prefix", check=False)
    assert "OK" in whole_site[1].sh(f"{ask} put /moorage/info/bootservers/1 ''")
