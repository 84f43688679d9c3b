"""`./up` and `./down` as a stranger meets them, on a fresh Debian host. Each test stands on those before it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.lab.checkout import checkout
from tests.lab.hosts import Host, host
from tests.lab.installed import HOME, down, fetch, files, guestbook, packages, page, up, url
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.timeout(600)]

FIRST_S, SECOND_S = 300, 90
"""Five minutes, and 30 s on two quiet cores; thrice that on a machine that runs other tests too."""
UNITS = ("etcd", "docker", "moorage-agent", "moorage-serve")


@pytest.fixture(scope="module")
def machine() -> Iterator[Host]:
    """A fresh host with systemd, with this checkout."""
    with host("systemd") as fresh:
        fresh.put(checkout(), HOME)
        yield fresh


@pytest.fixture(scope="module")
def before(machine: Host) -> tuple[set[str], set[str]]:
    """Packages and files of the fresh host."""
    return packages(machine), files(machine)


def test_a_check_says_what_would_change_and_changes_nothing(machine: Host, before: tuple[set[str], set[str]]) -> None:
    """`./up --check` on a fresh machine ends well; all it leaves are the tools it checks with."""
    told = up(machine, "--check")
    assert re.search(r"Checked in \d+ s: [3-9]\d would change", told), told
    assert not {"docker.io", "etcd-server", "bubblewrap"} & packages(machine)
    made = files(machine) - before[1]
    assert not [path for path in made if path.startswith(("/etc/moorage", "/etc/systemd", "/opt", "/usr/local"))]


def test_up_gives_a_running_application_and_where_it_is(machine: Host) -> None:
    """In five minutes: pages that answer, a link for the first visit, a command line that works for root alone."""
    began = time.monotonic()
    told = up(machine)
    assert time.monotonic() - began < FIRST_S
    assert "Ahoy!" in fetch(url(told, "Application"))
    assert fetch(url(told, "Web page"))
    assert "assword" in fetch(url(told, "First visit"))
    assert guestbook(machine) == ("running", 2)
    assert machine.sh("stat -c '%a %U' /root/.config/moorage/profile.toml").strip() == "600 root"
    for secret in ("seal.key", "authority/ca.key", "pki/etcd.key", "pki/agent.key", "pki/serve.key", "agent.toml"):
        assert machine.sh(f"stat -c %A /etc/moorage/{secret}").strip().endswith("---"), secret


def test_the_sample_keeps_what_people_write_in_its_other_service(machine: Host) -> None:
    """Two services that talk: what the page is told comes back from the store."""
    sign = "import urllib.request as u; u.urlopen('http://127.0.0.1:8081/sign', b'words=Hello+there')"
    machine.run("python3", "-c", sign)
    assert "Hello there" in page(machine)


def test_the_hosts_packages_are_on_record(machine: Host) -> None:
    """What the playbook installed stands in etcd with its version, after it was installed."""
    version = machine.sh("dpkg-query -W -f '${Version}' docker.io")
    pki = "/etc/moorage/pki"
    tls = f"--cacert {pki}/ca.crt --cert {pki}/etcd.crt --key {pki}/etcd.key"
    found = machine.sh(f"etcdctl {tls} get --print-value-only /moorage/install/0/debs/docker.io")
    assert found.strip() == version


def test_a_second_run_changes_nothing(machine: Host) -> None:
    """Half a minute, `changed=0`, the same containers, the same profile; so does a check."""
    was = machine.sh("docker ps -q --no-trunc; cat /root/.config/moorage/profile.toml")
    began = time.monotonic()
    told = up(machine)
    assert time.monotonic() - began < SECOND_S
    assert "changed=0." in told
    assert machine.sh("docker ps -q --no-trunc; cat /root/.config/moorage/profile.toml") == was
    assert ": 0 would change" in up(machine, "--check", "--diff")


@pytest.mark.parametrize("unit", UNITS)
def test_a_killed_daemon_comes_back(machine: Host, unit: str) -> None:
    """`kill -9` of any of the four: it is there again without a person, and containers did not notice."""
    containers = machine.sh("docker ps -q --no-trunc")
    pid = unit_pid(machine, unit)
    machine.sh(f"kill -9 {pid}")
    wait_until(lambda: unit_pid(machine, unit) not in (pid, ""), f"{unit} is started again", 60)
    wait_until(lambda: guestbook(machine) == ("running", 2), "the application is known to run", 60)
    assert machine.sh("docker ps -q --no-trunc") == containers


def test_a_rebooted_machine_comes_back_with_its_application(machine: Host) -> None:
    """Power off and on: page and record are there, with what people wrote."""
    machine.reboot()
    wait_until(lambda: "Hello there" in page(machine), "the page answers", 90)
    wait_until(lambda: guestbook(machine) == ("running", 2), "the application is known to run", 60)


def test_down_leaves_the_machine_as_it_was(machine: Host, before: tuple[set[str], set[str]]) -> None:
    """Packages, files, users, links of the network: what `./up` brought is gone, all else is there. Twice."""
    assert "as it was before ./up" in down(machine)
    assert packages(machine) == before[0]
    assert files(machine) == before[1]
    assert "docker0" not in machine.sh("ip -br link")
    assert machine.sh("systemctl --failed --no-legend").strip() == ""
    assert "Nothing that ./up made is here" in down(machine)


def unit_pid(machine: Host, unit: str) -> str:
    """Empty while the unit is not active."""
    told = machine.sh(f"systemctl show -p ActiveState,MainPID {unit}")
    found = re.search(r"MainPID=([1-9]\d*)", told)
    return found[1] if found and "ActiveState=active" in told else ""
