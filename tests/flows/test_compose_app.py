"""The module `moorage.boot.compose_app`: a playbook that deploys an application, with a real app server and engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab.daemon import ROOT
from tests.lab.processes import Servers

STRUCTURED = {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}


def play(servers: Servers, folder: Path, *args: str, code: int = 0, **options: Any) -> tuple[bool, str]:
    """Whether the one task changed something, and all that Ansible printed."""
    task = {
        "moorage.boot.compose_app": {"server": servers.url, "token": servers.token, **options},
        "vars": {"ansible_python_interpreter": sys.executable},
    }
    book = folder / "play.yml"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    environ = {**os.environ, **STRUCTURED, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    environ |= {"ANSIBLE_HOME": str(folder / "ansible"), "PYTHONPATH": str(ROOT)}
    argv = (str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(book), *args)
    done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=110, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert servers.token not in said
    return "changed=1" in said, said


def test_a_playbook_deploys_changes_and_removes_an_application(
    servers: Servers, app_name: str, test_image: str, tmp_path: Path
) -> None:
    """Check mode plans, a second run changes nothing, a change is shown as a diff, a removal happens once."""
    compose = tmp_path / "compose.yaml"
    compose.write_text(f"services:\n  web: {{image: {test_image}, env_file: web.env, stop_grace_period: 0s}}\n")
    (tmp_path / "web.env").write_text("GREETING=hello\n")
    wanted: dict[str, Any] = {"name": app_name, "files": [str(compose)]}
    assert play(servers, tmp_path, "--check", **wanted)[0] is True
    assert servers.api.get(f"applications/default/{app_name}").status_code == 404
    assert play(servers, tmp_path, **wanted)[0] is True
    assert servers.api.get(f"applications/default/{app_name}").json()["revision"] == 1
    assert play(servers, tmp_path, **wanted)[0] is False
    changed, said = play(
        servers, tmp_path, "--diff", **wanted, overrides={"web": {"environment": {"GREETING": "ahoy"}}}
    )
    assert changed
    assert "+      GREETING: ahoy" in said
    gone = {"name": app_name, "state": "absent", "volumes": True}
    assert play(servers, tmp_path, "--check", **gone)[0] is True
    assert play(servers, tmp_path, **gone)[0] is True
    assert play(servers, tmp_path, **gone)[0] is False


def test_what_does_not_come_up_fails_the_task_with_its_reason(
    servers: Servers, app_name: str, test_image: str, tmp_path: Path
) -> None:
    """Nothing of it is left, and the play stops there. A mistake is told as everywhere."""
    text = f"services:\n  web: {{image: {test_image}, command: [/bin/busybox, sh, -c, exit 3]}}\n"
    assert "web: exited with code 3" in play(servers, tmp_path, code=2, name=app_name, definition=text)[1]
    text = f"services:\n  web: {{image: {test_image}, mem_limt: 5m}}\n"
    assert "mem_limt" in play(servers, tmp_path, code=2, name=app_name, definition=text)[1]
    assert "is a reserved name" in play(servers, tmp_path, code=2, name="con", definition=text)[1]
