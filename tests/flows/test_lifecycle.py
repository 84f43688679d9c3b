"""What becomes of an application that runs: drift, stop, deletion, export, adoption; and what is told of it."""

from __future__ import annotations

import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.lab.apps import PROJECT, container_ids, deploy, ended_well, show, two_services
from tests.lab.images import busybox
from tests.lab.processes import Servers
from tests.lab.wait import wait_until


@pytest.fixture(scope="module")
def image() -> str:
    """Its labels ask for 64 MiB."""
    return busybox({"arg.memory": "64M"})


def test_a_container_removed_by_hand_is_reported_within_two_seconds(
    servers: Servers, app_name: str, image: str
) -> None:
    """Drift names the service; deploying the same again mends it."""
    deploy(servers.api, app_name, two_services(image))
    subprocess.run(["docker", "rm", "-f", f"{app_name}-db-1"], check=True, capture_output=True)
    wait_until(lambda: show(servers.api, app_name)["drift"], "the missing container is reported", 2)
    assert show(servers.api, app_name)["state"] == "degraded"
    deploy(servers.api, app_name, two_services(image))
    wait_until(lambda: not show(servers.api, app_name)["drift"], "nothing drifts", 5)


def test_an_application_that_says_so_heals_itself(servers: Servers, app_name: str, image: str) -> None:
    """`x-moorage: {heal: true}`: the container is back without a person."""
    deploy(servers.api, app_name, two_services(image, extra="x-moorage: {heal: true}"))
    before = container_ids(app_name)[f"{app_name}-db-1"]
    subprocess.run(["docker", "rm", "-f", f"{app_name}-db-1"], check=True, capture_output=True)
    wait_until(lambda: container_ids(app_name).get(f"{app_name}-db-1", before) != before, "a new container", 10)
    wait_until(lambda: show(servers.api, app_name)["state"] == "running", "healed", 10)


@pytest.mark.parametrize(
    ("verb", "state", "running"), [("stop", "stopped", 0), ("start", "running", 2), ("restart", "running", 2)]
)
def test_stop_start_restart(servers: Servers, app_name: str, image: str, verb: str, state: str, running: int) -> None:
    """Each is an operation, and what it asked for is what runs, and can be entered.

    A restart by the engine itself leaves a container that nothing enters, where it ends at once and the grace is 0 s.
    """
    deploy(servers.api, app_name, two_services(image))
    if verb == "start":
        servers.api.wait(servers.api.post(f"applications/default/{app_name}/stop").json()["id"])
    answer = servers.api.post(f"applications/default/{app_name}/{verb}")
    ended_well(servers.api, answer)
    assert show(servers.api, app_name)["state"] == state
    told = subprocess.run(
        ["docker", "ps", "-q", "--filter", f"{PROJECT}={app_name}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(told.stdout.split()) == running


def test_a_deletion_keeps_volumes_unless_told(servers: Servers, app_name: str, image: str) -> None:
    """Containers and record go; data stays until somebody says otherwise."""
    deploy(servers.api, app_name, two_services(image))
    answer = servers.api.delete(f"applications/default/{app_name}")
    ended_well(servers.api, answer)
    assert container_ids(app_name) == {}
    assert servers.api.get(f"applications/default/{app_name}").status_code == 404
    assert f"{app_name}_data" in _volumes()
    deploy(servers.api, app_name, two_services(image))
    answer = servers.api.delete(f"applications/default/{app_name}", volumes="true")
    servers.api.wait(answer.json()["id"])
    assert f"{app_name}_data" not in _volumes()


def test_an_export_runs_without_moorage(servers: Servers, app_name: str, image: str, tmp_path: Path) -> None:
    """The tree that `app export` gives is all that `docker compose up` needs."""
    compose = two_services(image, extra="configs: {c: {content: from the config}}").replace(
        "depends_on: [db]", "depends_on: [db]\n    configs: [{source: c, target: /c}]"
    )
    deploy(servers.api, app_name, compose)
    packed = servers.api.get(f"applications/default/{app_name}/export").content
    servers.api.wait(servers.api.delete(f"applications/default/{app_name}").json()["id"])
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        archive.extractall(tmp_path)
    up = subprocess.run(
        ["docker", "compose", "up", "-d", "--wait"],
        cwd=tmp_path / app_name,
        capture_output=True,
        text=True,
        check=False,
    )
    assert up.returncode == 0, up.stderr
    told = subprocess.run(
        ["docker", "exec", f"{app_name}-web-1", "/bin/busybox", "sh", "-c", "echo $DB_PASSWORD; cat /c"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "hunter2-hello\nfrom the config"


def test_a_running_project_is_adopted_without_a_restart(
    servers: Servers, app_name: str, image: str, tmp_path: Path
) -> None:
    """The containers keep their ids; the next real change is an ordinary one."""
    (tmp_path / "compose.yaml").write_text(two_services(image))
    subprocess.run(
        ["docker", "compose", "-p", app_name, "up", "-d", "--wait"], cwd=tmp_path, check=True, capture_output=True
    )
    before = container_ids(app_name)
    found = servers.api.get("nodes/n1/projects").json()["items"]
    assert app_name in [project["name"] for project in found]
    answer = servers.api.post(
        "applications/import", {"node": "n1", "project": app_name, "cluster": "default", "name": app_name}
    )
    assert answer.status_code == 202, answer.text
    ended_well(servers.api, answer)
    assert container_ids(app_name) == before
    seen = show(servers.api, app_name)
    assert (seen["state"], seen["drift"]) == ("running", [])
    deploy(servers.api, app_name, two_services(image, "changed"))
    after = container_ids(app_name)
    assert after[f"{app_name}-web-1"] != before[f"{app_name}-web-1"]


def test_no_secret_is_shown_or_on_record(servers: Servers, app_name: str, image: str) -> None:
    """Plans, explanations, revisions, the list, the audit: none holds the password, and etcd holds a seal."""
    deploy(servers.api, app_name, two_services(image))
    base = f"applications/default/{app_name}"
    plan = servers.api.post("applications/plan", {"name": app_name, "compose": two_services(image, "other")})
    pages = [plan] + [
        servers.api.get(p)
        for p in (base, f"{base}/explain", f"{base}/revisions", f"{base}/revisions/1", "audit", "events")
    ]
    for page in pages:
        assert page.status_code == 200, page.text
        assert "hunter2" not in page.text
    assert '"***"' in servers.api.get(f"{base}/explain").text
    endpoint = servers.settings["etcd_endpoints"][0]  # type: ignore[index]
    dump = subprocess.run(
        ["etcdctl", "--endpoints", endpoint, "get", "--prefix", servers.prefix], capture_output=True, check=True
    ).stdout
    assert b"hunter2" not in dump and b"sealed:v1:" in dump


def test_every_value_says_where_it_comes_from(servers: Servers, app_name: str, image: str) -> None:
    """Image label, compose file with its line, form with its user: each by name, with what it hides."""
    deploy(servers.api, app_name, two_services(image), overrides={"web": {"mem_limit": "48M"}})
    found = servers.api.get(f"applications/default/{app_name}/explain", service="web").json()["items"]
    by_name = {(entry["option"], entry["key"]): entry for entry in found}
    memory = by_name[("mem_limit", "")]
    assert memory["source"].startswith("root ") and memory["text"] == "48M"
    assert any(weaker["source"].startswith("image sha256:") for weaker in memory["hides"])
    assert by_name[("environment", "GREETING")]["source"].startswith("compose.yaml:")


def _volumes() -> str:
    return subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout
