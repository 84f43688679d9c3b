"""The record as Ansible sees it: hosts of an inventory, values of a lookup."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.fleet import Condition, Node
from appserver.store import keys, records
from appserver.store.codec import encode
from tests.unit.boot.plugins import plugin

services: Any = plugin("module_utils/services.py")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def site() -> MemoryKV:
    kv = MemoryKV()
    sick = (Condition("disk", False, "full", NOW),)
    for node in (
        Node("n1", "192.0.2.1:8090", "default", 0, {"rack": "a"}),
        Node("n2", "[2001:db8::2]:8090", "edge", 1, conditions=sick),
    ):
        kv.commit({}, {keys.node(node.name): encode(node)})
    kv.commit({}, {keys.alive("n2"): "[2001:db8::2]:8090"})
    return kv


def test_each_node_is_a_host_with_what_is_known_of_it() -> None:
    """Where Ansible reaches it, whether its agent is on, and how it fares."""
    first, second = services.boot_hosts(site(), "")
    assert (first["name"], first["variables"]["ansible_host"]) == ("n1", "192.0.2.1")
    assert (first["variables"]["lrn"], first["variables"]["labels"]) == (0, {"rack": "a"})
    assert (first["variables"]["on"], second["variables"]["on"]) == (False, True)
    assert second["variables"]["ansible_host"] == "2001:db8::2"
    assert second["variables"]["healthy"] is False


def test_hosts_of_one_cluster() -> None:
    """The others are left out."""
    assert [host["name"] for host in services.boot_hosts(site(), "edge")] == ["n2"]


@pytest.mark.parametrize(
    "address",
    [
        "-oProxyCommand=touch${IFS}x:8090",
        "[-oProxyCommand=x]:8090",
        "root@192.0.2.1:8090",
        "192.0.2.1 -oProxyCommand=x:8090",
        "{{ lookup('pipe', 'id') }}:8090",
        "fe80::1%-oProxyCommand=x y:8090",
        "192.0.2.1/..:8090",
        "192.0.2.1\n:8090",
        "192.0.2.1",
        ":8090",
        "",
    ],
)
def test_a_host_whose_address_is_none_is_left_out(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """An agent writes it, and ssh would take some of them for options; the log says what was left out."""
    kv, where = site(), keys.node("n3")
    kv.commit({}, {where: encode(Node("n3", address, "default", 3))})
    records._skipped.discard(where)
    assert [host["name"] for host in services.boot_hosts(kv, "")] == ["n1", "n2"]
    assert where in caplog.text


@pytest.mark.parametrize("named", ["n1", "n2", "all", "../n1", "-n3", "{{ n1 }}", ""])
def test_a_node_that_gives_another_name_is_left_out(named: str, caplog: pytest.LogCaptureFixture) -> None:
    """It may write under its own name alone, and would take the plays of the other host."""
    kv, where = site(), keys.node("n3")
    kv.commit({}, {where: encode(Node(named, "198.51.100.1:8090", "default", 3))})
    records._skipped.discard(where)
    found = {host["name"]: host["variables"]["ansible_host"] for host in services.boot_hosts(kv, "")}
    assert found == {"n1": "192.0.2.1", "n2": "2001:db8::2"}
    assert where in caplog.text


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_no_node_takes_what_is_the_controllers(name: str) -> None:
    """What is delegated to the controller would run on that node, with all that it is told."""
    kv = site()
    kv.commit({}, {keys.node(name): encode(Node(name, "198.51.100.1:8090", "default", 3))})
    assert [host["name"] for host in services.boot_hosts(kv, "")] == ["n1", "n2"]


def test_values_of_keys_and_of_all_below_one() -> None:
    """None for what is not there, and never a neighbour whose name begins alike."""
    kv = MemoryKV()
    kv.commit({}, {"info/release": "1.2", "install/1/debs/git": "2", "install/10/debs/git": "3"})
    assert services.values(kv, ["info/release", "info/rel", "install/1/debs/", "install/2/debs/"]) == [
        "1.2",
        None,
        {"git": "2"},
        {},
    ]
    assert services.values(kv, []) == []
