"""git push, from a person's terminal to the record: real git over real HTTP, over a store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.fleet import Cordon
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.git import Copy, Said, begin
from tests.lab.pushing import SHOP, House, hosting
from tests.lab.wait import wait_until

WEB = "mem_limit: 512M\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An app server with the repository that every installation has."""
    with hosting(tmp_path / "state") as found:
        yield found


@pytest.fixture
def copy(house: House, tmp_path: Path) -> Copy:
    return house.copy(tmp_path / "copy")


def test_a_push_shows_the_plan_rolls_it_out_and_shows_how_it_went(house: House, copy: Copy) -> None:
    """Three lines (change, commit, push), and the terminal tells what changes, why, and that it is deployed."""
    key = house.app("shop")
    copy.commit({"default/web.yml": "mem_limit: 256M\n"}, "some memory")
    copy.push(check=True)
    commit = copy.commit({"default/web.yml": WEB}, "more memory")
    said = copy.push()
    assert said.code == 0, said.err
    assert said.remote[:3] == [
        f"config: main at {commit[:6]} checked, 1 application configured from it",
        "default.shop: revision 3 on n1",
        f"  web: recreate — mem_limit 256M → 512M, from {commit[:6]}:default/web.yml:1",
    ]
    assert said.remote[-2].startswith("default.shop: revision 3 is deployed, after ")
    assert said.remote[-1] == "rolled out: 1 of 1"
    assert house.revision(key) == 3
    assert house.records.get("config").state.commit == commit
    assert house.records.get("config").state.pending == {}
    assert ("root", "ok") in house.audited("push")


def test_a_push_that_changes_no_container_is_taken_quietly(house: House, copy: Copy) -> None:
    """A file for an image that nobody runs: checked, in force, nothing to roll out."""
    house.app("shop")
    commit = copy.commit({"other.yml": WEB})
    said = copy.push()
    assert said.code == 0
    assert said.remote == [
        f"config: main at {commit[:6]} checked, 1 application configured from it",
        "no container changes",
    ]
    assert house.records.get("config").state.commit == commit


def test_a_bad_file_refuses_the_push_whole_with_file_line_and_reason(house: House, copy: Copy) -> None:
    """Every fault at once, the good change not applied either, the branch where it was."""
    key = house.app("shop")
    before = house.records.get("config").state
    copy.commit({"default/web.yml": WEB, "default/db.yml": "image: db\nmem_limt: 1G\n", "x.yml": "a: [1\n"})
    said = copy.push()
    assert said.code != 0
    assert any(line.startswith("default/db.yml:2: mem_limt: ") and "mem_limit?" in line for line in said.remote)
    assert any(line.startswith("x.yml:") for line in said.remote)
    assert said.remote[-1].endswith("nothing was changed")
    assert house.records.get("config").state == before
    assert house.revision(key) == 1
    assert ("root", "refused") in house.audited("push")


def test_a_push_that_breaks_an_application_is_refused_and_says_which(house: House, copy: Copy) -> None:
    """Sound by itself, but no node has that much memory: the application's planning refuses the push."""
    house.app("shop")
    copy.commit({"default/shop/web.yml": "mem_limit: 4T\n"})
    said = copy.push()
    assert said.code != 0
    assert any(line.startswith("default.shop: ") and "memory" in line for line in said.remote), said.err


def test_plan_only_prints_the_plan_and_changes_nothing(house: House, copy: Copy) -> None:
    """`git push -o plan` is declined on purpose, after the plan."""
    key = house.app("shop")
    before = house.records.get("config").state
    copy.commit({"default/web.yml": WEB})
    said = copy.push("-o", "plan", "origin", "HEAD:main")
    assert said.code != 0
    assert any("mem_limit 512M" in line for line in said.remote)
    assert said.remote[-1] == "plan only: nothing was changed"
    assert house.records.get("config").state == before
    assert house.revision(key) == 1
    assert copy.push().code == 0


def test_an_unknown_push_option_is_refused(house: House, copy: Copy) -> None:
    """`-o pln` must not roll out what its author meant to plan."""
    copy.commit({"a.yml": WEB})
    said = copy.push("-o", "pln", "origin", "HEAD:main")
    assert said.code != 0
    assert said.remote[0] == "push option: pln is not known; there is `-o plan`"


def test_a_failed_rollout_is_told_with_its_causes(house: House, copy: Copy) -> None:
    """The push stands, the containers do not: last log lines and exit code are in the terminal, without escapes."""
    key = house.app("shop")
    house.puppet.failing.add("default.shop")
    copy.commit({"default/web.yml": WEB})
    said = copy.push()
    assert said.code == 0
    told = said.remote
    assert "default.shop: revision 2 FAILED; what ran before is put back" in told
    assert "  web: exited within its settle time" in told
    assert "    exit code 1" in told
    assert "    | no such ?[31mtable" in told
    assert told[-1] == "rolled out: 0 of 1, 1 failed"
    assert house.revision(key) == 1


