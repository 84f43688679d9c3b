"""`moorage boot play`: what people type, what they see, and the exit codes that scripts go by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.theatre import Theatre

pytestmark = pytest.mark.slow


def test_a_play_is_run_and_followed_to_its_end(theatre: Theatre) -> None:
    """Its output on standard output, its number beside it; 0 when it went well."""
    done = theatre.servers.moorage("boot", "play", "run", "hello.yml", "-l", "web1,web2", "-e", "who=you")
    assert done.returncode == 0, done.stderr
    assert "hello you from web2" in done.stdout
    assert "done, 0 changed" in done.stdout
    assert "play " in done.stderr


def test_exit_codes_are_those_of_every_verb(theatre: Theatre, tmp_path: Path) -> None:
    """3: a check found something to change; 1: it failed; 2: the caller's mistake."""
    given = ("-e", f"path={tmp_path / 'motto'}", "-e", "text=fair winds", "-l", "web1")
    assert theatre.servers.moorage("boot", "play", "run", "file.yml", "--check", *given).returncode == 3
    assert theatre.servers.moorage("boot", "play", "run", "file.yml", *given).returncode == 0
    assert theatre.servers.moorage("boot", "play", "run", "file.yml", "--check", *given).returncode == 0
    failed = theatre.servers.moorage("boot", "play", "run", "fail.yml", "-l", "web")
    assert (failed.returncode, "failed on 1 of 2 hosts: web2" in failed.stderr) == (1, True)
    for wrong in (("nobody.yml",), ("hello.yml", "-l", "web9"), ("hello.yml", "-e", "x"), ("hello.yml", "-e", "a: b")):
        refused = theatre.servers.moorage("boot", "play", "run", *wrong)
        assert (refused.returncode, "Traceback" in refused.stderr) == (2, False), refused.stderr


def test_programs_get_the_apis_own_json(theatre: Theatre) -> None:
    """Of every verb that answers with something."""
    ran = theatre.servers.moorage("boot", "play", "run", "hello.yml", "-l", "web1", "--json")
    play = json.loads(ran.stdout)
    assert (play["state"], play["hosts"][0]["host"]) == ("done", "web1")
    for verb in (("show", str(play["id"])), ("list",), ("playbooks",), ("inventory",), ("output", str(play["id"]))):
        assert json.loads(theatre.servers.moorage("boot", "play", *verb, "--json").stdout)
    listed = json.loads(theatre.servers.moorage("boot", "play", "list", "-n", "1", "--json").stdout)["items"]
    assert [one["id"] for one in listed] == [play["id"]]


def test_people_get_tables(theatre: Theatre) -> None:
    """What may be run, on which hosts, what was run, how each host went."""
    theatre.servers.moorage("boot", "play", "run", "hello.yml", "-l", "web1")
    assert "hello.yml" in theatre.servers.moorage("boot", "play", "playbooks").stdout
    assert "web1" in theatre.servers.moorage("boot", "play", "inventory").stdout
    listed = theatre.servers.moorage("boot", "play", "list").stdout.splitlines()
    assert listed[0].startswith("PLAY")
    shown = theatre.servers.moorage("boot", "play", "show", listed[1].split()[0]).stdout
    assert "UNREACHABLE" in shown


def test_a_secret_comes_from_a_file(theatre: Theatre, tmp_path: Path) -> None:
    """Never from the command line; it is nowhere in what is printed."""
    (tmp_path / "licence").write_text("A1B2-C3D4\n")
    (tmp_path / "vars.yml").write_text("given: {name: db, db_password: hunter2}\n")
    words = ("-e", f"@{tmp_path / 'vars.yml'}", "--secret-file", f"licence={tmp_path / 'licence'}")
    done = theatre.servers.moorage("boot", "play", "run", "tell.yml", *words)
    assert done.returncode == 0, done.stdout
    assert "***" in done.stdout
    assert not {"A1B2", "hunter2"} & set(done.stdout.replace("-", " ").split())


def test_a_play_is_cancelled_by_hand(theatre: Theatre) -> None:
    """Waited for, until its hosts are free; who follows it sees it end, with exit code 1."""
    with theatre.held("web1") as held:
        number = str(held.number)
        asked = theatre.servers.moorage("boot", "play", "cancel", number)
        assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
        done = theatre.servers.moorage("boot", "play", "cancel", number, "--yes")
        assert (done.returncode, done.stdout.strip()) == (0, f"play {number}: cancelled by root")
        followed = theatre.servers.moorage("boot", "play", "output", number, "--follow")
        assert (followed.returncode, "PLAY [Held]" in followed.stdout) == (1, True)
        assert theatre.servers.moorage("boot", "play", "cancel", number, "--yes").returncode == 2
