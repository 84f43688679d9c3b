"""B9: nobody has the app server call addresses within, by a number, by a name, or by a server that sends it on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from appserver.adapters import git_remote
from appserver.adapters.git_repositories import GitRepositories
from appserver.core.addresses import Outgoing, outgoing
from appserver.errors import Invalid, RepoError
from appserver.ports import Remote
from tests.bad_input.doors import Doors, Said, is_refusal, record
from tests.lab.forge import Forge
from tests.lab.served import Site

ADDRESSES = {
    "loopback": "https://127.0.0.1/x",
    "loopback, short": "https://127.1/x",
    "loopback, decimal": "https://2130706433/x",
    "loopback, octal": "https://0177.0.0.1/x",
    "loopback, hexadecimal": "https://0x7f000001/x",
    "loopback, v6": "https://[::1]/x",
    "loopback, v4 in v6": "https://[::ffff:127.0.0.1]/x",
    "loopback over ssh": "ssh://git@127.0.0.1/x",
    "loopback as scp writes it": "git@127.0.0.1:x",
    "unspecified": "https://0.0.0.0/x",
    "unspecified, v6": "https://[::]/x",
    "metadata service": "https://169.254.169.254/latest",
    "metadata service over ssh": "ssh://git@169.254.169.254/x",
    "link-local": "https://[fe80::1]/x",
    "unique local": "https://[fd00::1]/x",
    "private": "https://10.0.0.1/x",
    "private, translated": "https://[64:ff9b::a00:1]/x",
    "shared address space": "https://100.64.0.1/x",
    "multicast": "https://224.0.0.1/x",
    "etcd": "https://127.0.0.1:2379/x",
    "gopher": "gopher://127.0.0.1:2379/_x",
    "dict": "dict://127.0.0.1:2379/x",
}


def api(doors: Doors, site: Site, url: str) -> Said:
    body = {"name": "team", "kind": "remote", "url": url, "known_hosts": "x"}
    answer = site.api("POST", "/sources", doors.token, json=body)
    return Said(answer.status_code, answer.text)


def command_line(doors: Doors, _: Site, url: str) -> Said:
    return doors.run("config", "source", "add", "team", f"--url={url}")


def page(doors: Doors, _: Site, url: str) -> Said:
    return doors.post("/sources/new", {"name": "team", "kind": "remote", "url": url, "known_hosts": "x"})


@pytest.mark.parametrize("door", [api, command_line, page])
def test_no_address_within_becomes_a_source(
    site: Site, tmp_path: Path, door: Callable[[Doors, Site, str], Said]
) -> None:
    """Refused as it is written, with a reason, on the audit; nothing is recorded and nothing is called."""
    doors = Doors(site, tmp_path, "admin")
    before = record(site.services.kv)
    said = {name: door(doors, site, url) for name, url in ADDRESSES.items()}
    assert {name: one for name, one in said.items() if not is_refusal(one)} == {}
    assert record(site.services.kv) == before
    found = site.api("GET", "/audit?subject=source:team&limit=500", doors.token).json()["items"]
    assert [entry["result"] for entry in found] == ["refused"] * len(ADDRESSES)


def test_a_name_that_leads_within_is_seen_through_before_it_is_called(forge: Forge, tmp_path: Path) -> None:
    """Whatever the name is, the address decides; the server within never hears of it."""
    mirrors = GitRepositories(tmp_path / "git", Outgoing(), lambda: 0.0, forge.ca_file)
    port = forge.url.rpartition(":")[2]
    for host in ("localhost", "localhost.localdomain", "ip6-localhost", socket.gethostname()):
        with pytest.raises((Invalid, RepoError)):
            mirrors.fetch("config", Remote(f"https://{host}:{port}/config.git", "main"))
    assert forge.asked == []


def test_one_address_within_among_good_ones_refuses_the_name(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that answers both ways is trusted with neither."""
    monkeypatch.setattr(git_remote, "_resolved", lambda url: ("93.184.216.34", "127.0.0.1"))
    mirrors = GitRepositories(tmp_path / "git", Outgoing(), lambda: 0.0, forge.ca_file)
    with pytest.raises(Invalid, match="loopback"):
        mirrors.fetch("config", Remote("https://git.example.com/config.git", "main"))


def test_a_name_that_changes_its_mind_is_called_where_it_was_checked(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: git is bound to the address that was checked, and asks no resolver of its own.

    The name resolves in the check alone. That the forge's certificate is for another name shows it was reached.
    """
    monkeypatch.setattr(git_remote, "_resolved", lambda url: ("127.0.0.1",))
    mirrors = GitRepositories(tmp_path / "git", outgoing(["127.0.0.0/8"]), lambda: 0.0, forge.ca_file)
    port = forge.url.rpartition(":")[2]
    with pytest.raises(RepoError, match="certificate"):
        mirrors.fetch("config", Remote(f"https://rebinding.invalid:{port}/config.git", "main"))


@pytest.mark.parametrize("target", ["", "http://169.254.169.254", "gopher://127.0.0.1:2379", "file:///etc"])
def test_a_server_that_sends_us_on_is_not_followed(forge: Forge, tmp_path: Path, target: str) -> None:
    """302 to itself, to the metadata service, to another protocol: the fetch ends there, and says so."""
    copy = forge.repository("config")
    copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    forge.elsewhere = target or forge.url
    mirrors = GitRepositories(tmp_path / "git", outgoing(["127.0.0.0/8"]), lambda: 0.0, forge.ca_file)
    with pytest.raises(RepoError):
        mirrors.fetch("config", Remote(f"{forge.url}/away/config.git", "main"))
    assert not any(path.startswith("/config.git") for path in forge.asked)