def test_several_applications_are_rolled_out_together(house: House, copy: Copy) -> None:
    """One change that concerns five of six applications: five operations, one summary."""
    for number in range(5):
        house.app(f"shop{number}")
    house.app("alone", "services: {cache: {image: 'redis:7'}}\n")
    copy.commit({"web.yml": WEB})
    said = copy.push()
    assert said.remote[-1] == "rolled out: 5 of 5"
    assert [house.revision(AppKey("default", f"shop{n}")) for n in range(5)] == [2] * 5
    assert house.revision(AppKey("default", "alone")) == 1


def test_of_two_pushes_at_once_one_wins_and_the_other_is_told_to_merge(house: House, tmp_path: Path) -> None:
    """Both began from one commit: one is rolled out, the other changes nothing."""
    house.app("shop")
    copies = [house.copy(tmp_path / f"copy{n}") for n in range(2)]
    for number, copy in enumerate(copies):
        copy.commit({"default/web.yml": f"mem_limit: {500 + number}M\n"}, f"by {number}")
    said: dict[int, Said] = {}
    threads = [Thread(target=lambda n=n: said.__setitem__(n, copies[n].push())) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner, loser = sorted(said, key=lambda n: said[n].code)
    assert said[winner].code == 0 and said[winner].remote[-1] == "rolled out: 1 of 1"
    assert said[loser].code != 0
    assert "fetch" in said[loser].err
    assert house.records.get("config").state.commit == copies[winner].head
    assert house.revision(AppKey("default", "shop")) == 2


def test_a_push_during_a_deployment_supersedes_it(house: House, copy: Copy) -> None:
    """The newest configuration wins; the terminal says what it overtakes."""
    key = house.app("shop")
    house.puppet.held.set()
    copy.commit({"default/web.yml": WEB})
    first: list[Said] = []
    thread = Thread(target=lambda: first.append(copy.push()))
    thread.start()
    wait_until(lambda: not house.records.get("config").state.pending and _latest(house, key) == 2, "the first is begun")
    other = house.copy(copy.path.parent / "other")
    other.commit({"default/web.yml": "mem_limit: 1G\n"})
    second: list[Said] = []
    again = Thread(target=lambda: second.append(other.push()))
    again.start()
    wait_until(lambda: _latest(house, key) == 3, "the second is begun")
    house.puppet.held.clear()
    thread.join()
    again.join()
    assert "  supersedes revision 2, which is still being rolled out" in second[0].remote
    assert second[0].remote[-1] == "rolled out: 1 of 1"
    assert first[0].remote[-1] == "rolled out: 0 of 1, 1 superseded"
    assert house.revision(key) == 3


def test_a_forced_push_is_refused(house: House, copy: Copy) -> None:
    """Commits that are in force are never lost."""
    copy.commit({"a.yml": WEB})
    copy.push()
    copy.git("reset", "-q", "--hard", "HEAD~1")
    copy.commit({"b.yml": WEB})
    said = copy.push("-f", "origin", "HEAD:main")
    assert said.code != 0
    assert said.remote[0].endswith(", which is in force (a forced push): revert it instead")


def test_the_tracked_branch_cannot_be_deleted(house: House, copy: Copy) -> None:
    """Applications are configured from it."""
    said = copy.push("origin", ":main")
    assert said.code != 0
    assert said.remote[0] == "main: is what the applications are configured from; it cannot be deleted"


def test_other_branches_and_tags_are_stored_and_not_rolled_out(house: House, copy: Copy) -> None:
    """A topic branch may hold anything, be forced and be deleted; `main` and what it configures stay."""
    key = house.app("shop")
    before = house.records.get("config").state
    copy.commit({"default/web.yml": "nonsense: [\n"})
    copy.git("tag", "v1")
    said = copy.push("origin", "HEAD:refs/heads/topic", "v1")
    assert said.code == 0
    assert said.remote == ["config: stored; only main is rolled out"]
    copy.commit({}, "other")
    copy.git("reset", "-q", "--hard", "HEAD~2")
    assert copy.push("-f", "origin", "HEAD:topic").code == 0
    assert copy.push("origin", ":topic").code == 0
    assert house.records.get("config").state == before
    assert house.revision(key) == 1


def test_the_first_push_into_an_empty_repository_is_taken(house: House, tmp_path: Path) -> None:
    """A source made by hand begins empty, so that a history from elsewhere can be pushed into it."""
    from appserver.core.sources import SourceRequest

    house.sources.put(house.root, SourceRequest("team"))
    copy = begin(tmp_path / "own", f"{house.url}/git/team.git", "root", house.token())
    copy.commit({"web.yml": WEB})
    commit = copy.commit({"db.yml": WEB})
    said = copy.push()
    assert said.code == 0, said.err
    assert house.records.get("team").state.commit == commit


def test_a_stopped_application_waits_and_takes_the_commit_when_it_is_started(house: House, copy: Copy) -> None:
    """A push starts nothing that somebody stopped; once started, it follows by itself."""
    key = house.app("shop")
    _run(house, key, "stopped")
    copy.commit({"default/web.yml": WEB})
    said = copy.push()
    assert said.code == 0
    assert any(line.startswith("default.shop follows later: it is stopped") for line in said.remote)
    assert list(house.records.get("config").state.pending) == ["default.shop"]
    _run(house, key, "running")
    house.keep.attend("config")
    wait_until(lambda: _latest(house, key) == 2, "revision 2 is begun")
    assert house.records.get("config").state.pending == {}


def test_an_application_that_was_broken_before_does_not_hold_others_up(house: House, copy: Copy) -> None:
    """There is no node for it: this push is not to blame, so it is taken, and the application follows when it can."""
    shop, other = house.app("shop"), house.app("other")
    _drained(house, True)
    copy.commit({"default/shop/web.yml": WEB})
    said = copy.push()
    assert said.code == 0, said.err
    assert any(line.startswith("default.shop follows later: ") for line in said.remote)
    _drained(house, False)
    house.keep.attend("config")
    wait_until(lambda: house.revision(shop) == 2, "the shop has followed")
    assert house.revision(other) == 1


def test_who_may_not_update_an_application_may_not_push_a_change_of_it(house: House, tmp_path: Path) -> None:
    """A viewer reads the repository; a push asks for the right before git is let in."""
    house.app("shop")
    copy = house.copy(tmp_path / "viewer", user="root")
    viewer = Copy(copy.path, copy.url, "vera", house.token("vera", "viewer"))
    assert viewer.git("fetch", "-q", "origin").code == 0
    viewer.commit({"default/web.yml": WEB})
    said = viewer.push()
    assert said.code != 0
    assert "403" in said.err
    assert ("vera", "refused") in house.audited("push")


def test_nobody_reads_or_pushes_without_a_name(house: House, tmp_path: Path) -> None:
    """401 with a challenge, and nothing of the repository before that."""
    stranger = begin(tmp_path / "stranger", f"{house.url}/git/config.git")
    assert stranger.git("fetch", "-q", "origin", check=False).code != 0
    wrong = begin(tmp_path / "wrong", f"{house.url}/git/config.git", "root", "mrg_no_such")
    said = wrong.git("fetch", "origin", check=False)
    assert "Authentication failed" in said.err


def test_thousands_of_files_are_taken_and_the_next_push_reads_only_what_changed(house: House, copy: Copy) -> None:
    """Large, but within bounds: the answer is yes, in seconds; a small change on top is quick."""
    house.app("shop")
    files: dict[str, str | bytes | None] = {f"c{n % 100}/image{n}.yml": f"mem_limit: {64 + n}M\n" for n in range(2_000)}
    copy.commit(files)
    said = copy.push()
    assert said.code == 0, said.err
    copy.commit({"default/web.yml": WEB})
    said = copy.push()
    assert said.remote[-1] == "rolled out: 1 of 1"


def test_a_push_after_the_app_server_died_between_its_hooks_is_made_up_for(house: House, copy: Copy) -> None:
    """The branch moved and nothing was applied: the duty compares, and applies the rest without a person."""
    key = house.app("shop")
    commit = copy.commit({"default/web.yml": WEB}, "by hand")
    bare = house.state / "git" / "config.git"
    copy.git("push", "-q", str(bare), "HEAD:main")  # the reference moves as after a pre-receive that said yes
    assert house.revision(key) == 1
    house.keep.attend("config")
    wait_until(lambda: house.revision(key) == 2, "the commit is rolled out")
    state = house.records.get("config").state
    assert (state.commit, state.pending) == (commit, {})
    assert ("source:config", "ok") in house.audited("push")


def _latest(house: House, key: AppKey) -> int:
    return max(one.number for one in _revisions(house, key))


def _revisions(house: House, key: AppKey):  # type: ignore[no-untyped-def]
    from appserver.core.entities import Revision
    from appserver.store import keys
    from appserver.store.codec import decode

    return [decode(item.value, Revision) for item in house.desk.kv.snapshot(keys.revisions(key)).items.values()]


def _run(house: House, key: AppKey, run: str) -> None:
    """As `services.lifecycle` writes it."""
    from dataclasses import replace

    from appserver.core.entities import Desired
    from appserver.store import keys
    from appserver.store.codec import encode
    from appserver.store.records import read

    place = keys.desired("n1", key)
    held = read(house.desk.kv, place, Desired)
    assert held is not None
    house.desk.kv.commit({}, {place: encode(replace(held.record, run=run))})


def _drained(house: House, drained: bool) -> None:
    cordon = Cordon("root", house.desk.clock.now(), drain=True)
    put = {keys.cordon("n1"): encode(cordon)} if drained else {}
    house.desk.kv.commit({}, put, [] if drained else [keys.cordon("n1")])


_ = (Caller, SHOP)
