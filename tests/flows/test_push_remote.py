"""Configuration from a repository elsewhere: by poll, by webhook, by request; a bad commit, and what stays in force."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
import requests

from appserver.core.addresses import outgoing
from appserver.core.sources import SourceRequest
from appserver.errors import Conflict, Forbidden, Invalid, RepoError
from tests.lab.forge import TOKEN, Forge
from tests.lab.git import Copy
from tests.lab.pushing import House
from tests.lab.wait import wait_until

SECRET = "a secret of sixteen or more"
WEB = "mem_limit: 512M\n"


@pytest.fixture
def copy(forge: Forge) -> Copy:
    """Its owner's working copy of the repository `team` on the forge, with one good commit."""
    found = forge.repository("team")
    found.commit({"web.yml": "mem_limit: 256M\n"}, "first")
    found.push(check=True)
    return found


@pytest.fixture
def house(tmp_path: Path, forge: Forge, copy: Copy) -> Iterator[House]:
    """An app server that knows the forge's repository as the source `team`; its duty runs."""
    found = House(tmp_path / "state", outgoing(["127.0.0.0/8"]), forge.ca_file)
    stop = Event()
    duty = Thread(target=found.keep.run, args=(stop,), daemon=True)
    duty.start()
    try:
        wanted = SourceRequest("team", "remote", f"{forge.url}/team.git", webhook_secret=SECRET)
        found.sources.put(found.root, wanted)
        wait_until(lambda: found.records.get("team").state.commit == copy.head, "the first commit is in force")
        yield found
    finally:
        stop.set()
        duty.join(10)
        found.close()


def deliver(house: House, body: bytes, secret: str = SECRET, name: str = "team") -> requests.Response:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    session = requests.Session()
    session.trust_env = False
    headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
    return session.post(f"{house.url}/hooks/{name}", data=body, headers=headers, timeout=10)


def body(ref: str = "refs/heads/main", **more: object) -> bytes:
    return json.dumps({"ref": ref, **more}).encode()


def test_a_poll_brings_a_new_commit_and_rolls_it_out(house: House, copy: Copy) -> None:
    """When its interval has passed, the remote is looked at; its author shows in the reason, not as who acted."""
    key = house.app("shop", source="team")
    commit = copy.commit({"web.yml": WEB}, "more memory")
    copy.push(check=True)
    house.desk.clock.pass_by(seconds=61)
    wait_until(lambda: house.revision(key) == 2, "the commit is rolled out")
    assert house.records.get("team").state.commit == commit
    assert ("source:team", "ok") in house.audited("push")


def test_a_webhook_is_taken_at_once_and_brings_a_new_commit(house: House, copy: Copy) -> None:
    """202 before any work; the roll-out follows without a poll."""
    key = house.app("shop", source="team")
    copy.commit({"web.yml": WEB})
    copy.push(check=True)
    answer = deliver(house, body(after=copy.head))
    assert (answer.status_code, answer.json()) == (202, {"done": "taken"})
    wait_until(lambda: house.revision(key) == 2, "the commit is rolled out")


def test_a_request_to_look_now_answers_with_what_it_found(house: House, copy: Copy) -> None:
    """`sync` waits until the duty has looked."""
    commit = copy.commit({"web.yml": WEB})
    copy.push(check=True)
    view = house.sources.sync(house.root, "team").to_json()
    assert view["last_good"]["commit"] == commit  # type: ignore[index]
    assert view["last_error"] is None


def test_a_bad_commit_leaves_the_last_good_one_in_force_and_says_so(house: House, copy: Copy) -> None:
    """File, line and reason in the state of the source; mended, it is as if nothing had been."""
    key = house.app("shop", source="team")
    good = copy.head
    bad = copy.commit({"web.yml": WEB, "db.yml": "a: 1\nmem_limt: 1G\n"})
    copy.push(check=True)
    view = house.sources.sync(house.root, "team").to_json()
    assert view["last_good"]["commit"] == good  # type: ignore[index]
    assert view["last_error"]["commit"] == bad  # type: ignore[index]
    assert "db.yml:2: mem_limt" in view["last_error"]["message"]  # type: ignore[index]
    assert house.trees.current("team").commit == good
    assert house.revision(key) == 1
    assert ("source:team", "refused") in house.audited("push")
    again = house.sources.sync(house.root, "team").state
    assert again.error_at == house.records.get("team").state.error_at
    assert house.audited("push").count(("source:team", "refused")) == 1
    copy.commit({"db.yml": None})
    copy.push(check=True)
    mended = house.sources.sync(house.root, "team").state
    assert (mended.commit, mended.error) == (copy.head, "")


