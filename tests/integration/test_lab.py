"""The lab of boot servers: what befalls a host does, and ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab, lab
from tests.lab.checkout import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.timeout(300)]
RESET_S = 3.0


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two bare hosts."""
    with lab(2, tmp_path_factory.mktemp("lab")) as made:
        yield made


def test_ansible_reaches_each_host_as_any_other(hosts: Lab) -> None:
    """By SSH, with host keys checked, and with the groups of the lab's inventory."""
    command = (hosts.ansible()[0].replace("ansible-playbook", "ansible"), *hosts.ansible()[1:])
    argv = (*command, "bootservers", "-m", "ansible.builtin.command", "-a", "hostname", "-o")
    told = subprocess.run(argv, env=hosts.environment(), capture_output=True, text=True, check=False)
    assert re.findall(r"\(stdout\) (\S+)", told.stdout), told.stdout + told.stderr
    assert set(re.findall(r"\(stdout\) (\S+)", told.stdout)) == {"boot-0", "boot-1"}
    groups = json.loads((hosts.directory / "hosts.yml").read_text())
    assert set(groups["all"]["hosts"]) == {"boot-0", "boot-1"}


def test_a_cut_link_drops_everything_until_it_is_healed(hosts: Lab) -> None:
    """From one peer alone, or from everybody."""
    one, other = hosts.hosts
    one.cut([other.address])
    assert not reaches(other, one) and reaches(other, other)
    assert one.ssh_key(), "the machine still reaches it"
    one.cut()
    assert not one.ssh_key()
    one.heal()
    assert reaches(other, one) and one.ssh_key()


def test_a_slow_link_is_late_by_what_was_said(hosts: Lab) -> None:
    """And quick again once it is healed."""
    one, other = hosts.hosts
    one.slow(0.08)
    assert 80 <= round_trip_ms(other, one) < 160
    one.heal()
    assert round_trip_ms(other, one) < 40


def test_a_frozen_host_goes_on_where_it_was(hosts: Lab) -> None:
    """Its processes are the same before and after."""
    one, _ = hosts.hosts
    was = one.sh("cat /proc/sys/kernel/random/uuid > /tmp/mark; cat /tmp/mark")
    one.freeze()
    assert one.state() == "paused" and not one.ssh_key()
    one.thaw()
    assert one.sh("cat /tmp/mark") == was and one.is_up()


def test_a_killed_host_keeps_its_disk(hosts: Lab) -> None:
    """And loses what was in memory."""
    one, _ = hosts.hosts
    one.sh("echo kept > /root/kept; echo lost > /tmp/lost; sync")
    one.kill()
    assert one.state() == "exited"
    one.start()
    assert one.sh("cat /root/kept; ls /tmp/lost 2>&1", check=False).splitlines()[0] == "kept"
    assert "No such file" in one.sh("ls /tmp/lost", check=False)


def test_a_reset_host_is_bare_again_in_under_three_seconds(hosts: Lab) -> None:
    """Nothing that was written stays; keys, address and name do."""
    one, _ = hosts.hosts
    one.sh("echo mine > /root/mine; echo mine > /var/lib/docker/mine")
    began = time.monotonic()
    (fresh,) = hosts.reset(0)
    took_s = time.monotonic() - began
    assert fresh == one
    assert "No such file" in fresh.sh("ls /root/mine /var/lib/docker/mine", check=False)
    assert took_s < 2 * RESET_S, "with another test run beside it; alone it takes 2 s"


def test_a_lab_grows_and_shrinks(hosts: Lab) -> None:
    """A host more has the next number; it leaves nothing behind."""
    (more,) = hosts.grow(1)
    assert (more.lrn, more.state()) == (2, "running")
    hosts.shrink(2)
    assert [host.lrn for host in hosts.hosts] == [0, 1]
    told = subprocess.run(("docker", "volume", "ls", "-q"), capture_output=True, text=True, check=True).stdout
    assert f"{more.name}-docker" not in told


def test_what_people_type_does_the_same(hosts: Lab) -> None:
    """`python -m tests.lab list` names the hosts, and a word it does not know is refused."""
    command = (sys.executable, "-m", "tests.lab", "--name", hosts.name, "--directory", str(hosts.directory))
    told = subprocess.run((*command, "list"), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in told.splitlines()] == ["boot-0", "boot-1"]
    assert subprocess.run((*command, "burn"), cwd=ROOT, capture_output=True, check=False).returncode == 2


def reaches(one: BootHost, other: BootHost) -> bool:
    return "1 received" in one.run("ping", "-c1", "-W1", "-q", other.address, check=False)


def round_trip_ms(one: BootHost, other: BootHost) -> float:
    """Shortest of three."""
    told = one.run("ping", "-c3", "-i0.2", "-q", other.address)
    found = re.search(r"min/avg/max/mdev = ([\d.]+)/", told)
    assert found, told
    return float(found[1])
