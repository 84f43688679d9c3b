"""Releases, from a person's tag to the version in force: real git, real processes, real etcd."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.lab.checkout import ROOT
from tests.lab.etcd import Cluster
from tests.lab.git import Copy, clone
from tests.lab.processes import Servers, app_server
from tests.lab.releasing import MANIFEST, PLAY, give_tag, release, signer
from tests.lab.wait import wait_until

_copies = count(1)
LOOKED_S = 30.0


@pytest.fixture(scope="module")
def site(etcd_server: Cluster) -> Iterator[Servers]:
    """An installation of its own: what is in force here is nobody else's."""
    with app_server(etcd_server, f"/releases-{os.getpid()}/", {"cluster": "default"}) as started:
        yield started


@pytest.fixture
def copy(site: Servers, tmp_path: Path) -> Copy:
    return clone(tmp_path / f"copy{next(_copies)}", f"{site.url}/git/releases.git", "root", site.token)


@pytest.fixture(autouse=True)
def as_it_was(site: Servers) -> Iterator[None]:
    """No channel, no freeze, no signers, any window."""
    yield
    for key in ("env", "release-freeze", "release-signers", "release-time"):
        with suppress(AssertionError):
            configure(site, key, "")


def test_a_tag_that_is_pushed_is_checked_listed_and_taken_by_its_channel(site: Servers, copy: Copy) -> None:
    """The pusher reads what it is; the app server that leads takes it, and no channel takes another's."""
    commit = release(copy, "test-2026.11.22-1")
    said = copy.push("origin", "HEAD:main", "test-2026.11.22-1")
    assert said.code == 0, said.err
    assert said.remote == ["test-2026.11.22-1: checked, 1 step: agent"]
    found = one(site, "2026.11.22-1")
    assert (found["tag"], found["commit"], found["in_force"]) == ("test-2026.11.22-1", commit, False)
    configure(site, "env", "prod")
    assert look(site)["why"] == "the channel prod has no release yet"
    configure(site, "env", "dev")
    in_force(site, "2026.11.22-1")
    told = site.moorage("update", "releases")
    assert told.returncode == 0 and "test-2026.11.22-1" in told.stdout and "in force" in told.stdout
    assert any("2026.11.22-1 is in force" in event["message"] for event in events(site))


