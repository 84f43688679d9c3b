"""The firewall of the role `base`: Moorage's own ports closed to strangers, and nobody else's rules touched."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.boot_hosts import PACKAGES, BootHost
from tests.lab.boot_lab import Lab, Play, lab
from tests.lab.hosts import image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.lab,
    pytest.mark.night,
    pytest.mark.timeout(600),
]
ETCD, SSH = 2379, 22
ON = ("-e", "base_firewall=true")
THEIRS = "table inet theirs { chain input { type filter hook input priority 5; tcp dport 9 drop; }; }"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5); print('in')"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two hosts with a store on the first, on which somebody has rules of their own."""
    with lab(2, tmp_path_factory.mktemp("walled")) as made:
        play(made).good()
        made[0].sh("apt-get install -q -y --no-install-recommends nftables")
        made[0].run("nft", "-f", "-", text=THEIRS)
        yield made


def test_a_check_tells_and_closes_nothing(site: Lab) -> None:
    """Each host would change; on one it could say the rules, on the other there is no nft yet."""
    told = play(site, *ON, "--check", "--diff").good()
    assert all(told.changed[host.hostname] for host in site.hosts)
    assert "+    tcp dport { 2379, 2380, 8080, 8090 } reject with tcp reset" in told.text
    assert tables(site[0]) == ["theirs"]


def test_strangers_are_kept_out_and_the_site_is_not(site: Lab) -> None:
    """Another host of the network does not reach the store; hosts of the site, and this controller, do. SSH is open."""
    assert stranger(site, ETCD)
    before = rules(site[0])
    play(site, *ON).good()
    assert not stranger(site, ETCD)
    assert stranger(site, SSH)
    assert reaches(site[1], site[0])
    assert reaches(site[0], site[0])
    assert set(play(site, *ON).good().changed.values()) == {0}, "the controller reaches the store, and nothing is new"
    assert rules(site[0]) == before


def test_admins_are_let_in(site: Lab) -> None:
    """A network more, and it is in; without it, out again."""
    admins = ("-e", f'{{"base_firewall_admins": ["{site[0].address.rpartition(".")[0]}.0/24", "2001:db8::/64"]}}')
    play(site, *ON, *admins).good()
    assert stranger(site, ETCD)
    play(site, *ON).good()
    assert not stranger(site, ETCD)


def test_rules_outlive_a_restart_and_come_back_when_somebody_flushed_them(site: Lab) -> None:
    """By themselves at boot; after a flush by the next run, which a check announces."""
    site[1].kill()
    site[1].start()
    assert tables(site[1]) == ["moorage"]
    site[1].run("nft", "flush", "ruleset")
    assert play(site, *ON, "--check").good().changed["boot-1"] == 1
    play(site, *ON).good()
    assert tables(site[1]) == ["moorage"]


def test_hosts_without_an_address_are_refused(site: Lab) -> None:
    """Before anything is closed to them."""
    told = play(site, *ON, "-i", "nowhere,", "--limit", "boot-1", "--check")
    assert told.code == 2
    assert "an address of every host, which it has not of nowhere" in " ".join(told.text.split())


def test_switched_off_nothing_of_it_is_left(site: Lab) -> None:
    """Table, unit and file are gone, their table is there, and the second run changes nothing."""
    before = rules(site[0])
    assert play(site, "--check").good().changed["boot-0"] > 0
    play(site).good()
    assert (tables(site[0]), tables(site[1])) == (["theirs"], [])
    assert rules(site[0]) == before
    assert stranger(site, ETCD)
    assert "moorage-firewall" not in site[0].sh("ls /etc/systemd/system; ls /etc/systemd/system/*.wants")
    assert set(play(site).good().changed.values()) == {0}


def play(site: Lab, *argv: str) -> Play:
    return site.play("playbooks/site.yml", "--tags", "base,etcd", *argv)


def tables(host: BootHost) -> list[str]:
    """Tables of the family inet."""
    lines = host.sh("command -v nft > /dev/null || exit 0; nft list tables inet").splitlines()
    return sorted(line.split()[-1] for line in lines)


def rules(host: BootHost) -> str:
    """All rules but ours."""
    return host.sh("nft list table inet theirs; iptables-save | grep -v '^#'")


def reaches(one: BootHost, other: BootHost) -> bool:
    return "in" in one.run("python3", "-c", CONNECT, other.address, str(ETCD), check=False).split()


def stranger(site: Lab, port: int) -> bool:
    """Whether a host of the network that is none of the site reaches a port of the first."""
    program = ("python3", "-c", CONNECT, site[0].address, str(port))
    argv = ("docker", "run", "--rm", "--network", site.name, image(packages=PACKAGES), *program)
    return "in" in subprocess.run(argv, capture_output=True, text=True, check=False).stdout.split()
