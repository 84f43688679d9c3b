"""Compose projects that were there first: taken over as they run, or left alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

from appserver.core.entities import AppKey, Desired
from tests.lab.agents import Rig, service
from tests.lab.records import revision


def test_a_project_that_runs_is_taken_over_without_a_restart(node: Rig, key: AppKey, test_image: str, tmp_path: Path):
    """Started by plain `docker compose up`: the same containers, no drift; a later change touches one service alone."""
    one_of = f"{{image: {test_image}, stop_grace_period: 1s}}"
    compose_up(tmp_path / key.name, f"services:\n  web: {one_of}\n  db: {one_of}\n")
    before = node.ids(key)
    asked = {"image": test_image, "stop_grace_period": "1s", "networks": {"default": None}}
    plain = {"web": asked, "db": asked}
    facts = node.engine.image(test_image)
    assert facts is not None
    pinned = {name: {**one, "image": facts.pin} for name, one in plain.items()}
    base = {"name": key.name, "services": plain, "networks": {"default": {"name": f"{key.name}_default"}}}
    one = revision(key, 1, pinned, images={"web": facts, "db": facts}, base=base)
    seen = node.rest(key, node.want(key, Desired(1, 0, adopt=True), one))
    assert (seen.phase, seen.revision, seen.drift, seen.causes) == ("done", 1, (), ())
    assert (node.ids(key), set(seen.adopted)) == (before, set(before.values()))
    changed = {**pinned, "web": {**pinned["web"], "mem_limit": "67108864"}}
    two = revision(key, 2, changed, images={"web": facts, "db": facts})
    seen = node.rest(key, node.want(key, Desired(2, 1), two))
    after = node.ids(key)
    assert (seen.phase, seen.drift, list(seen.adopted)) == ("done", (), [before[f"{key.name}-db-1"]])
    assert after[f"{key.name}-db-1"] == before[f"{key.name}-db-1"]
    assert after[f"{key.name}-web-1"] != before[f"{key.name}-web-1"]


def test_a_project_that_differs_from_its_files_is_not_taken_over(
    node: Rig, key: AppKey, test_image: str, tmp_path: Path
):
    """Nothing is touched, and the report says which service."""
    compose_up(tmp_path / key.name, f"services:\n  web: {{image: {test_image}, environment: {{A: b}}}}\n")
    before = node.ids(key)
    one = revision(key, 1, {"web": {"image": test_image}})
    seen = node.rest(key, node.want(key, Desired(1, 0, adopt=True), one))
    assert (seen.phase, seen.revision, seen.causes[0].service) == ("failed", 0, "web")
    assert node.rest(key, node.want(key, Desired(1, 0, run="removed"))).phase == "removed"
    assert node.ids(key) == before


def test_another_s_project_of_the_same_name_is_left_alone(node: Rig, key: AppKey, test_image: str, tmp_path: Path):
    """A deployment whose name a running project has already fails, and touches nothing."""
    compose_up(tmp_path / key.name, f"services:\n  web: {{image: {test_image}}}\n")
    before = node.ids(key)
    seen = node.rest(key, node.want(key, Desired(1, 0), revision(key, 1, {"web": service(test_image)})))
    assert (seen.phase, "is not Moorage's" in seen.causes[0].why) == ("failed", True)
    assert node.ids(key) == before


def compose_up(folder: Path, text: str) -> None:
    """As a person starts a project."""
    folder.mkdir()
    (folder / "compose.yaml").write_text(text)
    subprocess.run(("docker", "compose", "up", "-d"), cwd=folder, capture_output=True, check=True)