def test_a_remote_that_cannot_be_reached_is_told_and_what_is_in_force_stays(
    house: House, copy: Copy, forge: Forge
) -> None:
    """Its last good commit serves on; when it answers again, the error goes."""
    good = copy.head
    forge.token = TOKEN
    view = house.sources.sync(house.root, "team")
    assert "Authentication failed" in view.state.error
    assert view.state.commit == good
    forge.token = ""
    assert house.sources.sync(house.root, "team").state.error == ""


def test_the_commit_in_force_outlives_the_mirror(house: House, copy: Copy) -> None:
    """Another app server, or a new disk: what is deployed comes off the record."""
    key = house.app("shop", source="team")
    house.repositories.retire("team")
    other = House(house.state.parent / "elsewhere", desk=house.desk)
    try:
        assert other.trees.current("team").commit == copy.head
        assert other.deploy.redeploy(house.root, key).plan.changed is False
    finally:
        other.close()


def test_credentials_are_sealed_and_never_shown(house: House, forge: Forge) -> None:
    """Neither token nor webhook secret can be read back: not by API, not in the store."""
    wanted = SourceRequest("other", "remote", f"{forge.url}/other.git", username="bob", credential=TOKEN)
    made = house.sources.put(house.root, wanted)
    assert len(made.webhook_secret) >= 32
    shown = json.dumps(house.sources.show(house.root, "other").to_json())
    stored = " ".join(item.value for item in house.desk.kv.snapshot("sources/").items.values())
    for secret in (TOKEN, made.webhook_secret, SECRET):
        assert secret not in shown and secret not in stored
    assert house.sources.remote(house.records.get("other").source).credential == TOKEN


def test_a_credential_does_not_move_to_another_url_unseen(house: House, forge: Forge) -> None:
    """Whoever may change a URL cannot have the stored token sent to a server of theirs."""
    wanted = SourceRequest("other", "remote", f"{forge.url}/other.git", credential=TOKEN)
    house.sources.put(house.root, wanted)
    with pytest.raises(Invalid, match="credential"):
        house.sources.put(house.root, SourceRequest("other", "remote", f"{forge.url}/evil.git"))


def test_a_mirror_is_not_pushed_to(house: House, tmp_path: Path, copy: Copy) -> None:
    """What comes from elsewhere is changed there."""
    away = Copy(copy.path, f"{house.url}/git/team.git", "root", house.token())
    said = away.git("push", away.url, "HEAD:main", check=False)
    assert said.code != 0
    assert "404" in said.err or "not found" in said.err


def test_only_an_administrator_changes_sources_and_none_in_use_is_deleted(house: House) -> None:
    """An operator pushes and syncs; where configuration comes from is decided above."""
    operator = house.desk.person("olga", "operator")
    with pytest.raises(Forbidden):
        house.sources.put(operator, SourceRequest("mine"))
    house.app("shop", source="team")
    with pytest.raises(Conflict, match=r"default\.shop"):
        house.sources.delete(house.root, "team")
    house.sources.ensure()
    with pytest.raises(Conflict, match="change it instead"):
        house.sources.delete(house.root, "config")


def test_a_fetch_that_fails_is_recorded_and_raised_for_who_asked(house: House, forge: Forge) -> None:
    """`attend` is what a duty and a test call: it tells, and the record tells too."""
    forge.token = TOKEN
    with pytest.raises(RepoError):
        house.keep.attend("team")
    assert house.records.get("team").state.error
