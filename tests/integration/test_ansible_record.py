"""The record through Ansible's own programs, over a real etcd: an inventory of boot servers, and values of keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from appserver.adapters.etcd import Etcd
from appserver.core.fleet import Node
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.ansible_play import play
from tests.lab.daemon import ROOT
from tests.lab.etcd import ClusterFactory

PREFIX = "/ansible/"


@pytest.fixture
def site(etcd_cluster: ClusterFactory) -> Iterator[tuple[Etcd, str]]:
    """A store with two nodes of which one is on, and its endpoint."""
    endpoint = etcd_cluster().members[0].endpoint
    with closing(Etcd([endpoint], prefix=PREFIX)) as kv:
        for lrn, rack in enumerate(("a", "b")):
            node = Node(f"n{lrn}", f"192.0.2.{lrn}:8090", "default", lrn, {"rack": rack})
            kv.commit({}, {keys.node(node.name): encode(node), keys.installed_deb(lrn, "curl"): f"8.{lrn}"})
        kv.commit({}, {keys.alive("n1"): "192.0.2.1:8090"})
        yield kv, endpoint


def source(folder: Path, endpoint: str, more: str = "") -> Path:
    path = folder / "bootservers.yml"
    path.write_text(
        f"plugin: moorage.boot.bootservers\nendpoints: ['{endpoint}']\nprefix: {PREFIX}\n"
        f"keyed_groups: [{{key: labels.rack, prefix: rack}}]\n{more}"
    )
    return path


def ansible(folder: Path, program: str, *args: str, code: int = 0) -> str:
    """What a program of Ansible's prints; on both of its outputs where it is to fail."""
    environ = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "ansible")}
    argv = (str(Path(sys.executable).parent / program), *args)
    environ |= {"ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def plain(found: dict[str, object]) -> object:
    """A text that Ansible would not template, as itself."""
    return found["__ansible_unsafe"] if found.keys() == {"__ansible_unsafe"} else found


def test_boot_servers_are_an_inventory(site: tuple[Etcd, str], tmp_path: Path) -> None:
    """Hosts with their variables, in groups by liveness, cluster and label; no text of theirs is ever a template."""
    inventory = str(source(tmp_path, site[1]))
    shown = json.loads(ansible(tmp_path, "ansible-inventory", "-i", inventory, "--list"), object_hook=plain)
    groups = {name: group.get("hosts") for name, group in shown.items() if name not in ("_meta", "all")}
    both = ["n0", "n1"]
    assert groups["bootservers"] == groups["cluster_default"] == both
    assert (groups["on"], groups["off"], groups["rack_a"], groups["rack_b"]) == (["n1"], ["n0"], ["n0"], ["n1"])
    told = shown["_meta"]["hostvars"]["n1"]
    assert (told["ansible_host"], told["lrn"], told["labels"], told["on"]) == ("192.0.2.1", 1, {"rack": "b"}, True)
    assert "__ansible_unsafe" in ansible(tmp_path, "ansible-inventory", "-i", inventory, "--list")
    assert "@bootservers:" in ansible(tmp_path, "ansible-inventory", "-i", inventory, "--graph")


def test_groups_by_role_cluster_and_label_need_no_configuration(site: tuple[Etcd, str], tmp_path: Path) -> None:
    """As `--graph` draws them; names that are none for a group are made ones, and a node without any is in fewer."""
    kv, endpoint = site
    labels = {"roles": "etcd,appservers", "example.net/zone": "north-1"}
    kv.commit({}, {keys.node("n1"): encode(Node("n1", "[2001:db8::1]:8090", "edge-2", 1, labels))})
    drawn = ansible(tmp_path, "ansible-inventory", "-i", str(source(tmp_path, endpoint)), "--graph")
    for group, hosts in {
        "bootservers": ["n0", "n1"],
        "on": ["n1"],
        "off": ["n0"],
        "cluster_default": ["n0"],
        "cluster_edge_2": ["n1"],
        "role_etcd": ["n1"],
        "role_appservers": ["n1"],
        "label_rack_a": ["n0"],
        "label_example_net_zone_north_1": ["n1"],
    }.items():
        assert f"|--@{group}:\n" + "".join(f"  |  |--{host}\n" for host in hosts) in drawn, drawn
    assert "label_roles" not in drawn


def test_a_node_speaks_for_no_other_and_gives_no_options(site: tuple[Etcd, str], tmp_path: Path) -> None:
    """An agent that somebody took over may write its own record: not what ssh runs, nor where other hosts are."""
    kv, endpoint = site
    options, inventory = f"-oProxyCommand=touch {tmp_path / 'run'}:8090", source(tmp_path, endpoint)
    kv.commit({}, {keys.node("n1"): encode(Node("n1", options, "default", 1))})
    kv.commit({}, {keys.node("n2"): encode(Node("n0", "198.51.100.1:8090", "default", 2))})
    shown = json.loads(ansible(tmp_path, "ansible-inventory", "-i", str(inventory), "--list"), object_hook=plain)
    assert {name: told["ansible_host"] for name, told in shown["_meta"]["hostvars"].items()} == {"n0": "192.0.2.0"}
    ansible(tmp_path, "ansible", "-i", str(inventory), "-m", "ping", "n1")
    assert not (tmp_path / "run").exists()


def test_a_cached_inventory_is_drawn_while_the_store_is_away(etcd_cluster: ClusterFactory, tmp_path: Path) -> None:
    """With all its groups; once the cache is flushed or too old, what is away is an error."""
    cluster = etcd_cluster()
    endpoint = cluster.members[0].endpoint
    with closing(Etcd([endpoint], prefix=PREFIX)) as kv:
        kv.commit({}, {keys.node("n0"): encode(Node("n0", "192.0.2.1:8090", "default", 0, {"roles": "etcd"}))})
    inventory = str(source(tmp_path, endpoint, cached(tmp_path)))
    before = ansible(tmp_path, "ansible-inventory", "-i", inventory, "--graph")
    assert "@role_etcd:" in before
    cluster.members[0].kill()
    assert ansible(tmp_path, "ansible-inventory", "-i", inventory, "--graph") == before
    said = ansible(tmp_path, "ansible-inventory", "-i", inventory, "--graph", "--flush-cache", code=1)
    assert "the record of boot servers cannot be read" in said


def test_what_is_asked_for_is_part_of_what_is_cached(site: tuple[Etcd, str], tmp_path: Path) -> None:
    """Another cluster in the file, and the hosts are that one's, however fresh the cache is."""
    kv, endpoint = site
    kv.commit({}, {keys.node("n1"): encode(Node("n1", "192.0.2.1:8090", "edge", 1))})
    whole = source(tmp_path, endpoint, cached(tmp_path))
    assert "--n0" in ansible(tmp_path, "ansible-inventory", "-i", str(whole), "--graph")
    edge = source(tmp_path, endpoint, cached(tmp_path) + "cluster: edge\n")
    drawn = ansible(tmp_path, "ansible-inventory", "-i", str(edge), "--graph")
    assert "--n1" in drawn and "--n0" not in drawn


@pytest.mark.parametrize("lookup", ["config", "etcd"])
def test_examples_of_a_lookup_run_on_a_controller(site: tuple[Etcd, str], tmp_path: Path, lookup: str) -> None:
    """As they stand in the documentation, with the fact as the role `etcd` leaves it: members have other files."""
    endpoint = site[1]
    told = json.loads(ansible(tmp_path, "ansible-doc", "-j", "-t", "lookup", f"moorage.boot.{lookup}"))
    tasks = yaml.safe_load(told[f"moorage.boot.{lookup}"]["examples"])
    of_member = {name: f"/nowhere/etcd.{name}" for name in ("ca", "cert", "key")}
    of_controller = {"controller": dict.fromkeys(of_member, "")}
    given = {"etcd_store": {"endpoints": [endpoint], "own": True, **of_member, **of_controller}}
    with closing(Etcd([endpoint])) as whole:
        whole.commit({}, {keys.installed_deb(0, "curl"): "8.0"})
    shown = play(tmp_path, tasks, more={"vars": given}).good().text
    assert shown.count("ok: [localhost]") == len(tasks)
    assert lookup == "config" or ('"curl": "8.0"' in shown and '"msg": "none"' in shown)


def test_the_example_of_the_inventory_is_a_controllers(site: tuple[Etcd, str], tmp_path: Path) -> None:
    """With the files that the role `base` makes where people run playbooks; and it can be read."""
    told = json.loads(ansible(tmp_path, "ansible-doc", "-j", "-t", "inventory", "moorage.boot.bootservers"))
    example = yaml.safe_load(told["moorage.boot.bootservers"]["examples"])
    made = yaml.safe_load(
        (ROOT / "collections/ansible_collections/moorage/boot/roles/base/defaults/main.yml").read_text()
    )
    authority = made["base_authority_dir"]
    files = {"ca": "ca.crt", "cert": "controller.crt", "key": "controller.key"}
    assert {name: example.pop(name) for name in files} == {name: f"{authority}/{file}" for name, file in files.items()}
    path = tmp_path / "bootservers.yml"
    path.write_text(yaml.safe_dump({**example, "endpoints": [site[1]], "prefix": PREFIX}))
    assert "@rack_a:" in ansible(tmp_path, "ansible-inventory", "-i", str(path), "--graph")


def cached(folder: Path) -> str:
    return (
        "cache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_timeout: 600\n"
        f"cache_connection: {folder / 'cache'}\n"
    )


def test_a_cached_inventory_does_without_the_store(site: tuple[Etcd, str], tmp_path: Path) -> None:
    """While the cache is fresh; a flush asks again."""
    kv, endpoint = site
    inventory = str(source(tmp_path, endpoint, cached(tmp_path)))
    before = ansible(tmp_path, "ansible-inventory", "-i", inventory, "--list")
    kv.commit({}, {}, [keys.node("n0")])
    assert ansible(tmp_path, "ansible-inventory", "-i", inventory, "--list") == before
    fresh = ansible(tmp_path, "ansible-inventory", "-i", inventory, "--list", "--flush-cache")
    assert json.loads(fresh)["bootservers"]["hosts"] == ["n1"]


def test_a_store_that_is_away_is_an_error_and_no_empty_inventory(tmp_path: Path) -> None:
    """A play over nothing would look like one that went well."""
    inventory = str(source(tmp_path, "127.0.0.1:1"))
    said = ansible(tmp_path, "ansible-inventory", "-i", inventory, "--list", code=1)
    assert "the record of boot servers cannot be read" in said


def test_values_of_the_record(site: tuple[Etcd, str], tmp_path: Path) -> None:
    """One key, all below a key, and a default for what is not there."""
    where = f"endpoints=['{site[1]}'], prefix='{PREFIX}'"
    template = (
        "{{ {'one': lookup('moorage.boot.etcd', 'install/1/debs/curl', WHERE),"
        " 'all': lookup('moorage.boot.etcd', 'install/0/debs/', WHERE),"
        " 'none': lookup('moorage.boot.etcd', 'info/release', default='unknown', WHERE)} }}"
    ).replace("WHERE", where)
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": template}}]}]
    book = tmp_path / "play.yml"
    book.write_text(json.dumps(play))
    said = ansible(tmp_path, "ansible-playbook", "-i", "localhost,", "-c", "local", str(book))
    for part in ('"one": "8.1"', '"curl": "8.0"', '"none": "unknown"'):
        assert part in said
    missing = template.replace("default='unknown', ", "")
    book.write_text(json.dumps([{**play[0], "tasks": [{"ansible.builtin.debug": {"msg": missing}}]}]))
    said = ansible(tmp_path, "ansible-playbook", "-i", "localhost,", "-c", "local", str(book), code=2)
    assert "info/release is not on record" in said
