"""B14, secrets: they are in the containers that need them and in what their owner exports, and nowhere else."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
import requests

from tests.lab.api import Api
from tests.lab.images import busybox
from tests.lab.processes import Servers

WORD = "xyzzy-plugh"
"""Begins every secret here."""

COMPOSE = """
services:
  web:
    image: {image}
    command: ["/bin/busybox", "sh", "-c", "echo told: $$DB_PASSWORD; exec /bin/busybox {last}", "${{API_KEY}}"]
    environment:
      DB_PASSWORD: {word}-by-name
      INNOCENT: {word}-declared
      FROM_ENV_FILE: ${{API_KEY}}
      DATABASE_URL: postgres://app:{word}-userinfo@db/app
      SMTP: smtp://user:{word}-smtp@mail
    labels: {{told.to: "scraper ${{API_KEY}}"}}
    secrets: [cert]
    stop_grace_period: 0s
secrets:
  cert: {{environment: CERT}}
x-moorage: {{secrets: [INNOCENT], settle: 500ms}}
"""
ENV = f"API_KEY={WORD}-env-file # the shop's own\nCERT={WORD}-file\n"


@pytest.fixture(scope="module")
def image() -> str:
    return busybox({"arg.memory": "64M"})


@pytest.fixture
def argvs() -> Iterator[list[bytes]]:
    """The command line of every process that ran while the test did, as far as a quick look sees them."""
    seen: set[bytes] = set()
    over = Event()

    def look() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes())
                except OSError:
                    continue  # it has ended meanwhile

    watcher = Thread(target=look, daemon=True)
    watcher.start()
    found: list[bytes] = []
    yield found
    over.set()
    watcher.join()
    found += seen
    mine = [argv for argv in seen if WORD.encode() in argv and b"echo told" not in argv]
    assert mine == []


def _deploy(api: Api, name: str, image: str, last: str, changed: str = "") -> requests.Response:
    text = COMPOSE.format(image=image, word=WORD + changed, last=last)
    form = {"web": {"environment": {"FORM_TOKEN": f"{WORD}{changed}-form", "QUERY": f"t={WORD}{changed}-form"}}}
    body = {"name": name, "compose": text, "env": ENV.replace(WORD, WORD + changed), "overrides": form}
    answer = api.post("applications", body)
    assert answer.status_code == 202, answer.text
    return answer


def _everything(servers: Servers, name: str, operation: str) -> dict[str, str]:
    """All that people and programs are shown of an application, by where."""
    api = servers.api
    app = f"applications/default/{name}"
    paths = [f"operations/{operation}", "applications", app, f"{app}/explain", f"{app}/revisions", f"{app}/drift"]
    paths += [
        f"{app}/revisions/1",
        f"{app}/revisions/2",
        "audit",
        "events",
        "/metrics",
        f"operations/{operation}/events",
    ]
    shown = {path: api.get(path).text for path in paths}
    for page in ("", "/explain", "/history", "/history/1", "/drift"):
        shown[f"page {page}"] = _page(servers, f"/applications/default/{name}{page}")
    shown["serve's log"], shown["agent's log"] = servers.serve.log, servers.agent.log
    return shown


def _page(servers: Servers, path: str) -> str:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(servers.url + path, timeout=30, headers={"Authorization": f"Bearer {servers.token}"}).text


def _etcd(servers: Servers) -> str:
    endpoints = ",".join(servers.settings["etcd_endpoints"])  # type: ignore[arg-type]
    argv = ["etcdctl", f"--endpoints={endpoints}", "get", "--prefix", servers.prefix]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout


def test_a_healthy_application_shows_none_of_its_secrets(
    servers: Servers, app_name: str, image: str, argvs: list[bytes]
):
    """By name, declared, from `.env`, in a URL, in a file, by the form: on no page, in no log, etcd or argv."""
    first = _deploy(servers.api, app_name, image, "sleep 600").json()
    assert servers.api.wait(first["id"])["state"] == "done"
    plan = servers.api.post(
        "applications/plan", {"name": app_name, "compose": COMPOSE.format(image=image, word=WORD + "2", last="sleep 9")}
    )
    second = _deploy(servers.api, app_name, image, "sleep 600", changed="2").json()
    assert servers.api.wait(second["id"])["state"] == "done"
    shown = {**_everything(servers, app_name, second["id"]), "plan": plan.text, "etcd": _etcd(servers)}
    assert [where for where, text in shown.items() if WORD in text] == []
    inside = subprocess.run(
        ["docker", "exec", f"{app_name}-web-1", "/bin/busybox", "sh", "-c", "env; cat /run/secrets/cert"],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout  # fmt: skip
    for secret in ("by-name", "declared", "env-file", "userinfo", "smtp", "file", "form"):
        assert f"{WORD}2-{secret}" in inside, secret


def test_a_service_that_prints_its_secret_and_fails_does_not_tell_it(servers: Servers, app_name: str, image: str):
    """The report of a failure holds the last lines of the log, with the secret taken out of them."""
    failed = _deploy(servers.api, app_name, image, "false").json()
    done = servers.api.wait(failed["id"])
    assert done["state"] == "failed"
    assert "told: ***" in str(done["causes"])
    shown = {**_everything(servers, app_name, failed["id"]), "etcd": _etcd(servers)}
    assert [where for where, text in shown.items() if WORD in text] == []


@pytest.mark.parametrize(
    "compose",
    [
        f"services:\n  web:\n    image: x\n    environment:\n      DB_PASSWORD: {WORD}\n    mem_limit: many\n",
        f"services:\n  web:\n    image: x\n    environment: [DB_PASSWORD={WORD}]\n    bogus: {WORD}\n",
        f"services:\n  web:\n    environment:\n      DB_PASSWORD: {WORD}\n",
        f"services:\n  web:\n    image: x\n    ports: ['{WORD}']\n",
        f"services: {WORD}\n",
        f"services:\n  web:\n    image: x\n    environment:\n      DB_PASSWORD: '{WORD}\n",
    ],
    ids=["a bad value beside it", "an unknown key", "no image", "in the wrong place", "no map", "not YAML"],
)
def test_a_refusal_does_not_repeat_an_environment(servers: Servers, app_name: str, compose: str):
    """What is wrong is said by its place; the audit and the logs do not keep what stood beside it."""
    answer = servers.api.post("applications", {"name": app_name, "compose": compose})
    assert 400 <= answer.status_code < 500, answer.text
    kept = servers.api.get("audit").text + servers.serve.log + _etcd(servers)
    assert WORD not in kept


def test_who_may_not_write_gets_no_secret(servers: Servers, app_name: str, image: str):
    """The export holds them in the clear, so it is for those who could set them; the page to edit likewise."""
    done = _deploy(servers.api, app_name, image, "sleep 600").json()
    servers.api.wait(done["id"])
    made = servers.api.post("tokens", {"title": "viewer", "scope": "viewer"}).json()
    viewer = Api(servers.url, made["token"])
    try:
        assert viewer.get(f"applications/default/{app_name}/export").status_code == 403
        assert WORD not in viewer.get(f"applications/default/{app_name}").text
        assert WORD.encode() in _unzipped(servers.api.get(f"applications/default/{app_name}/export").content)
    finally:
        servers.api.delete(f"tokens/{made['id']}")


def _unzipped(packed: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())
