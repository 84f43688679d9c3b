"""Which hosts `playbooks/site.yml` touches, and what it asks before it does, on an inventory of hosts that are off."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lab.checkout import ROOT
from tests.lab.daemon import free_port

CHILDREN = ("bootservers", "etcd", "appservers", "storage", "basefs", "proxies", "bmc")


def test_hosts_of_no_group_of_moorage_are_left_alone(tmp_path: Path) -> None:
    """An inventory may have printers, and a board's group hosts of which nothing but their board is known."""
    told = site(
        tmp_path, {"bootservers": {"boot-0": 0}, "bmc": {"board": 1}, "printers": {"printer": 2}}, "--list-hosts"
    )
    hosts = {
        found[1]: found[2].split()
        for found in re.finditer(
            r"play #\d+ \([^)]*\): ([^\t]+)\t.*?hosts \(\d+\):(.*?)(?=\n\n|\n  play|\Z)", told, re.DOTALL
        )
    }
    assert hosts["Facts of the hosts"] == hosts["Packages, users and certificates"] == ["boot-0"]
    assert sorted(hosts["Where the record is"]) == ["board", "boot-0"]
    assert "printer" not in told


def test_the_board_of_a_host_that_is_off_is_spoken_to(tmp_path: Path) -> None:
    """Nothing else is done with the host, and the run does not pass for one that went well."""
    groups = {"bootservers": {"boot-0": 0, "boot-1": 1}, "bmc": {"boot-1": 1}}
    told = site(tmp_path, groups, "--tags", "bmc,record", etcd_endpoints=["127.0.0.1:1"])
    assert "fatal: [boot-0]: UNREACHABLE!" in told
    of_boards = told.partition("PLAY [Users of the boards]")[2].partition("PLAY [")[0]
    assert "skipping: [boot-1]" in of_boards
    assert re.search(r"boot-1 .*unreachable=1 ", told), told


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({"boot-0": 0, "boot-1": None, "boot-2": None}, "boot-1, boot-2 have none"),
        ({"a": 0, "b": "one", "c": -1}, "b has one, which is no number from 0, and c has -1, which is no number"),
        ({"a": 0, "d": 1.5, "e": True}, "d has 1.5, which is no number from 0, and e has True, which is no number"),
        ({"boot-0": 0, "boot-1": 7, "boot-2": "7"}, "boot-1, boot-2 have the same one as another"),
    ],
)  # fmt: skip
def test_each_host_has_a_number_of_its_own(tmp_path: Path, numbers: Mapping[str, object], told: str) -> None:
    """Two hosts under one number would take turns at one record: nothing is asked of a host before that is clear."""
    said = site(tmp_path, {"bootservers": numbers}, "--limit", min(numbers), etcd_endpoints=["127.0.0.1:1"])
    assert told in " ".join(said.split())
    assert "UNREACHABLE" not in said


@pytest.mark.parametrize("group", ["etcd", "proxies", "bmc"])
def test_hosts_that_are_no_boot_servers_have_numbers_too(tmp_path: Path, group: str) -> None:
    """What a role puts on record of them would stand under the number of another."""
    said = site(tmp_path, {"bootservers": {"boot-0": 0}, group: {"other": None}}, etcd_endpoints=["127.0.0.1:1"])
    assert "other has none" in " ".join(said.split())


def site(folder: Path, groups: Mapping[str, Mapping[str, object]], *argv: str, **variables: object) -> str:
    """What `site.yml` tells over hosts that are off, each with its LRN, where `None` is none."""
    inventory = folder / "hosts.yml"
    children = {
        group: {"hosts": {name: {} if lrn is None else {"lrn": lrn} for name, lrn in groups.get(group, {}).items()}}
        for group in {*CHILDREN, *groups}
    }
    off = {"ansible_host": "127.0.0.1", "ansible_port": free_port(), **variables}
    inventory.write_text(json.dumps({"all": {"vars": off, "children": children}}))
    environ = {
        **os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        (program, "-i", str(inventory), "playbooks/site.yml", *argv),
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr
