"""The record of a boot server against what its host has."""

from __future__ import annotations

import time
from typing import Any

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.errors import Conflict, Invalid
from appserver.store import keys
from tests.unit.boot.plugins import plugin

record: Any = plugin("module_utils/host_record.py")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ann@example.net"
CONTAINERS = [
    {"Id": "1", "Names": ["/shop-web-1"], "Image": "sha256:aa", "ImageID": "sha256:aa", "State": "running"},
    {"Id": "2", "Names": ["/db"], "Image": "pg:16", "ImageID": "sha256:bb", "State": "running"},
]
IMAGES = [{"Id": "sha256:aa", "RepoTags": ["shop/web:4", "moorage-keep/x:1"]}, {"Id": "sha256:bb", "RepoTags": None}]


def host(debs: dict[str, str] | None = None, containers: object = ()) -> dict[str, Any]:
    return {"debs": debs or {}, "containers": containers, "images": IMAGES}


def once(kv: MemoryKV, found: dict[str, Any], **more: str) -> Any:
    """See, look, write, as the role does."""
    seen_at = record.observe(kv, 3, False).revision
    seen = record.observe(kv, 3, False)
    told = record.plan(seen, seen_at, 3, found, **more)
    record.write(kv, seen, 3, told)
    return told


def kept(kv: MemoryKV) -> dict[str, str]:
    return {key: item.value for key, item in kv.snapshot("").items.items()}


def test_the_record_becomes_what_the_host_has() -> None:
    """Versions as dpkg says, images by their tag as the agent has them; and what is gone is taken away."""
    kv = MemoryKV()
    kv.commit({}, {keys.installed_deb(3, "ghost"): "1", keys.installed_container(3, "old"): "x:1"})
    kv.commit({}, {keys.installed_deb(30, "ghost"): "1"})
    once(kv, host({"curl": "8"}, CONTAINERS), release="1.10.0", public_key=f"{KEY}\n")
    assert kept(kv) == {
        "info/bootservers/3": "",
        "info/release": "1.10.0",
        "info/ssh-pubkey": KEY,
        "install/3/containers/db": "pg:16",
        "install/3/containers/shop-web-1": "shop/web:4",
        "install/3/debs/curl": "8",
        "install/30/debs/ghost": "1",
    }


def test_an_unchanged_host_writes_nothing() -> None:
    """The store's revision stays."""
    kv = MemoryKV()
    once(kv, host({"curl": "8"}, CONTAINERS), release="1.0")
    revision = kv.snapshot("").revision
    assert once(kv, host({"curl": "8"}, CONTAINERS), release="1.0").after == {}
    assert kv.snapshot("").revision == revision


def test_five_hundred_packages_take_few_transactions_and_little_time() -> None:
    """A store that takes 128 operations at once takes them."""
    kv = MemoryKV(max_txn_ops=128)
    begun = time.monotonic()
    once(kv, host({f"package-{n}": "1" for n in range(500)}))
    assert time.monotonic() - begun < 1
    assert kv.snapshot("").revision <= 8
    assert len(kept(kv)) == 501


def test_a_host_without_an_engine_keeps_its_record_of_containers() -> None:
    """It is not known that they are gone."""
    kv = MemoryKV()
    kv.commit({}, {keys.installed_container(3, "old"): "x:1"})
    once(kv, host(containers=None))
    assert keys.installed_container(3, "old") in kept(kv)


def test_an_agent_that_has_looked_later_has_the_last_word() -> None:
    """It has written since the record was seen, with its boot server's own key as always: nothing is changed."""
    kv = MemoryKV()
    once(kv, host({"curl": "8"}))
    seen_at = record.observe(kv, 3, False).revision
    kv.commit({}, {keys.bootserver(3): "", keys.installed_deb(3, "curl"): "9"}, [])
    seen = record.observe(kv, 3, False)
    told = record.plan(seen, seen_at, 3, host({"curl": "8", "jq": "1"}))
    assert (told.left, told.after) == (True, {})


def test_an_agent_that_writes_in_the_middle_of_it_stops_it() -> None:
    """Nothing old is written over what is new, not even of other packages."""
    kv = MemoryKV()
    once(kv, host({"curl": "8"}))
    seen = record.observe(kv, 3, False)
    told = record.plan(seen, seen.revision, 3, host({"curl": "8", "jq": "1"}))
    kv.commit({}, {keys.bootserver(3): "", keys.installed_deb(3, "vim"): "9"})
    with pytest.raises(Conflict):
        record.write(kv, seen, 3, told)
    assert keys.installed_deb(3, "jq") not in kept(kv)


@pytest.mark.parametrize(
    ("held", "installed", "after"),
    [
        ("", "1.9", "1.9"),
        ("1.9", "1.10", "1.10"),
        ("1.10", "1.9", "1.10"),
        ("2026.11.21-3", "2026.11.21-10", "2026.11.21-10"),
        ("1.9", "", "1.9"),
    ],
)
def test_a_later_release_on_record_stays(held: str, installed: str, after: str) -> None:
    """An updater has found it, and boot servers are on their way there."""
    kv = MemoryKV()
    if held:
        kv.commit({}, {"info/release": held})
    once(kv, host(), release=installed)
    assert kept(kv)["info/release"] == after


class Contested(MemoryKV):
    """Somebody else writes between its reader's look and its write, `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def commit(self, *given: Any, **named: Any) -> int:
        if self.times:
            self.times -= 1
            super().commit({}, {"info/ssh-pubkey": f"{KEY}-{self.times}"})
        return super().commit(*given, **named)


def test_two_hosts_may_record_what_holds_for_the_site_at_once() -> None:
    """Whoever comes second looks again, and tells all that was written for it."""
    kv = Contested(2)
    _, told = record.record(kv, 0, 3, host({"curl": "8"}), "", KEY)
    assert kept(kv)["info/ssh-pubkey"] == KEY
    assert told.after == {"info/bootservers/3": "", "install/3/debs/curl": "8", "info/ssh-pubkey": KEY}


def test_a_record_that_somebody_writes_all_the_time_is_said() -> None:
    """It ends."""
    with pytest.raises(Conflict, match="by somebody else"):
        record.record(Contested(99), 0, 3, host(), "", KEY)


def test_every_app_server_has_a_key_on_record() -> None:
    """One in a line, as sshd would have them."""
    kv = MemoryKV()
    once(kv, host(), public_key=f"{KEY}\n{KEY}-2\n")
    assert kept(kv)["info/ssh-pubkey"] == f"{KEY}\n{KEY}-2"


@pytest.mark.parametrize("bad", ["ssh-rsa", "hello world", f"{KEY}\nhello", "-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_only_a_public_key_is_put_on_record(bad: str) -> None:
    """A private one least of all; and its text is not repeated."""
    with pytest.raises(Invalid) as told:
        once(MemoryKV(), host(), public_key=bad)
    assert bad not in str(told.value)


def test_names_that_no_key_is_made_of_are_refused() -> None:
    """A host's own list does not reach into another's record."""
    with pytest.raises(Invalid):
        once(MemoryKV(), host({"../../info/release": "1"}))
