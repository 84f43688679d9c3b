"""An application from the API to running containers and back, on a real app server, agent, etcd and engine."""

from __future__ import annotations

import json
import socket
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest
import requests

from tests.lab.api import Api
from tests.lab.images import busybox
from tests.lab.processes import Servers
from tests.lab.wait import wait_until

PROJECT = "label=com.docker.compose.project"
HEALTHY = '["CMD", "/bin/busybox", "true"]'
FAILING = '["CMD", "/bin/busybox", "sh", "-c", "echo the probe says no; exit 1"]'


@pytest.fixture(scope="module")
def image() -> str:
    """Its labels ask for 64 MiB."""
    return busybox({"arg.memory": "64M"})


def two_services(image: str, greeting: str = "hello", extra: str = "") -> str:
    return f"""
services:
  web:
    image: {image}
    environment: {{GREETING: "{greeting}", DB_PASSWORD: hunter2-{greeting}}}
    healthcheck: {{test: {HEALTHY}, interval: 300ms, retries: 2}}
    stop_grace_period: 0s
    init: true
    depends_on: [db]
  db:
    image: {image}
    stop_grace_period: 0s
    volumes: [data:/data]
volumes: {{data: }}
{extra}
"""


def deploy(api: Api, name: str, compose: str, **more: object) -> dict[str, object]:
    answer = api.post("applications", {"cluster": "default", "name": name, "compose": compose, **more})
    assert answer.status_code == 202, answer.text
    return api.wait(answer.json()["id"])


def ended_well(api: Api, answer: requests.Response) -> None:
    """The operation that was answered with comes to a good end."""
    done = api.wait(answer.json()["id"])
    assert done["state"] == "done", json.dumps(done)


def show(api: Api, name: str) -> dict[str, object]:
    return api.get(f"applications/default/{name}").json()


