"""Playbooks run by the app server: on real hosts over real ssh, with the record that is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.theatre import Theatre
from tests.lab.wait import wait_until

pytestmark = pytest.mark.slow


def test_a_playbook_runs_and_is_on_record(theatre: Theatre) -> None:
    """Who, what, on which hosts, how each went, and all that was said."""
    asked = theatre.play("hello.yml", reason="first", tags=["hello"], extra_vars={"who": "you"})
    done = theatre.over(asked["id"])
    assert (done["state"], done["rc"], done["why"], done["reason"]) == ("done", 0, "", "first")
    assert [(host["host"], host["ok"]) for host in done["hosts"]] == [("web1", 1), ("web2", 1)]
    assert done["by"] == "root"
    assert done["extra_vars"] == {"who": "you"}
    said = theatre.output(asked["id"])
    assert "hello you from web1" in said
    assert "hello you from web2" in said
    assert done["lines"] == len(said.splitlines())
    assert theatre.api.get("plays", limit=1).json()["items"][0]["id"] == asked["id"]


def test_what_fails_says_where(theatre: Theatre) -> None:
    """The hosts by name, the count of each, the exit code of Ansible."""
    done = theatre.over(theatre.play("fail.yml")["id"])
    assert (done["state"], done["rc"], done["why"]) == ("failed", 2, "failed on 1 of 2 hosts: web2")
    assert {host["host"]: (host["ok"], host["failed"]) for host in done["hosts"]} == {"web1": (1, 0), "web2": (0, 1)}
    assert "web2 is not wanted here" in theatre.output(done["id"])
    gone = theatre.over(theatre.play("reach.yml", limit=["gone"])["id"])
    assert (gone["state"], gone["hosts"][0]["unreachable"]) == ("failed", 1)


def test_a_playbook_that_cannot_run_is_refused_when_it_is_asked_for(theatre: Theatre) -> None:
    """A module that there is not, in Ansible's own words; nothing is queued."""
    before = len(theatre.api.get("plays").json()["items"])
    answer = theatre.api.post("plays", {"playbook": "unknown.yml"})
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "playbook")
    assert "no_such_module" in answer.text
    assert len(theatre.api.get("plays").json()["items"]) == before


def test_a_check_tells_what_would_change_and_changes_nothing(theatre: Theatre, tmp_path: Path) -> None:
    """With `diff`, what within a file; the second real run changes nothing."""
    given = {"path": str(tmp_path / "motto"), "text": "fair winds"}
    check = theatre.over(theatre.play("file.yml", check=True, diff=True, extra_vars=given)["id"])
    assert (check["state"], check["changed"], check["check"]) == ("done", 1, True)
    assert "+fair winds" in theatre.output(check["id"])
    assert not (tmp_path / "motto").exists()
    runs = [theatre.over(theatre.play("file.yml", extra_vars=given)["id"])["changed"] for _ in range(2)]
    assert runs == [1, 0]
    assert (tmp_path / "motto").read_text() == "fair winds\n"


def test_two_plays_on_one_host_go_one_after_the_other(theatre: Theatre) -> None:
    """The later waits and says for what; one on another host does not wait."""
    with theatre.held("web1") as first:
        second = theatre.play("hello.yml", limit=["web"])
        third = theatre.play("hello.yml", limit=["web2"])
        assert theatre.show(second["id"])["why"] == f"waits for play {first.number} on web1"
        assert theatre.show(third["id"])["why"] == f"waits for play {second['id']} on web2"
        apart = theatre.over(theatre.play("reach.yml", limit=["gone"])["id"])
        assert apart["state"] == "failed"
        assert theatre.show(second["id"])["state"] == "queued"
    ends = [theatre.over(number) for number in (first.number, second["id"], third["id"])]
    assert [one["state"] for one in ends] == ["done", "done", "done"]
    assert ends[0]["ended_at"] < ends[1]["began_at"] < ends[1]["ended_at"] < ends[2]["began_at"]


def test_lines_come_live_and_a_stream_is_taken_up_where_it_broke(theatre: Theatre) -> None:
    """Events have the line's number; from another app server too; the play itself is the last."""
    with theatre.held("web1", "web2") as held, theatre.servers.second_serve() as other:
        with other.stream(f"plays/{held.number}/output") as lines:
            first = next(line for line in lines if line.startswith("id: "))
            text = next(line for line in lines if "PLAY [Held]" in line)
        assert first == "id: 1"
        assert text.startswith("data: ")
        with theatre.api.stream(f"plays/{held.number}/output?after=2") as lines:
            assert next(line for line in lines if line.startswith("id: ")) == "id: 3"
            held.go()
            rest = list(lines)
    assert "event: done" in rest
    assert json.loads(rest[rest.index("event: done") + 1].removeprefix("data: "))["state"] == "done"


def test_a_cancelled_play_leaves_nothing_on_its_hosts(theatre: Theatre) -> None:
    """Ansible is killed, what it had started over ssh too; the record says by whom, and the next play begins."""
    with theatre.held("web1", "web2") as held:
        assert held.left_running
        follower = theatre.play("hello.yml")
        assert theatre.api.post(f"plays/{held.number}/cancel").status_code == 202
        over = theatre.over(held.number)
        assert (over["state"], over["why"].split(" ")[:2]) == ("cancelled", ["cancelled", "by"])
        assert {host["left"].split(":")[0] for host in over["hosts"]} == {"processes ended"}
        assert held.left_running == []
        assert theatre.over(follower["id"])["state"] == "done"
    again = theatre.api.post(f"plays/{held.number}/cancel")
    assert (again.status_code, again.json()["detail"]) == (409, f"play {held.number} is over: cancelled")


def test_a_play_that_waits_is_cancelled_at_once(theatre: Theatre) -> None:
    """It never begins, and its stream ends."""
    with theatre.held("web1"):
        waiting = theatre.play("hello.yml", limit=["web1"])
        over = theatre.api.post(f"plays/{waiting['id']}/cancel").json()
        assert (over["state"], over["began_at"]) == ("cancelled", None)
        with theatre.api.stream(f"plays/{waiting['id']}/output") as lines:
            assert "event: done" in list(lines)


def test_a_killed_app_server_leaves_a_lost_play_and_no_process(theatre: Theatre) -> None:
    """kill -9 in mid-play: Ansible dies with it, the next app server ends what is left on the hosts and says lost."""
    with theatre.held("web1", "web2") as held:
        waiting = theatre.play("hello.yml", limit=["web1"])
        said = theatre.output(held.number)
        theatre.servers.kill_serve()
        wait_until(lambda: not ansible_of(theatre), "Ansible ends with its app server")
        assert held.left_running
        theatre.servers.ensure_up()
        over = theatre.over(held.number, 60)
        assert over["state"] == "lost"
        assert "went away in mid-play" in over["why"]
        assert held.left_running == []
        assert theatre.output(held.number) == said
        assert "PLAY [Held]" in said
        assert theatre.over(waiting["id"])["state"] == "done"
    news = theatre.api.get("events", subject=f"play:{held.number}").json()["items"]
    assert [(one["action"], one["severity"]) for one in news] == [("die", "ERROR"), ("start", "INFO")]


def test_secrets_are_nowhere_to_be_read(theatre: Theatre) -> None:
    """Neither in the output, however the playbook tells them, nor in the record, the task's name or the store."""
    given = {"given": {"name": "db", "db_password": "hunter2 'at' \"sea\""}, "licence": "A1B2-C3D4\nE5F6-G7H8"}
    told = theatre.over(theatre.play("tell.yml", extra_vars=given, secrets=["licence"])["id"])
    assert told["state"] == "done", theatre.output(told["id"])
    whole = theatre.output(told["id"]) + json.dumps(told) + theatre.servers.serve.log
    for secret in ("hunter2", "A1B2", "E5F6"):
        assert secret not in whole
    assert told["extra_vars"] == {"given": {"name": "db", "db_password": "***"}, "licence": "***"}
    assert "***" in theatre.output(told["id"])


def test_output_is_bounded_and_its_end_is_kept(theatre: Theatre) -> None:
    """The last lines of a play that says too much are there, numbered as they were said."""
    done = theatre.over(theatre.play("loud.yml", limit=["web1"], extra_vars={"count": 30000})["id"])
    assert done["state"] == "done"
    lines = theatre.output(done["id"]).splitlines()
    assert 1000 < len(lines) < done["lines"]
    assert "PLAY RECAP" in "\n".join(lines[-5:])


def test_who_asked_and_who_cancelled_is_in_the_audit(theatre: Theatre) -> None:
    """With what it was limited to, and never what it was given."""
    play = theatre.play("hello.yml", limit=["web1"], check=True, extra_vars={"who": "nobody-else"}, reason="look")
    theatre.over(play["id"])
    entries = theatre.api.get("audit", subject="playbook:hello.yml").json()["items"]
    assert (entries[0]["action"], entries[0]["result"]) == ("run", "ok")
    assert entries[0]["detail"] == "limit web1; check; look"


def ansible_of(theatre: Theatre) -> list[str]:
    """Processes of Ansible that work in the rooms of this app server."""
    rooms = str(Path(str(theatre.servers.settings["state_dir"])) / "plays")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_text()
        except OSError:
            continue
        if rooms in text:
            found.append(text.replace("\0", " "))
    return found
