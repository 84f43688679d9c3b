"""A project as a stack: what is kept, written otherwise, refused, and left out with a word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from appserver.core import stacks
from appserver.core.entities import Options
from tests.unit.appserver.core.stacking import BASE, made, stack

KEPT: Mapping[str, object] = {
    "cap_add": ["NET_ADMIN"],
    "cap_drop": ["ALL"],
    "command": ["sh"],
    "credential_spec": {"config": "spec"},
    "dns": ["198.51.100.1"],
    "dns_search": ["example.org"],
    "domainname": "example.org",
    "entrypoint": ["/init"],
    "environment": {"A": "1", "B": None},
    "expose": ["80"],
    "healthcheck": {"test": ["CMD", "true"], "interval": "5s", "start_interval": "1s"},
    "hostname": "web",
    "init": True,
    "isolation": "default",
    "labels": {"a": "b"},
    "logging": {"driver": "local", "options": {"max-size": "10m"}},
    "read_only": True,
    "stdin_open": True,
    "stop_grace_period": "1m0s",
    "stop_signal": "SIGINT",
    "sysctls": {"net.core.somaxconn": "10"},
    "tty": True,
    "ulimits": {"nofile": {"soft": 1, "hard": 2}},
    "user": "1000:1000",
    "working_dir": "/srv",
}


@pytest.mark.parametrize("option", sorted(KEPT))
def test_what_swarm_has_too_is_kept_as_it_is(option: str) -> None:
    assert made({option: KEPT[option]})[option] == KEPT[option]


@pytest.mark.parametrize(
    "option",
    [
        "cgroup", "device_cgroup_rules", "devices", "external_links", "gpus", "group_add", "ipc", "links",
        "network_mode", "pid", "post_start", "pre_stop", "privileged", "runtime", "security_opt", "userns_mode", "uts",
        "volumes_from",
    ],
)  # fmt: skip
def test_what_an_application_may_lean_on_is_refused(option: str) -> None:
    """Swarm would leave it out without a word."""
    found = stack({option: ["x"]})
    assert [where for where, _ in found.faults] == [f"web.{option}"]
    assert option not in found.services["web"]


@pytest.mark.parametrize("option", ["cpu_shares", "dns_opt", "depends_on", "container_name", "oom_score_adj", "cpuset"])
def test_what_only_tunes_is_left_out_and_told(option: str) -> None:
    found = stack({option: "x"})
    assert (found.faults, found.warnings) == ((), (f"web: {option} counts on engines alone",))
    assert option not in found.services["web"]


@pytest.mark.parametrize("option", ["build", "profiles", "pull_policy", "attach", "develop"])
def test_what_has_no_meaning_any_more_goes_in_silence(option: str) -> None:
    found = stack({option: ["x"]})
    assert (found.faults, found.warnings, option in found.services["web"]) == ((), (), False)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            {"target": 80, "published": "8080", "protocol": "udp", "mode": "host", "name": "a", "app_protocol": "http"},
            {"target": 80, "published": 8080, "protocol": "udp", "mode": "host"},
        ),
        ({"target": 80}, {"target": 80, "protocol": "tcp"}),
        ({"target": "80", "published": ""}, {"target": 80, "protocol": "tcp"}),
    ],
)
def test_a_port_has_numbers(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """The stack's format takes no text for one, and no name."""
    assert made({"ports": [given]})["ports"] == [wanted]


def test_ports_that_differ_by_their_name_alone_are_one() -> None:
    """The stack's format refuses a list with the same twice."""
    both = made({"ports": [{"target": 80, "name": "a"}, {"target": 80, "name": "b"}]})["ports"]
    assert both == [{"target": 80, "protocol": "tcp"}]


@pytest.mark.parametrize("more", [{"host_ip": "127.0.0.1"}, {"published": "8000-8010"}])
def test_a_port_that_swarm_cannot_publish_is_refused(more: Mapping[str, Any]) -> None:
    """One that was to be this machine's alone would be everybody's."""
    found = stack({"ports": [{"target": 80, "published": "80", **more}]})
    assert [where for where, _ in found.faults] == ["web.ports"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            {"type": "bind", "source": "/a", "target": "/b", "bind": {"create_host_path": 1, "propagation": "slave"}},
            {"type": "bind", "source": "/a", "target": "/b", "bind": {"propagation": "slave"}},
        ),
        (
            {"type": "volume", "source": "v", "target": "/b", "read_only": True, "volume": {"nocopy": True, "x": 1}},
            {"type": "volume", "source": "v", "target": "/b", "read_only": True, "volume": {"nocopy": True}},
        ),
        (
            {"type": "tmpfs", "target": "/b", "tmpfs": {"size": "1024", "mode": "1777"}},
            {"type": "tmpfs", "target": "/b", "tmpfs": {"size": 1024}},
        ),
        ({"type": "volume", "target": "/b", "volume": {}}, {"type": "volume", "target": "/b"}),
    ],
)  # fmt: skip
def test_a_mount_has_what_swarm_knows(given: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    assert made({"volumes": [given]})["volumes"] == [wanted]


@pytest.mark.parametrize("kind", ["npipe", "cluster", "image"])
def test_a_mount_of_another_kind_is_refused(kind: str) -> None:
    assert stack({"volumes": [{"type": kind, "source": "a", "target": "/b"}]}).faults[0][0] == "web.volumes"


def test_a_tmpfs_becomes_a_mount_beside_the_others() -> None:
    """With its size. What else is said of one is told: the program that reads stacks drops it without a word."""
    first = {"type": "tmpfs", "target": "/a", "tmpfs": {"mode": "0700"}}
    found = stack({"volumes": [first], "tmpfs": ["/b:size=64m,mode=700,noexec", "/c"]})
    assert found.services["web"]["volumes"] == [
        {"type": "tmpfs", "target": "/a"},
        {"type": "tmpfs", "target": "/b", "tmpfs": {"size": 64 << 20}},
        {"type": "tmpfs", "target": "/c"},
    ]
    told = ("web.volumes: mode", "web.tmpfs: mode=700", "web.tmpfs: noexec")
    assert found.warnings == tuple(f"{one} counts on engines alone" for one in told)
    assert "tmpfs" not in found.services["web"]


def test_a_volume_that_each_node_has_for_itself_is_told() -> None:
    """Unless the service stays where it is, runs everywhere, or the volume is the same everywhere."""
    one = {"volumes": [{"type": "volume", "source": "data", "target": "/d"}]}
    parts: Any = {"volumes": {"data": {"name": "shop_data"}}}
    assert "volume data is another on each node" in stack(one, **parts).warnings[0]
    assert stack(one, None, ("disk==ssd",), **parts).warnings == ()
    assert stack(one, Options(mode="global"), **parts).warnings == ()
    assert stack(one, volumes={"data": {"driver": "nfs"}}).warnings == ()
    assert stack(one, volumes={"data": {"driver": "local", "driver_opts": {"type": "nfs"}}}).warnings == ()


def test_an_image_of_no_registry_is_told() -> None:
    assert "in no registry" in stack({"image": f"sha256:{'0' * 64}"}).warnings[0]


@pytest.mark.parametrize(("mode", "wanted"), [("0400", 0o400), (256, 0o400)])
@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_a_mode_is_a_number(kind: str, mode: object, wanted: int) -> None:
    """Compose gives it as a text in octal, or as a number, as it is new or old."""
    given = {"source": "a", "target": "/a", "uid": "1", "gid": "2", "mode": mode, "x": 1}
    assert made({kind: [given, "b"]})[kind] == [
        {"source": "a", "target": "/a", "uid": "1", "gid": "2", "mode": wanted},
        {"source": "b"},
    ]


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_a_directory_is_no_config(kind: str) -> None:
    assert [where for where, _ in stack({}, **{kind: {"a": {"x-files": {"b": ""}}}}).faults] == [f"{kind}.a"]


@pytest.mark.parametrize("given", [["a=198.51.100.1", "b=::1"], {"a": "198.51.100.1", "b": "::1"}])
def test_hosts_are_written_with_a_colon(given: object) -> None:
    assert made({"extra_hosts": given})["extra_hosts"] == ["a:198.51.100.1", "b:::1"]


@pytest.mark.parametrize("option", ["ipv4_address", "ipv6_address", "link_local_ips", "mac_address"])
def test_an_address_of_ones_own_is_refused(option: str) -> None:
    """Who has one is asked there by others."""
    found = stack({"networks": {"default": {"aliases": ["a"], "priority": 1, option: "x"}, "back": None}})
    assert [where for where, _ in found.faults] == [f"web.networks.default.{option}"]
    assert found.services["web"]["networks"] == {"default": {"aliases": ["a"]}, "back": None}


def test_networks_are_over_all_nodes() -> None:
    """But those of others. What the stack's format does not know is told."""
    ipam = {
        "driver": "default",
        "config": [{"subnet": "198.18.0.0/24", "gateway": "198.18.0.1"}],
        "options": {"a": "b"},
    }
    networks = {
        "default": {"name": "shop_default", "driver": "bridge", "enable_ipv4": True, "ipam": {}},
        "back": {"name": "shop_back", "internal": True, "attachable": True, "enable_ipv6": True, "ipam": ipam},
        "theirs": {"name": "host", "external": True},
        "bare": None,
    }
    found = stack({}, networks=networks)
    assert found.project["networks"] == {
        "default": {"name": "shop_default", "driver": "overlay"},
        "back": {
            "name": "shop_back",
            "internal": True,
            "attachable": True,
            "driver": "overlay",
            "ipam": {"driver": "default", "config": [{"subnet": "198.18.0.0/24"}]},
        },
        "theirs": {"name": "host", "external": True},
        "bare": {"driver": "overlay"},
    }
    told = [f"networks.back: {one} counts on engines alone" for one in ("enable_ipv6", "ipam.gateway", "ipam.options")]
    assert found.warnings == tuple(told)


@pytest.mark.parametrize("name", ["my.web", "web-", "a" * 59])
def test_a_name_that_swarm_does_not_take_is_refused(name: str) -> None:
    """Before anything begins: Swarm itself would say so when half of the stack is made."""
    faults = stacks.stack(BASE, {name: {"image": "img"}}, Options(), {}).faults
    assert [where for where, _ in faults] == [name]
    assert stacks.stack(BASE, {"a" * 58: {"image": "img"}}, Options(), {}).faults == ()
    assert [w for w, _ in stack({}, networks={"a": {"name": "shop_a.b"}}).faults] == ["networks.a"]
