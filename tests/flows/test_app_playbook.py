"""The playbook `app.yml`: applications as a list says, with a real app server and engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.ansible_play import shipped
from tests.lab.processes import Servers

pytestmark = pytest.mark.slow
SECRET = "sw0rdfish"


def play(servers: Servers, folder: Path, applications: object, *args: str, code: int = 0) -> tuple[int, str]:
    """How many of the tasks changed something, and all that Ansible printed. Files are named from `folder`."""
    said = {"applications": applications, "app_server": servers.url, "app_token": servers.token}
    ran = shipped(folder, "app.yml", said, *args)
    told = ran.text
    assert ran.code == code, told
    assert servers.token not in told
    assert SECRET not in told
    return ran.changed, told


def test_a_list_of_applications_is_deployed_changed_and_removed(
    servers: Servers, app_name: str, test_image: str, tmp_path: Path
) -> None:
    """A check says what would be, a second run changes nothing, and only what changed in the list is touched."""
    project, other = tmp_path / "shop", f"{app_name}-b"
    project.mkdir()
    (project / "compose.yaml").write_text(
        f"services:\n  web: {{image: {test_image}, stop_grace_period: 0s, environment: [GREETING, TOKEN]}}\n"
    )
    (project / "prod.env").write_text(f"GREETING=hello\nTOKEN={SECRET}\n")
    inline = json.dumps({"services": {"web": {"image": test_image, "environment": {"PASSWORD": SECRET}}}})
    shop: dict[str, Any] = {"name": app_name, "files": ["shop/compose.yaml"], "env_files": ["shop/prod.env"]}
    wanted = [shop, {"name": other, "definition": inline, "reason": "first"}]
    changed, told = play(servers, tmp_path, wanted, "--check", "--diff", "-vvv")
    assert changed == 1
    assert "GREETING: hello" in told
    assert servers.api.get(f"applications/default/{app_name}").status_code == 404
    assert play(servers, tmp_path, wanted)[0] == 1
    assert servers.api.get(f"applications/default/{other}").json()["revision"] == 1
    assert play(servers, tmp_path, wanted, "--check")[0] == 0
    assert play(servers, tmp_path, wanted)[0] == 0
    shop["overrides"] = {"web": {"environment": {"GREETING": "ahoy"}}}
    assert "ahoy" in play(servers, tmp_path, wanted, "--diff")[1]
    revisions = [servers.api.get(f"applications/default/{name}").json()["revision"] for name in (app_name, other)]
    assert revisions == [2, 1]
    gone = [{"name": name, "state": "absent", "volumes": True} for name in (app_name, other)]
    assert play(servers, tmp_path, gone, "--check")[0] == 1
    assert play(servers, tmp_path, gone)[0] == 1
    assert play(servers, tmp_path, gone)[0] == 0


def test_a_list_that_cannot_be_understood_is_refused_before_anything_is_done(
    servers: Servers, app_name: str, test_image: str, tmp_path: Path
) -> None:
    """A word that nobody knows, an application without a name, no list at all."""
    good = {"name": app_name, "definition": f"services: {{web: {{image: {test_image}}}}}"}
    assert "it has name, flies" in play(servers, tmp_path, [good, {"name": "b", "flies": []}], code=2)[1]
    assert "Application 2 of the list needs a name" in play(servers, tmp_path, [good, {"files": []}], code=2)[1]
    assert "Application 2 of the list needs a name" in play(servers, tmp_path, [good, "shop"], code=2)[1]
    assert "a list called applications" in play(servers, tmp_path, [], code=2)[1]
    assert "a list called applications" in play(servers, tmp_path, {"shop": {}}, code=2)[1]
    assert servers.api.get(f"applications/default/{app_name}").status_code == 404


def test_one_application_that_fails_does_not_keep_the_others(
    servers: Servers, app_name: str, test_image: str, tmp_path: Path
) -> None:
    """The play fails, says which and why, and the rest of the list is deployed."""
    bad = {"name": f"{app_name}-b", "definition": f"services: {{web: {{image: {test_image}, mem_limt: 5m}}}}"}
    good = {"name": app_name, "definition": f"services: {{web: {{image: {test_image}}}}}"}
    told = play(servers, tmp_path, [bad, good], code=2)[1]
    assert "mem_limt" in told
    assert f"default.{app_name}-b" in told
    assert servers.api.get(f"applications/default/{app_name}").json()["revision"] == 1
    play(servers, tmp_path, [{"name": app_name, "state": "absent"}])
