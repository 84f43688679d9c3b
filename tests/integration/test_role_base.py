"""To whom the role `base` gives the key of the site's secrets: a check of it on this machine."""

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