def container_ids(name: str) -> dict[str, str]:
    told = subprocess.run(
        ["docker", "ps", "-a", "--no-trunc", "--filter", f"{PROJECT}={name}", "--format", "{{json .}}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    return {row["Names"]: row["ID"] for row in rows}


def test_a_deployment_is_on_record_and_running(servers: Servers, app_name: str, image: str) -> None:
    """Done means: containers run under Compose's labels, and the record says revision 1 is in force."""
    done = deploy(servers.api, app_name, two_services(image))
    assert done["state"] == "done", json.dumps(done)
    assert set(container_ids(app_name)) == {f"{app_name}-web-1", f"{app_name}-db-1"}
    seen = show(servers.api, app_name)
    assert (seen["state"], seen["revision"], seen["up"]) == ("running", 1, 2)
    listed = subprocess.run(["docker", "compose", "ls", "--format", "json"], capture_output=True, text=True, check=True)
    assert app_name in [project["Name"] for project in json.loads(listed.stdout)]


def test_the_same_again_starts_nothing(servers: Servers, app_name: str, image: str) -> None:
    """200 with nothing changed: no revision, no other container."""
    deploy(servers.api, app_name, two_services(image))
    before = container_ids(app_name)
    answer = servers.api.post("applications", {"name": app_name, "compose": two_services(image)})
    assert (answer.status_code, answer.json()["changed"]) == (200, False)
    assert container_ids(app_name) == before
    assert show(servers.api, app_name)["latest"] == 1


def test_a_change_of_one_service_recreates_that_one_alone(servers: Servers, app_name: str, image: str) -> None:
    """Its neighbour keeps its container."""
    deploy(servers.api, app_name, two_services(image))
    before = container_ids(app_name)
    changed = two_services(image, "goodbye")
    plan = servers.api.post("applications/plan", {"name": app_name, "compose": changed}).json()
    assert {step["subject"]: step["action"] for step in plan["steps"]} == {"web": "recreate", "db": "none"}
    deploy(servers.api, app_name, changed, token=plan["token"])
    after = container_ids(app_name)
    assert after[f"{app_name}-db-1"] == before[f"{app_name}-db-1"]
    assert after[f"{app_name}-web-1"] != before[f"{app_name}-web-1"]


def test_another_number_of_copies_leaves_those_that_stay(servers: Servers, app_name: str, image: str) -> None:
    """Scaling up only creates, scaling down only removes the newest, and the same number is nothing to do."""
    deploy(servers.api, app_name, two_services(image))
    before = container_ids(app_name)
    path = f"applications/default/{app_name}/scale"
    same = servers.api.post(path, {"service": "web", "replicas": 1})
    assert (same.status_code, same.json()["changed"]) == (200, False)
    ended_well(servers.api, servers.api.post(path, {"service": "web", "replicas": 3}))
    more = container_ids(app_name)
    assert {name: more[name] for name in before} == before
    assert set(more) - set(before) == {f"{app_name}-web-2", f"{app_name}-web-3"}
    assert servers.api.post(path, {"service": "web", "replicas": 3}).json()["changed"] is False
    ended_well(servers.api, servers.api.post(path, {"service": "web", "replicas": 2}))
    assert container_ids(app_name) == {name: id_ for name, id_ in more.items() if name != f"{app_name}-web-3"}
    ended_well(servers.api, servers.api.post(path, {"service": "web", "replicas": 1}))
    assert container_ids(app_name) == before
    assert show(servers.api, app_name)["latest"] == 4


def test_a_stale_plan_is_refused_and_changes_nothing(servers: Servers, app_name: str, image: str) -> None:
    """409; the application is as the other deployment left it."""
    deploy(servers.api, app_name, two_services(image))
    plan = servers.api.post("applications/plan", {"name": app_name, "compose": two_services(image, "b")}).json()
    deploy(servers.api, app_name, two_services(image, "c"))
    stale = {"name": app_name, "compose": two_services(image, "b"), "token": plan["token"]}
    answer = servers.api.post("applications", stale)
    assert answer.status_code == 409
    assert show(servers.api, app_name)["latest"] == 2


def test_a_revision_that_fails_is_put_back_with_its_cause(servers: Servers, app_name: str, image: str) -> None:
    """The previous revision runs again, and the report holds the last probe and the last log lines."""
    deploy(servers.api, app_name, two_services(image))
    broken = two_services(image, "bad").replace(HEALTHY, FAILING)
    done = deploy(servers.api, app_name, broken)
    assert done["state"] == "failed"
    cause = done["causes"][0]  # type: ignore[index]
    assert cause["service"] == "web" and "the probe says no" in cause["last_probe"]
    wait_until(lambda: show(servers.api, app_name)["state"] == "running", "the previous revision is back", 20)
    seen = show(servers.api, app_name)
    assert (seen["revision"], seen["wanted"], seen["latest"]) == (1, 1, 2)
    history = servers.api.get(f"applications/default/{app_name}/revisions").json()["items"]
    assert [(r["number"], r["outcome"], r["in_force"]) for r in history] == [
        (2, "failed", False),
        (1, "deployed", True),
    ]


def test_a_service_that_exits_tells_its_code_and_last_words(servers: Servers, app_name: str, image: str) -> None:
    """A first deployment that fails leaves nothing running, and says why."""
    compose = f"""
services:
  job:
    image: {image}
    command: [/bin/busybox, sh, -c, "echo last words; exit 3"]
"""
    done = deploy(servers.api, app_name, compose)
    cause = done["causes"][0]  # type: ignore[index]
    assert (done["state"], cause["exit_code"]) == ("failed", 3)
    assert any("last words" in line for line in cause["logs"])


def test_a_first_deployment_that_failed_is_tried_again(servers: Servers, app_name: str, image: str) -> None:
    """Once what stood in its way is gone, by deploying the same again, or by starting what there is."""
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        compose = f"services:\n  web: {{image: {image}, ports: ['{port}:80'], stop_grace_period: 0s}}\n"
        assert deploy(servers.api, app_name, compose)["state"] == "failed"
        again = servers.api.post("applications/plan", {"name": app_name, "compose": compose}).json()
        assert [(step["action"], step["cause"]) for step in again["steps"]] == [
            ("create", "revision 1 did not come up")
        ]
        assert deploy(servers.api, app_name, compose)["state"] == "failed"
    ended_well(servers.api, servers.api.post(f"applications/default/{app_name}/start"))
    wait_until(lambda: show(servers.api, app_name)["revision"] == 2, "what was started is in force", 20)
    assert show(servers.api, app_name)["state"] == "running"
    assert servers.api.post("applications", {"name": app_name, "compose": compose}).status_code == 200


def test_a_rollback_needs_no_registry_and_restores_the_images(servers: Servers, app_name: str, image: str) -> None:
    """By digest: the tag has moved since and points to another image."""
    moving = f"{image.rpartition(':')[0]}:moving-{app_name}"
    subprocess.run(["docker", "tag", image, moving], check=True)
    try:
        deploy(servers.api, app_name, two_services(moving))
        first = _image_of(app_name, "web")
        _other_image(image, moving)
        deploy(servers.api, app_name, two_services(moving))
        assert _image_of(app_name, "web") != first
        answer = servers.api.post(f"applications/default/{app_name}/rollback", {"revision": 1})
        ended_well(servers.api, answer)
        assert _image_of(app_name, "web") == first
        seen = servers.api.get(f"applications/default/{app_name}/revisions/3").json()
        assert (seen["restores"], seen["digest"]) == (
            1,
            servers.api.get(f"applications/default/{app_name}/revisions/1").json()["digest"],
        )
    finally:
        subprocess.run(["docker", "rmi", moving], capture_output=True, check=False)


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


def test_a_roll_out_stopped_at_once_never_comes_into_force(servers: Servers, app_name: str, image: str) -> None:
    """The stop ends; started again, the revision fails, and what was healthy before it is back."""
    deploy(servers.api, app_name, two_services(image))
    broken = two_services(image, "bad").replace(HEALTHY, FAILING)
    begun = servers.api.post("applications", {"cluster": "default", "name": app_name, "compose": broken})
    assert begun.status_code == 202, begun.text
    ended_well(servers.api, servers.api.post(f"applications/default/{app_name}/stop"))
    seen = show(servers.api, app_name)
    assert (seen["state"], seen["revision"], seen["wanted"]) == ("stopped", 1, 2)
    started = servers.api.post(f"applications/default/{app_name}/start")
    assert servers.api.wait(started.json()["id"])["state"] == "failed"
    wait_until(lambda: show(servers.api, app_name)["state"] == "running", "the previous revision is back", 20)
    assert (show(servers.api, app_name)["revision"], show(servers.api, app_name)["wanted"]) == (1, 1)


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


def test_two_app_servers_at_once_one_wins(servers: Servers, app_name: str, image: str) -> None:
    """The other is told 409, and nothing is started twice."""
    with servers.second_serve() as other:
        answers: list[int] = []
        body = {"name": app_name, "compose": two_services(image)}
        threads = [
            Thread(target=lambda api=api: answers.append(api.post("applications", body).status_code))
            for api in (servers.api, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) in ([202, 409], [200, 202])
        wait_until(lambda: show(other, app_name)["state"] == "running", "running", 30)
        assert show(other, app_name)["latest"] == 1
        assert len(container_ids(app_name)) == 2


def _image_of(name: str, service: str) -> str:
    told = subprocess.run(
        ["docker", "inspect", "-f", "{{.Image}}", f"{name}-{service}-1"], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


def _other_image(base: str, tag: str) -> None:
    made = subprocess.run(["docker", "create", base], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["docker", "commit", "-c", "LABEL moved=yes", made, tag], capture_output=True, check=True)
    subprocess.run(["docker", "rm", made], capture_output=True, check=True)


def _volumes() -> str:
    return subprocess.run(["docker", "volume", "ls", "-q"], capture_output=True, text=True, check=True).stdout
