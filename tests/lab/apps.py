"""Applications of two services, deployed through the API of a running app server and looked at in this engine."""

from __future__ import annotations

import json
import subprocess

import requests

from tests.lab.api import Api

PROJECT = "label=com.docker.compose.project"
HEALTHY = '["CMD", "/bin/busybox", "true"]'
FAILING = '["CMD", "/bin/busybox", "sh", "-c", "echo the probe says no; exit 1"]'


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
