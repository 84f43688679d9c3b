"""What the role `base` asks of a host, and to whom it gives the key of the site's secrets: on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.ansible_play import play


@pytest.mark.parametrize(
    ("groups", "given"),
    [(("bootservers", "storage"), True), (("appservers",), True), (("etcd",), False), (("proxies", "storage"), False)],
)
def test_only_agent_and_app_server_open_the_sites_secrets(tmp_path: Path, groups: tuple[str, ...], given: bool) -> None:
    """A member of etcd alone, or a proxy, has no use for what it could lose."""
    there = Path("/etc/moorage/seal.key")  # of a machine on which ./up has run
    (tmp_path / "seal.key").write_bytes(there.read_bytes() if there.exists() else b"key")
    (tmp_path / "ca.crt").write_bytes(b"certificate")
    inventory = tmp_path / "groups.yml"
    inventory.write_text(json.dumps({group: {"hosts": {"localhost": None}} for group in groups}))
    secrets = {"ansible.builtin.include_role": {"name": "moorage.boot.base", "tasks_from": "secrets"}}
    variables = {"base_authority_dir": str(tmp_path), "base_user": "root"}
    told = play(tmp_path, [{**secrets, "vars": variables}], "--check", "-i", str(inventory)).good().text
    task = told.partition("Secrets at rest can be opened]")[2].partition("TASK [")[0]
    assert ("skipping: [localhost]" not in task) is given, told


@pytest.mark.parametrize("said", ["sudo: a password is required", "joe is not in the sudoers file."])
def test_a_user_who_cannot_become_root_is_told_in_one_sentence(tmp_path: Path, said: str) -> None:
    """With the host, the user, and what sudo said; not with Ansible's words around it."""
    sudo = tmp_path / "sudo"
    sudo.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    sudo.chmod(0o755)
    root = {"ansible.builtin.import_role": {"name": "moorage.boot.base", "tasks_from": "root"}}
    # Not root, which this is: Ansible asks nothing of whoever has no need to become somebody else.
    given = {"ansible_become_exe": str(sudo), "ansible_become_user": "daemon"}
    ran = play(tmp_path, [{**root, "vars": given, "become": True}])
    assert ran.code == 2
    assert f"localhost: root cannot become root: {said.removesuffix('.')}. Let that user" in ran.text, ran.text


def test_whoever_is_root_needs_no_sudo(tmp_path: Path) -> None:
    """Nor does anything change."""
    root = {"ansible.builtin.import_role": {"name": "moorage.boot.base", "tasks_from": "root"}}
    assert play(tmp_path, [{**root, "become": True}]).good().changed == 0
