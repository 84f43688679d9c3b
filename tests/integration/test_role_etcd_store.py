"""Where the role `etcd` says that the store is, for people's controllers and for app servers that run plays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.checkout import ROOT

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: moorage.boot.etcd, tasks_from: store}
    - ansible.builtin.copy: {content: "{{ etcd_store }}", dest: "{{ told }}", mode: "0600"}
"""
HOSTS = {"all": {"children": {"etcd": {"hosts": {"boot-0": {"ansible_host": "198.18.0.10"}}}}}}


@pytest.mark.parametrize(
    ("environ", "cert"),
    [
        ({}, "/site/authority/controller.crt"),
        ({"MOORAGE_PLAY_STORE": '{"ca": "/c", "cert": "/serve.crt", "key": "/k"}'}, "/serve.crt"),
    ],
)
def test_whoever_runs_a_play_writes_the_record_with_files_of_their_own(
    environ: dict[str, str], cert: str, tmp_path: Path
) -> None:
    """The controller as the site's people; an app server as itself. What hosts are told is the same."""
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "hosts.yml").write_text(json.dumps(HOSTS))
    told = tmp_path / "told"
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    given = json.dumps({"told": str(told), "etcd_authority_dir": "/site/authority", **local})
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        (program, "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), "-e", given),
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(tmp_path), **environ},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    store = json.loads(told.read_text())
    assert store["controller"]["cert"] == cert
    assert (store["endpoints"], store["cert"]) == (["198.18.0.10:2379"], "/etc/moorage/pki/etcd.crt")
