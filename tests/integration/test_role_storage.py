"""What the role `storage` proves of hosts that share a tree: Ansible on directories of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.lab.checkout import ROOT


def test_hosts_are_proven_a_batch_at_a_time(tmp_path: Path) -> None:
    """With `serial`, what earlier batches wrote and took away again is not missed."""
    (tmp_path / "tree/global").mkdir(parents=True)
    code, told = prove(tmp_path, *["tree"] * 3, serial=2)
    assert code == 0, told
    assert not list((tmp_path / "tree/global").iterdir())


def test_hosts_of_a_batch_that_do_not_share_are_found_out(tmp_path: Path) -> None:
    """A host sees what it wrote itself, so it takes two to find out."""
    for name in ("tree", "other"):
        (tmp_path / name / "global").mkdir(parents=True)
    code, told = prove(tmp_path, "tree", "tree", "other", serial=3)
    assert code == 2
    assert "boot-2 does not show what boot-0, boot-1 wrote" in " ".join(told.split())


def prove(folder: Path, *trees: str, serial: int) -> tuple[int, str]:
    """The role's proof alone, over as many hosts as trees, so many at a time; exit code, and what it told."""
    hosts = {f"boot-{lrn}": {"storage_prefix": str(folder / tree)} for lrn, tree in enumerate(trees)}
    common = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "storage_timeout": 3,
        "storage_lrn": 0, "storage_hosts": list(hosts),
    }  # fmt: skip
    inventory, book = folder / "hosts.yml", folder / "prove.yml"
    inventory.write_text(json.dumps({"all": {"vars": common, "hosts": hosts}}))
    role = {"ansible.builtin.include_role": {"name": "moorage.boot.storage", "tasks_from": "prove"}}
    book.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "serial": serial, "tasks": [role]}]))
    environ = {
        **os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        (program, "-i", str(inventory), str(book)), cwd=ROOT, env=environ, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
