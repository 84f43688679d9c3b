"""Playbooks that a site's own app server runs on its boot servers, with what the role made for it and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.api import Api
from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab
from tests.lab.site import PKI, SITE, etcdctl, moorage
from tests.lab.wait import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.lab,
    pytest.mark.night,
    pytest.mark.timeout(900),
]
KEYS = "/etc/moorage/ssh"
SSH = "ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes"
SHIPPED = "/opt/moorage/current/lib/python3*/site-packages/appserver/ansible/playbooks"
WAITS = """
- hosts: bootservers
  become: true
  gather_facts: false
  tasks:
    - ansible.builtin.command: sleep 301
"""


@pytest.fixture(scope="module")
def api(whole_site: Lab) -> Api:
    """Its app server, as a program knows it."""
    server = whole_site.of("appservers")[0]
    token = str(moorage(server, "token", "create", "plays", "--scope", "admin")["token"])
    return Api(f"http://{server.address}:8080", token)


@pytest.fixture
def waiting(whole_site: Lab) -> Iterator[str]:
    """A playbook of the release that never ends; its name."""
    server = whole_site.of("appservers")[0]
    server.run("sh", "-c", f"cd {SHIPPED} && cat > lab-waits.yml", text=WAITS)
    yield "lab-waits.yml"
    server.sh(f"rm {SHIPPED}/lab-waits.yml")


def over(api: Api, number: object) -> dict[str, object]:
    """The play at its end."""
    last: dict[str, object] = {}

    def is_over() -> bool:
        last.update(api.get(f"plays/{number}").json())
        return last["state"] not in ("queued", "running")

    wait_until(is_over, f"play {number} is over", 120)
    return last


def test_an_app_server_reaches_every_boot_server(whole_site: Lab, api: Api) -> None:
    """On the command line, with output, outcome and history; the hosts are those on record."""
    server = whole_site.of("appservers")[0]
    told = server.run("moorage", "boot", "play", "run", "site.yml", "--tags", "record", "--reason", "first")
    assert "TASK [moorage.boot.record : The record is what the host has]" in told
    last = api.get("plays", limit=1).json()["items"][0]
    assert (last["state"], last["reason"], last["why"]) == ("done", "first", "")
    assert {host["host"] for host in last["hosts"]} == {host.hostname for host in whole_site.hosts}
    assert "PLAY RECAP" in api.get(f"plays/{last['id']}/output").text


def test_the_api_checks_and_limits(whole_site: Lab, api: Api) -> None:
    """A check over one host changes nothing there, and says how it went."""
    asked = {"playbook": "site.yml", "tags": ["record"], "limit": ["boot-1"], "check": True, "diff": True}
    answer = api.post("plays", asked)
    assert answer.status_code == 202, answer.text
    done = over(api, answer.json()["id"])
    assert (done["state"], done["check"], done["changed"]) == ("done", True, 0), done


def test_what_it_starts_is_ended_with_it(whole_site: Lab, api: Api, waiting: str) -> None:
    """A cancelled play leaves no process on any boot server, though its key may do little."""
    number = api.post("plays", {"playbook": waiting}).json()["id"]
    wait_until(lambda: all(sleeping(host) for host in whole_site.hosts), "it runs on every host", 60)
    api.post(f"plays/{number}/cancel")
    done = over(api, number)
    hosts = done["hosts"]
    assert isinstance(hosts, list)
    assert {host["left"].split(":")[0] for host in hosts} == {"processes ended"}
    assert not any(sleeping(host) for host in whole_site.hosts)


def test_what_needs_the_authority_is_refused_there(whole_site: Lab, api: Api) -> None:
    """Nothing is made in its place: hosts trust whom they trusted."""
    before = whole_site[1].run("sha256sum", f"{PKI}/ca.crt")
    number = api.post("plays", {"playbook": "site.yml", "tags": ["base"], "limit": ["boot-1"]}).json()["id"]
    assert over(api, number)["state"] == "failed"
    assert "has not got the site's authority" in " ".join(api.get(f"plays/{number}/output").text.split())
    assert whole_site[1].run("sha256sum", f"{PKI}/ca.crt") == before


def test_the_key_is_its_own_and_opens_little(whole_site: Lab) -> None:
    """Readable by one user, forwarding nothing, refused from any other address; what is public is on record."""
    server, other = whole_site[0], whole_site[1]
    assert server.sh(f"stat -c '%a %U' {KEYS}/id_ed25519").split() == ["600", "moorage"]
    known, key = f"-o UserKnownHostsFile={KEYS}/known_hosts", f"-i {KEYS}/id_ed25519"
    as_server = f"runuser -u moorage -- {SSH} {known} {key}"
    assert server.sh(f"{as_server} root@{other.address} hostname").strip() == "boot-1"
    assert "prohibited" in server.sh(f"{as_server} -W 127.0.0.1:22 root@{other.address} < /dev/null", check=False)
    private = server.run("cat", f"{KEYS}/id_ed25519")
    other.run("install", "-m", "600", "/dev/stdin", "/root/stolen", text=private)
    stolen = f"{SSH} -o StrictHostKeyChecking=accept-new -i /root/stolen root@{whole_site[2].address} hostname"
    assert "Permission denied" in other.sh(stolen.replace("-o StrictHostKeyChecking=yes ", ""), check=False)
    other.run("rm", "/root/stolen")
    assert public_keys(server) == [server.run("cat", f"{KEYS}/id_ed25519.pub").strip()]


def test_hosts_are_known_by_their_own_keys(whole_site: Lab) -> None:
    """As they stand on each host's disk; nothing was learnt from the network."""
    known = whole_site[0].run("cat", f"{KEYS}/known_hosts")
    for host in whole_site.hosts:
        kind, key = host.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
        assert f"{host.hostname},{host.address} {kind} {key}\n" in known