def test_a_clone_by_ones_profile_is_pushed_from_with_nothing_typed(site: Servers, tmp_path: Path) -> None:
    """No token stands in it; where releases are kept elsewhere, it is said where."""
    done = site.moorage("update", "clone", "mine", cwd=tmp_path, environ={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert "mrg_" not in (tmp_path / "mine/.git/config").read_text()
    (tmp_path / "mine/README.md").write_text("ours\n")
    told = {"MOORAGE_PROFILE": str(site.folder / "profile.toml"), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    for words in (("commit", "-qam", "a word"), ("push", "-q", "origin", "HEAD:branch-of-mine")):
        subprocess.run(("git", *words), cwd=tmp_path / "mine", env=told, check=True, capture_output=True, timeout=60)
    configure(site, "release-repository", "https://forge.example.com/ops/releases.git")
    try:
        refused = site.moorage("update", "clone", "theirs", cwd=tmp_path)
        assert refused.returncode == 2
        assert "are kept elsewhere: git clone https://forge.example.com/ops/releases.git" in refused.stderr
    finally:
        configure(site, "release-repository", "")


def test_a_release_with_faults_is_refused_at_the_push_with_file_and_reason(site: Servers, copy: Copy) -> None:
    """All of its faults; a sound one of the same push is not taken either; nothing is on record."""
    release(copy, "test-2026.11.23-2")
    release(copy, "test-2026.11.23-3", files={"release.yml": "steps: [{name: a, playbok: play.yml}]\n"})
    said = copy.push("--tags", "origin")
    assert said.code != 0
    assert "test-2026.11.23-3: release.yml: steps/0/playbok: is not known; did you mean playbook?" in said.remote
    assert said.remote[-1].endswith("nothing was changed")
    for version in ("2026.11.23-2", "2026.11.23-3"):
        assert site.api.get(f"releases/{version}").status_code == 404
    assert copy.git("ls-remote", "--tags", "origin", "test-2026.11.23-*").out == ""


def test_a_release_is_neither_moved_nor_deleted_nor_tagged_as_something_else(site: Servers, copy: Copy) -> None:
    """What was released stays what it was; other tags and branches are stored, and moved as people like."""
    release(copy, "test-2026.11.22-5")
    copy.push("--tags", "origin", check=True)
    before = one(site, "2026.11.22-5")
    release(copy, "prod-2026.11.22-5", files={"play.yml": f"{PLAY}# another\n"})
    said = copy.push("origin", "prod-2026.11.22-5")
    assert said.code != 0 and any("one version is one commit" in line for line in said.remote), said.err
    copy.git("tag", "-f", "test-2026.11.22-5")
    for words in (("-f", "origin", "test-2026.11.22-5"), ("--delete", "origin", "test-2026.11.22-5")):
        said = copy.push(*words)
        assert said.code != 0 and any("test-2026.11.22-5: is a release" in line for line in said.remote), said.err
    copy.git("tag", "release-1.0")
    assert any("is no release" in line for line in copy.push("origin", "release-1.0").remote)
    copy.git("tag", "v1")
    assert copy.push("origin", "v1", "HEAD:topic").code == 0
    copy.commit({"notes.md": "more\n"})
    copy.git("tag", "-f", "v1")
    assert copy.push("-f", "origin", "v1", "+HEAD:topic").code == 0
    assert one(site, "2026.11.22-5") == before


def test_frozen_nothing_is_taken_and_outside_its_window_neither(site: Servers, copy: Copy) -> None:
    """Both reasons are told, with until when; unfrozen, in a window, it is."""
    configure(site, "release-freeze", "2000-01-01.. Audit")
    configure(site, "env", "dev")
    release(copy, "test-2026.11.22-7")
    copy.push("--tags", "origin", check=True)
    found = look(site)
    assert found["found"] == "test-2026.11.22-7"
    assert found["why"] == found["frozen"] == "frozen until further notice: Audit"
    assert found["next_window"] is None
    configure(site, "release-time", "0 0 29 2 *")
    configure(site, "release-freeze", "")
    found = look(site)
    assert "2026.11.22-7 waits for its window, 20" in found["why"] and "-02-29 00:00" in found["why"]
    assert not one(site, "2026.11.22-7")["in_force"]
    configure(site, "release-time", "")
    in_force(site, "2026.11.22-7")


def test_what_is_older_is_not_taken_and_what_is_put_aside_neither(site: Servers, copy: Copy) -> None:
    """A downgrade happens by nobody's silence; of what is left, the newest is taken."""
    for number in (11, 12):
        release(copy, f"test-2026.11.24-{number}", files={"release.yml": MANIFEST, "play.yml": f"{PLAY}# {number}\n"})
    copy.push("--tags", "origin", check=True)
    done = site.moorage("update", "aside", "2026.11.24-12", "--reason", "too hasty")
    assert done.returncode == 0, done.stderr
    configure(site, "env", "dev")
    in_force(site, "2026.11.24-11")
    release(copy, "test-2026.11.20-13", files={"play.yml": f"{PLAY}# older\n"})
    copy.push("--tags", "origin", check=True)
    assert look(site)["why"] == "2026.11.24-11 is in force"
    give_tag(copy, "prod-2026.11.20-13")
    copy.push("--tags", "origin", check=True)
    configure(site, "env", "prod")
    found = look(site)
    assert found["why"] == "2026.11.20-13 is not newer than 2026.11.24-11, which is in force"
    assert one(site, "2026.11.24-11")["in_force"]


def test_signatures_are_asked_for_at_the_push_and_at_the_look(site: Servers, copy: Copy, tmp_path: Path) -> None:
    """A stranger's tag is refused with the reason; what was pushed before anybody asked for signatures is not taken."""
    anna, mallory = (signer(tmp_path / "keys", f"{name}@example.com") for name in ("anna", "mallory"))
    release(copy, "test-2026.11.25-20", by=mallory, files={"play.yml": f"{PLAY}# 20\n"})
    copy.push("--tags", "origin", check=True)
    configure(site, "release-signers", anna.line)
    release(copy, "test-2026.11.25-21", by=mallory, files={"play.yml": f"{PLAY}# 21\n"})
    said = copy.push("origin", "test-2026.11.25-21")
    assert said.code != 0
    assert "test-2026.11.25-21: is not signed by anybody whom config/release-signers names" in said.remote
    configure(site, "env", "dev")
    assert "test-2026.11.25-20: is not signed by anybody" in look(site)["error"]
    assert site.moorage("update", "check").returncode == 1
    release(copy, "test-2026.11.25-22", by=anna, files={"play.yml": f"{PLAY}# 22\n"})
    said = copy.push("origin", "test-2026.11.25-22")
    assert said.remote == ["test-2026.11.25-22: checked, 1 step: agent, signed by anna@example.com"]
    in_force(site, "2026.11.25-22")
    assert one(site, "2026.11.25-22")["signed_by"] == "anna@example.com"
    assert look(site)["error"] is None


def test_a_release_that_was_pushed_to_another_app_server_is_taken(site: Servers, tmp_path: Path) -> None:
    """Each has a disk of its own; what was pushed to one is on record for whichever leads."""
    with site.second_serve() as second:
        copy = clone(tmp_path / "elsewhere", f"{second.url}/git/releases.git", "root", site.token)
        release(copy, "test-2026.11.26-30")
        said = copy.push("origin", "test-2026.11.26-30")
        assert said.code == 0, said.err
        configure(site, "env", "dev")
        in_force(site, "2026.11.26-30")


def configure(site: Servers, key: str, value: str) -> None:
    words = ("set", key, value) if value else ("unset", key)
    done = site.moorage("config", *words)
    assert done.returncode == 0, done.stderr


def look(site: Servers) -> dict[str, Any]:
    """Now, by whoever leads."""
    answer = site.api.post("releases/check")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def one(site: Servers, version: str) -> dict[str, Any]:
    answer = site.api.get(f"releases/{version}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def in_force(site: Servers, version: str) -> None:
    wait_until(lambda: one(site, version)["in_force"], f"{version} is in force; {look(site)}", LOOKED_S)


def events(site: Servers) -> list[dict[str, Any]]:
    return list(site.api.get("events", limit=50).json()["items"])
