"""Where the role `etcd` says that the store is, for people's controllers and for app servers that run plays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.checkout import ROOT
from tests.lab.etcd import Cluster

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.import_role: {name: moorage.boot.etcd, tasks_from: store}
    - ansible.builtin.copy: {content: "{{ etcd_store }}", dest: "{{ told }}", mode: "0600"}
"""
MEMBERS = {"etcd": {"hosts": {"boot-0": {"ansible_host": "198.18.0.10"}}}}
RECORDED = {"bootservers": {"hosts": {"boot-1": {"ansible_host": "198.18.0.11"}}}}
TOLD = {"endpoints": ["198.18.0.9:2379"], "ca": "/c", "cert": "/serve.crt", "key": "/k"}


@pytest.mark.parametrize(("told", "cert"), [({}, "/site/authority/controller.crt"), (TOLD, "/serve.crt")])
def test_whoever_runs_a_play_writes_the_record_with_files_of_their_own(
    told: dict[str, object], cert: str, tmp_path: Path
) -> None:
    """The controller as the site's people; an app server as itself. What hosts are told is the same."""
    store = store_of(MEMBERS, told, tmp_path)
    assert store["controller"]["cert"] == cert
    assert (store["endpoints"], store["cert"]) == (["198.18.0.10:2379"], "/etc/moorage/pki/etcd.crt")


def test_an_app_server_knows_the_store_where_its_inventory_does_not(tmp_path: Path) -> None:
    """The record as an inventory has no group of members."""
    assert store_of(RECORDED, TOLD, tmp_path)["endpoints"] == TOLD["endpoints"]


def test_an_etcd_that_was_there_is_found_by_every_playbook(etcd_server: Cluster, tmp_path: Path) -> None:
    """Not by site.yml alone: it speaks no TLS, so what asks it with certificates gets no answer."""
    (endpoint,) = etcd_server.endpoints
    port = endpoint.rpartition(":")[2]
    store = store_of(MEMBERS, {}, tmp_path, etcd_client_port=port)
    assert (store["endpoints"], store["own"], store["ca"]) == ([f"127.0.0.1:{port}"], False, "")


def store_of(groups: dict[str, Any], env: dict[str, object], tmp_path: Path, **variables: str) -> dict[str, Any]:
    """The fact `etcd_store` of a host, as a run of Ansible has it that an app server gave `env`, if any."""
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"children": groups}}))
    environ = {"MOORAGE_PLAY_STORE": json.dumps(env)} if env else {}
    told = tmp_path / "told"
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    given = json.dumps({"told": str(told), "etcd_authority_dir": "/site/authority", **local, **variables})
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        (program, "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), "-e", given),
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(tmp_path), **environ},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(told.read_text()))