def test_a_second_app_server_comes_and_goes(whole_site: Lab) -> None:
    """It has a key of its own, which boot servers take while it is one; a second run changes nothing."""
    whole_site.assign(appservers=(0, 1))
    whole_site.play(SITE, "--tags", "program,appserver,record").good()
    assert set(whole_site.play(SITE, "--tags", "program,appserver,record").good().changed.values()) == {0}
    assert [admitted(host) for host in whole_site.hosts] == [["boot-0", "boot-1"]] * 3
    second = whole_site[1]
    assert second.run("cat", f"{KEYS}/known_hosts") == whole_site[0].run("cat", f"{KEYS}/known_hosts")
    assert public_keys(second) == [host.run("cat", f"{KEYS}/id_ed25519.pub").strip() for host in whole_site.hosts[:2]]
    second.run("moorage", "setup", "profile")
    second.run("moorage", "boot", "play", "run", "site.yml", "--tags", "record", "--limit", "boot-2")
    whole_site.assign(appservers=(0,))
    second.sh("systemctl disable --now moorage-serve")
    whole_site.play(SITE, "--tags", "appserver,record").good()
    assert [admitted(host) for host in whole_site.hosts] == [["boot-0"]] * 3


def test_a_boot_server_learns_of_an_app_server_that_was_away(whole_site: Lab) -> None:
    """Limited to one host, with the app server cut off from the controller: what holds there stays."""
    server, one = whole_site.of("appservers")[0], whole_site[1]
    server.sh("systemctl stop ssh")
    try:
        whole_site.play(SITE, "--tags", "plays", "--limit", "boot-1")
        assert admitted(one) == ["boot-0"]
    finally:
        server.sh("systemctl start ssh")


def test_switched_off_nobody_is_let_in(whole_site: Lab) -> None:
    """The blocks are gone, whatever else stands in the file stays; switched on again the same key is taken."""
    off = ("--tags", "appserver", "-e", "appserver_plays=false")
    assert whole_site.play(SITE, *off, "--check").good().changed["boot-2"] == 1
    whole_site.play(SITE, *off).good()
    assert [admitted(host) for host in whole_site.hosts] == [[]] * 3
    assert "ssh-ed25519" in whole_site[2].run("cat", "/root/.ssh/authorized_keys"), "people's own keys"
    whole_site.play(SITE, "--tags", "appserver").good()
    assert [admitted(host) for host in whole_site.hosts] == [["boot-0"]] * 3


def admitted(host: BootHost) -> list[str]:
    """App servers whose key it takes."""
    lines = host.run("cat", "/root/.ssh/authorized_keys").splitlines()
    return [line.rpartition("@")[2] for line in lines if line.startswith("restrict,")]


def public_keys(server: BootHost) -> list[str]:
    """Those on record."""
    return etcdctl(server, "get", "--print-value-only", "/moorage/info/ssh-pubkey").strip().splitlines()


def sleeping(host: BootHost) -> bool:
    return bool(host.sh("pgrep -f '^sleep 301'", check=False).strip())
