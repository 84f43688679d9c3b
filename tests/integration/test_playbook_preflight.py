"""What the playbooks ask before anything else, on inventories of hosts that are off: no host is spoken to by then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.lab.checkout import ROOT
from tests.lab.daemon import free_port

RECORDED = {"bootservers": {"boot-0": {"lrn": 0}}, "role_etcd": {"boot-0": {}}}
"""As an app server sees the site that has no other inventory than the record."""
MEMBERS = {"bootservers": {"boot-0": {"lrn": 0}}, "etcd": {"boot-0": {}}}
AS_APP_SERVER = {"MOORAGE_PLAY_STORE": json.dumps({"endpoints": ["127.0.0.1:1"], "ca": "", "cert": "", "key": ""})}
ALONE = "runs from the controller alone"


@pytest.mark.parametrize(
    ("playbook", "argv"),
    [
        ("etcd.yml", ("--tags", "snapshot")),
        ("etcd.yml", ()),
        ("retire.yml", ("-e", "retire=boot-0", "--limit", "boot-0")),
        ("site.yml", ()),
        ("site.yml", ("--skip-tags", "base")),
        *(("site.yml", ("--tags", tag)) for tag in ("base", "etcd", "appserver", "agent", "proxy")),
    ],
)
@pytest.mark.parametrize("groups", [RECORDED, MEMBERS])
def test_what_needs_the_sites_authority_is_refused_to_an_app_server(
    tmp_path: Path, playbook: str, argv: Sequence[str], groups: Mapping[str, Mapping[str, object]]
) -> None:
    """Rather than found to have nothing to do in an inventory without the group; no host is asked."""
    code, told = run(tmp_path, playbook, groups, *argv, environ=AS_APP_SERVER)
    assert code == 2 and ALONE in told, told
    assert "UNREACHABLE" not in told


@pytest.mark.parametrize(("tags", "group"), [("storage", "storage"), ("basefs", "basefs"), ("bmc", "bmc")])
@pytest.mark.parametrize("environ", [{}, AS_APP_SERVER])
def test_a_concern_of_nobody_is_not_reported_as_done(
    tmp_path: Path, tags: str, group: str, environ: Mapping[str, str]
) -> None:
    """It was asked for by its tag, so somebody expects it to have happened."""
    code, told = run(tmp_path, "site.yml", RECORDED, "--tags", tags, environ=environ)
    assert code == 2 and f"no host in the group {group}" in told, told


def test_care_for_etcd_without_a_member_is_refused(tmp_path: Path) -> None:
    """Also to the controller: a snapshot that nobody took is none."""
    code, told = run(tmp_path, "etcd.yml", RECORDED, "--tags", "snapshot")
    assert code == 2 and "no host in the group etcd" in told, told


def test_an_app_server_may_write_the_record(tmp_path: Path) -> None:
    """Which takes no authority: it gets as far as the host."""
    _, told = run(tmp_path, "site.yml", RECORDED, "--tags", "record", environ=AS_APP_SERVER)
    assert "UNREACHABLE" in told and ALONE not in told


@pytest.mark.parametrize(
    "playbook", ["site.yml", "etcd.yml", "storage.yml", "basefs.yml", "bmc.yml", "retire.yml", "app.yml"]
)
def test_a_python_without_moorage_is_told_at_once(tmp_path: Path, playbook: str) -> None:
    """With what mends it, before any host is asked, and not in the middle by the first module that needs it."""
    package = tmp_path / "without" / "appserver"  # where the tests' own Python has it all the same
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'appserver'\")\n")
    groups = {group: {"boot-0": {"lrn": 0}} for group in ("bootservers", "etcd", "storage", "basefs")}
    given = ("-e", "retire=boot-0", "-e", '{"applications": [{"name": "a"}]}')
    code, told = run(tmp_path, playbook, groups, *given, environ={"PYTHONPATH": str(package.parent)})
    assert code == 2 and "./up --inventory" in told and "No module named 'appserver'" in told, told
    assert "UNREACHABLE" not in told


@pytest.mark.parametrize("members", [2, 4, 6])
def test_a_new_cluster_of_etcd_without_a_majority_to_lose_is_refused_at_once(tmp_path: Path, members: int) -> None:
    """Before hosts or controller were changed; one, three and five pass."""
    code, told = run(tmp_path, "site.yml", cluster(members))
    assert code == 2 and f"The group etcd has {members} hosts" in told, told
    assert "UNREACHABLE" not in told
    assert "UNREACHABLE" in run(tmp_path, "site.yml", cluster(members - 1))[1]


def test_members_of_a_cluster_that_is_there_may_come_and_go(tmp_path: Path) -> None:
    """Between three and one there are two; each host is then asked whether it is a member."""
    (tmp_path / "etcd-founded").write_text("moorage\n")
    assert "UNREACHABLE" in run(tmp_path, "site.yml", cluster(2))[1]


def test_nobody_is_warned_of_groups_that_may_be_left_out(tmp_path: Path) -> None:
    """With the inventory of empty groups that `./up` puts before the user's; what is not there they know."""
    asked = ("--tags", "record", "-i", "inventory/optional")
    assert (
        "Could not match supplied host pattern"
        not in run(tmp_path, "site.yml", {**MEMBERS, "appservers": {"boot-0": {}}}, *asked)[1]
    )


def cluster(members: int) -> Mapping[str, Mapping[str, object]]:
    hosts = {f"boot-{number}": {"lrn": number} for number in range(members)}
    return {"bootservers": hosts, "etcd": dict.fromkeys(hosts)}


def run(
    folder: Path,
    playbook: str,
    groups: Mapping[str, Mapping[str, object]],
    *argv: str,
    environ: Mapping[str, str] = {},  # read alone
) -> tuple[int, str]:
    """Exit code and what a playbook tells, in one line, over hosts that are off."""
    inventory = folder / "hosts.yml"
    off = {"ansible_host": "127.0.0.1", "ansible_port": free_port(), "etcd_address": "127.0.0.1"}
    authority = {f"{role}_authority_dir": str(folder) for role in ("base", "etcd", "agent", "appserver", "proxy")}
    children = {group: {"hosts": hosts} for group, hosts in groups.items()}
    inventory.write_text(json.dumps({"all": {"vars": {**off, **authority}, "children": children}}))
    given = {
        **os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(ROOT), **environ,
    }  # fmt: skip
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        (program, "-i", str(inventory), f"playbooks/{playbook}", *argv),
        cwd=ROOT, env=given, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return done.returncode, " ".join((done.stdout + done.stderr).split())
