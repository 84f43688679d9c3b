"""A deployment on a real app server, agent, etcd and engine: changed, refused, failed and put back, rolled back."""

from __future__ import annotations

import json
import socket
import subprocess
from threading import Thread

import pytest

from tests.lab.apps import FAILING, HEALTHY, container_ids, deploy, ended_well, show, two_services
from tests.lab.images import busybox
from tests.lab.processes import Servers
from tests.lab.wait import wait_until


@pytest.fixture(scope="module")
def image() -> str:
    """Its labels ask for 64 MiB."""
    return busybox({"arg.memory": "64M"})


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
