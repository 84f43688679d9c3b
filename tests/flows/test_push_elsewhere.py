"""Configuration from a repository elsewhere, between real processes: a forge, an app server, a container."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.lab.etcd import Cluster
from tests.lab.forge import TOKEN, Forge, https_forge
from tests.lab.git import Copy
from tests.lab.processes import Servers, app_server
from tests.lab.shops import Shop, shop
from tests.lab.wait import wait_until


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    """A git server over https that asks for a token."""
    with https_forge(tmp_path_factory.mktemp("forge")) as found:
        found.token = TOKEN
        yield found


@pytest.fixture(scope="module")
def pair(etcd_server: Cluster, forge: Forge) -> Iterator[Servers]:
    """An app server that may reach the forge."""
    told = {"networks": ["127.0.0.0/8"], "git_ca": forge.ca_file}
    with app_server(etcd_server, "/push-elsewhere/", told) as started:
        yield started


@pytest.fixture(scope="module")
def team(pair: Servers, forge: Forge) -> Copy:
    """Its owner's copy of the repository that the source `team` is a mirror of; one good commit is in force."""
    copy = forge.repository("team")
    first = copy.commit({"README.md": "ours\n"}, "first")
    copy.push(check=True)
    wanted = {"kind": "remote", "url": f"{forge.url}/team.git", "interval_s": 10, "credential": TOKEN}
    made = pair.api.call("PUT", "sources/team", json=wanted)
    assert made.status_code == 200, made.text
    (forge.folder / "secret").write_text(made.json()["webhook_secret"])
    wait_until(lambda: _good(pair) == first, "the first commit is in force")
    return copy


@pytest.fixture(scope="module")
def ours(pair: Servers, team: Copy, tmp_path_factory: pytest.TempPathFactory, test_image: str) -> Iterator[Shop]:
    with shop(pair, tmp_path_factory.mktemp("shop"), test_image, source="team") as found:
        yield found


def _good(pair: Servers) -> str:
    good = pair.api.get("sources/team").json()["last_good"]
    return str(good["commit"]) if good else ""


def deliver(ours: Shop, forge: Forge, commit: str) -> requests.Response:
    """The forge's webhook, signed as it signs."""
    body = json.dumps({"ref": "refs/heads/main", "after": commit}).encode()
    secret = (forge.folder / "secret").read_bytes()
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    with requests.Session() as session:
        session.trust_env = False
        where = str(ours.state()["webhook_url"])
        return session.post(where, data=body, headers={"X-Hub-Signature-256": signature}, timeout=10)


def test_a_webhook_rolls_out_what_was_pushed_elsewhere(ours: Shop, team: Copy, forge: Forge) -> None:
    """202 at once, then the container follows; forged or repeated, the delivery does nothing."""
    commit = team.commit(ours.says("hooked"))
    team.push(check=True)
    answer = deliver(ours, forge, commit)
    assert (answer.status_code, answer.json()) == (202, {"done": "taken"})
    assert answer.elapsed.total_seconds() < 1.0
    ours.settles_on(commit, "hooked")
    assert deliver(ours, forge, commit).status_code == 409


def test_a_bad_commit_is_told_by_api_and_page_and_a_poll_brings_the_one_that_mends_it(ours: Shop, team: Copy) -> None:
    """What is in force stays in force, with file, line and reason beside it; nobody has to ask for the next look."""
    good, greeting = ours.in_force(), ours.greets()
    bad = team.commit({**ours.says("never"), "db.yml": "a: 1\nmem_limt: 1G\n"})
    team.push(check=True)
    state = ours.servers.api.post("sources/team/sync").json()
    assert state["last_good"]["commit"] == good
    assert state["last_error"]["commit"] == bad
    assert "db.yml:2: mem_limt" in state["last_error"]["message"]
    page = ours.page()
    assert good in page and "db.yml:2" in page and "mem_limt" in page
    assert ours.greets() == greeting
    mended = team.commit({**ours.says("mended"), "db.yml": None})
    team.push(check=True)
    ours.settles_on(mended, "mended")
    assert ours.state()["last_error"] is None
    assert "db.yml:2" not in ours.page()


def test_a_forge_that_refuses_is_told_and_its_credential_is_told_to_nobody(
    ours: Shop, team: Copy, forge: Forge
) -> None:
    """The token was revoked: the state says so, the last good commit serves on, and no secret is anywhere to read."""
    good = ours.in_force()
    forge.token = "another"
    try:
        state = ours.servers.api.post("sources/team/sync").json()
    finally:
        forge.token = TOKEN
    assert "Authentication failed" in state["last_error"]["message"]
    assert state["last_good"]["commit"] == good
    assert "Authentication failed" in ours.page()
    audit = ours.servers.api.get("audit", limit=500).text
    for told in (json.dumps(state), ours.page(), audit, ours.servers.serve.log):
        assert TOKEN not in told
        assert (forge.folder / "secret").read_text() not in told


def test_a_password_in_a_url_is_refused_and_not_repeated(pair: Servers) -> None:
    """By the API and by the command line; it is in no answer, no audit and no log."""
    url = "https://bob:hunter2@git.example.com/x"
    answer = pair.api.post("sources", {"name": "mine", "kind": "remote", "url": url})
    assert answer.status_code == 422
    said = pair.moorage("config", "source", "add", "mine", "--url", url)
    assert said.returncode == 2, said.stderr
    audit = pair.api.get("audit", limit=500).text
    for told in (answer.text, said.stdout, said.stderr, audit, pair.serve.log):
        assert "hunter2" not in told


def test_the_mirror_is_not_pushed_to(ours: Shop, team: Copy, tmp_path: Path) -> None:
    """What comes from elsewhere is changed there."""
    away = Copy(team.path, ours.url, "root", ours.servers.token)
    said = away.push(ours.url, "HEAD:main")
    assert said.code != 0
    assert "404" in said.err or "not found" in said.err
