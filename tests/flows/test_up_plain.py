"""`./up` and `./down` on a host without systemd. Each test stands on those before it.

At first somebody runs an engine and an etcd of their own there; then these are gone, and all is under the supervisor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.lab.checkout import checkout
from tests.lab.hosts import Host, host
from tests.lab.installed import HOME, down, fetch, guestbook, page, up, url
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(600)]

SERVICES = ("etcd", "docker", "agent", "serve")
THEIRS = """
set -e
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get update -q
apt-get install -q -y --no-install-recommends docker.io iptables etcd-server
rm /usr/sbin/policy-rc.d
setsid dockerd > /root/dockerd.log 2>&1 < /dev/null &
setsid etcd --data-dir /root/etcd > /root/etcd.log 2>&1 < /dev/null &
until docker version; do sleep 0.2; done
(cd / && tar -c lib*) | docker import - own:1
docker run -d --name own --restart always -v own:/data -v /usr:/usr:ro own:1 /usr/bin/sleep infinity
"""
"""An engine with a container of theirs, and an etcd, started by hand."""


@pytest.fixture(scope="module")
def plain() -> Iterator[Host]:
    """A host without systemd, on which somebody runs an engine with a container, and an etcd with a key."""
    with host("none") as fresh:
        fresh.put(checkout(), HOME)
        fresh.sh(THEIRS)
        yield fresh


@pytest.mark.night
def test_an_engine_and_an_etcd_of_ones_own_are_used_as_they_are(plain: Host) -> None:
    """`./up` starts no second engine or etcd, replaces no package, and leaves other people's containers alone."""
    was = own(plain)
    told = up(plain)
    assert "Ahoy!" in fetch(url(told, "Application"))
    assert own(plain) == was
    assert plain.sh("pgrep -c -x dockerd; pgrep -c -x etcd").split() == ["1", "1"]
    assert guestbook(plain) == ("running", 2)


@pytest.mark.night
def test_down_leaves_an_engine_and_an_etcd_of_ones_own(plain: Host) -> None:
    """Container, volume and key of theirs stay; nothing of the sample or under the prefix does."""
    was = own(plain)
    down(plain)
    assert own(plain) == was
    left = plain.sh(
        "docker ps -a --format '{{.Names}}'; docker image ls --format '{{.Repository}}'; docker volume ls -q"
    )
    assert left.split() == ["own", "own", "own"]
    assert count(plain, "/moorage/") == 0


def test_without_systemd_a_supervisor_runs_everything(plain: Host) -> None:
    """The same two commands, where runit starts the daemons: up after down, on a machine without engine and etcd."""
    plain.sh("docker rm -f -v own; docker rmi own:1; pkill -x dockerd; pkill -x etcd", check=False)
    plain.sh("apt-get purge -q -y docker.io etcd-server; rm -rf /root/etcd /etc/docker; ip link delete docker0")
    told = up(plain)
    assert "Ahoy!" in fetch(url(told, "Application"))
    assert [name for name in SERVICES if not service_pid(plain, name)] == []


@pytest.mark.parametrize("service", [*SERVICES, "runsvdir"])
def test_a_killed_daemon_comes_back_without_systemd(plain: Host, service: str) -> None:
    """The supervisor starts each again, and something starts the supervisor."""
    pid = service_pid(plain, service)
    plain.sh(f"kill -9 {pid}")
    wait_until(lambda: service_pid(plain, service) not in (pid, ""), f"{service} is started again", 60)
    wait_until(lambda: guestbook(plain) == ("running", 2), "the application is known to run", 60)


def test_a_reboot_without_systemd_brings_everything_back(plain: Host) -> None:
    """Where init runs the scripts of its run level, one of them starts the supervisor."""
    plain.reboot()
    plain.sh("for script in /etc/rc2.d/S*moorage; do $script start; done")
    wait_until(lambda: "Ahoy!" in page(plain), "the page answers", 90)


def test_down_without_systemd_leaves_no_process(plain: Host) -> None:
    """Daemons, supervisor and its script at boot are gone."""
    down(plain)
    assert not re.search("runsv|moorage (serve|agent)|dockerd|containerd|etcd", plain.sh("ps -eo args"))
    assert plain.sh("ls /etc/init.d /etc/rc2.d /etc/moorage /var/lib/moorage", check=False).count("moorage") == 2


def service_pid(machine: Host, service: str) -> str:
    """Empty while the service is down."""
    if service == "runsvdir":
        return machine.sh("pgrep -x runsvdir", check=False).strip()
    told = machine.sh(f"sv status /etc/moorage/service/{service}", check=False)
    found = re.match(r"run: [^:]*: \(pid (\d+)\)", told)
    return found[1] if found else ""


def own(machine: Host) -> str:
    """What belongs to others: their container's start, the daemons' processes, the packages."""
    return machine.sh(
        "docker inspect -f '{{.Id}} {{.State.StartedAt}}' own; docker volume inspect -f '{{.CreatedAt}}' own; "
        "pgrep -x dockerd; pgrep -x etcd; dpkg-query -W docker.io etcd-server containerd"
    )


def count(machine: Host, prefix: str) -> int:
    """Keys under a prefix in their etcd."""
    ask = (
        "import base64,json,urllib.request as u,sys; e=lambda t: base64.b64encode(t.encode()).decode(); "
        "b=json.dumps({'key':e(sys.argv[1]),'range_end':e(sys.argv[1][:-1]+'0'),'count_only':True}).encode(); "
        "print(json.load(u.urlopen('http://127.0.0.1:2379/v3/kv/range', b)).get('count', 0))"
    )
    return int(machine.run("python3", "-c", ask, prefix))
