"""Ansible as the app server runs it: the real programs, over a real sshd of this machine."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appserver.adapters import playbooks_room, playbooks_talk
from appserver.adapters.etcd import Etcd
from appserver.adapters.playbooks import AnsiblePlaybooks
from appserver.adapters.playbooks_room import Site, contained, room
from appserver.core.fleet import Node
from appserver.core.plays import PlayJob, PlayNews, Tally
from appserver.errors import Invalid, PlaybookError
from appserver.settings import ServeSettings
from appserver.store import keys
from appserver.store.codec import encode
from appserver.wiring import ansible
from tests.lab.etcd import Cluster
from tests.lab.theatre import stage
from tests.lab.wait import wait_until

BOTH = ("web1", "web2")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with stage(tmp_path) as settings:
        yield ansible.site(ServeSettings(**settings, state_dir=str(tmp_path / "state")))  # type: ignore[arg-type]


@pytest.fixture
def books(site: Site) -> AnsiblePlaybooks:
    return AnsiblePlaybooks(site, 60.0)


def run(books: AnsiblePlaybooks, playbook: str, *hosts: str, **more: object) -> list[PlayNews]:
    job = PlayJob(1, playbook, hosts or BOTH, "mark", **more)  # type: ignore[arg-type]
    return list(books.run(job, lambda: False))


def test_playbooks_of_the_directory_are_listed(books: AnsiblePlaybooks):
    """Those by a playbook's name that are one, or would be."""
    found = {one.name: one for one in books.list()}
    assert "vars.yml" not in found
    assert found["broken.yml"].error.startswith("is not YAML")
    assert found["hello.yml"].title == "Says hello to every host."
    assert found["asks.yml"].asks == ("colour",)


def test_a_directory_that_is_not_there_is_said(site: Site):
    """By its path."""
    away = AnsiblePlaybooks(dataclasses.replace(site, playbooks=Path("/nonexistent")), 60.0)
    with pytest.raises(PlaybookError, match="/nonexistent cannot be read"):
        away.list()


def test_the_inventory_is_what_ansible_makes_of_it(books: AnsiblePlaybooks):
    """Hosts with their groups."""
    found = books.inventory()
    assert found.hosts["web1"] == ("all", "web")
    assert found.groups["web"] == BOTH
    assert "gone" in found.groups["away"]


def test_without_an_inventory_the_record_is_it(site: Site, etcd_server: Cluster):
    """The boot servers that agents have reported, by the collection's own plugin."""
    store = {"endpoints": list(etcd_server.endpoints), "prefix": f"/playbooks-{os.getpid()}/"}
    kv = Etcd(etcd_server.endpoints, prefix=str(store["prefix"]))
    node = Node("harbour-1", "198.18.0.2:8090", "default", 0)
    kv.commit({}, {keys.node("harbour-1"): encode(node), keys.alive("harbour-1"): node.address})
    kv.close()
    found = AnsiblePlaybooks(dataclasses.replace(site, inventory="", store=store), 60.0).inventory()
    assert found.hosts == {"harbour-1": ("all", "bootservers", "cluster_default", "on")}


def test_an_inventory_that_cannot_be_read_is_said(site: Site, tmp_path: Path):
    """In Ansible's words."""
    (tmp_path / "bad.yml").write_text("all: [")
    with pytest.raises(PlaybookError, match=r"bad\.yml"):
        AnsiblePlaybooks(dataclasses.replace(site, inventory=str(tmp_path / "bad.yml")), 60.0).inventory()


def test_hosts_of_a_playbook_are_those_that_ansible_would_take(books: AnsiblePlaybooks):
    """Its patterns and the limit together; a playbook that cannot be read, or no host, is the caller's to mend."""
    assert books.hosts("hello.yml", ("web",), {}) == BOTH
    assert books.hosts("hello.yml", ("all", "!web1"), {}) == ("gone", "web2")
    assert books.hosts("tell.yml", (), {}) == ("web1",)
    with pytest.raises(Invalid, match="no hosts to target"):
        books.hosts("tell.yml", ("nobody",), {})
    with pytest.raises(Invalid, match="no_such_module"):
        books.hosts("unknown.yml", (), {})
    for name in ("../hello.yml", "/etc/passwd", "-x", "hello.yml\n"):
        with pytest.raises(Invalid):
            books.hosts(name, (), {})


def test_a_run_touches_the_hosts_that_it_is_given_and_no_other(books: AnsiblePlaybooks):
    """News of each task, the recap, the exit code; variables as they were."""
    told = run(books, "hello.yml", "web2", variables={"who": "a \"b\" 'c' $d ${e}"})
    assert [(one.kind, one.host) for one in told if one.host] == [("ok", "web2")]
    assert """hello a "b" 'c' $d ${e} from web2""" in "".join(one.text for one in told)
    (recap,) = [one for one in told if one.kind == "stats"]
    assert recap.tallies == {"web2": Tally(ok=1)}
    assert (told[-1].kind, told[-1].rc) == ("end", 0)


def test_check_and_tags_are_ansibles_own(books: AnsiblePlaybooks, tmp_path: Path):
    """Nothing changes in a check; a tag that no task has runs none."""
    given = {"path": str(tmp_path / "file"), "text": "x"}
    told = run(books, "file.yml", "web1", check=True, diff=True, variables=given)
    assert any(one.changed for one in told)
    assert "+x" in "".join(one.text for one in told)
    assert not (tmp_path / "file").exists()
    assert not any(one.host for one in run(books, "hello.yml", tags=("nothing",)))
    assert not any(one.host for one in run(books, "hello.yml", skip_tags=("hello",)))


def test_a_host_with_another_key_is_not_reached(site: Site, tmp_path: Path):
    """Who answers there may be anybody. The same for one whose key is not known at all."""
    for known in ("", (tmp_path / "known_hosts").read_text().split()[0] + " " + _public(tmp_path)):
        (tmp_path / "other_hosts").write_text(known)
        books = AnsiblePlaybooks(dataclasses.replace(site, known_hosts=str(tmp_path / "other_hosts")), 60.0)
        told = run(books, "reach.yml", "web1")
        assert [(one.kind, one.host) for one in told if one.host] == [("unreachable", "web1")]
        assert "Host key verification failed" in "".join(one.text for one in told)
        assert (tmp_path / "other_hosts").read_text() == known


def test_a_run_that_is_left_is_over_and_its_room_is_gone(books: AnsiblePlaybooks, site: Site, tmp_path: Path):
    """Whoever closes it kills Ansible with all that it has started here; on the host the sweep ends the rest."""
    job = PlayJob(1, "hold.yml", ("web1",), "mark-77", variables={"at": str(tmp_path)})
    running = books.run(job, lambda: False)
    wait_until(lambda: bool(next(running)) and (tmp_path / "web1").exists(), "it has begun", 30)
    assert _processes(str(site.rooms))
    running.close()
    wait_until(lambda: not _processes(str(site.rooms)), "Ansible is gone")
    assert list(site.rooms.iterdir()) == []
    left = [line for line in _processes(str(tmp_path)) if "while" in line]
    assert left
    assert books.sweep("mark-78", ("web1",)) == {"web1": "processes ended: 0"}
    assert [line for line in _processes(str(tmp_path)) if "while" in line] == left
    assert int(books.sweep("mark-77", ("web1",))["web1"].removeprefix("processes ended: ")) >= len(left)
    assert not [line for line in _processes(str(tmp_path)) if "while" in line]


def test_a_host_that_cannot_be_swept_says_why(books: AnsiblePlaybooks):
    """The others are swept all the same."""
    found = books.sweep("mark", ("web1", "gone"))
    assert found["web1"] == "processes ended: 0"
    assert found["gone"].startswith("could not be looked at:")


def test_secrets_are_in_no_argument_and_in_no_file_of_others(site: Site, tmp_path: Path):
    """While it runs: `ps` does not show them, and what holds them is for its user alone."""
    books = AnsiblePlaybooks(site, 60.0)
    job = PlayJob(1, "hold.yml", ("web1",), "mark", variables={"at": str(tmp_path), "db_password": "hunter2-at-sea"})
    running = books.run(job, lambda: False)
    wait_until(lambda: bool(next(running)) and (tmp_path / "web1").exists(), "it has begun", 30)
    assert _processes("hunter2-at-sea") == []
    holding = [path for path in site.rooms.rglob("*") if path.is_file() and b"hunter2-at-sea" in path.read_bytes()]
    assert [path.name for path in holding] == ["vars.json"]
    assert holding[0].stat().st_mode & 0o777 == 0o600
    assert site.rooms.stat().st_mode & 0o777 == 0o700
    (tmp_path / "go").touch()
    assert list(running)[-1].rc == 0


def test_a_run_has_an_end(site: Site, tmp_path: Path):
    """One that takes longer than it may is stopped."""
    books = AnsiblePlaybooks(site, 3.0)
    told = run(books, "hold.yml", "web1", variables={"at": str(tmp_path)})
    assert told[-1].rc == 254
    (tmp_path / "go").touch()


def test_an_end_that_is_told_is_the_end(books: AnsiblePlaybooks, monkeypatch: pytest.MonkeyPatch):
    """Also where the process takes its time to go after it."""
    slow = 'import time; print(\'{"kind": "end", "rc": 0}\', flush=True); time.sleep(1)'
    monkeypatch.setattr(playbooks_talk, "contained", lambda _: [sys.executable, "-c", slow])
    assert run(books, "hello.yml")[-1] == PlayNews("end", rc=0)


def test_an_end_without_a_word_is_an_error(books: AnsiblePlaybooks, monkeypatch: pytest.MonkeyPatch):
    """With what it said on its way out."""
    monkeypatch.setattr(
        playbooks_talk, "contained", lambda _: [sys.executable, "-c", "import sys; sys.exit('no room')"]
    )
    with pytest.raises(PlaybookError, match="ended without a word: no room"):
        run(books, "hello.yml")


def test_mounts_that_come_and_go_do_not_end_a_run(tmp_path: Path):
    """As the engine makes and removes them for each container, while playbooks are started."""
    script = f"""
        cd {tmp_path} && mkdir 1 2 3 4 5 6 7 8
        while :; do for at in *; do mount -t tmpfs none $at; done; for at in *; do umount $at; done; done &
        for once in $(seq 150); do {" ".join(contained(["true"]))} || exit 1; done
    """
    # Mounts as systemd has them: what goes away on the host goes away in the namespaces made from it.
    done = subprocess.run(
        ["unshare", "--mount", "--propagation=shared", "--pid", "--fork", "sh", "-c", script], check=False
    )
    assert done.returncode == 0


def test_without_a_namespace_nothing_is_run(books: AnsiblePlaybooks, monkeypatch: pytest.MonkeyPatch):
    """And the text says what is to be installed."""
    monkeypatch.setattr(playbooks_room.shutil, "which", lambda _: None)
    with pytest.raises(PlaybookError, match="install the package util-linux"):
        run(books, "hello.yml")


def test_nothing_of_the_app_servers_environment_reaches_ansible(site: Site, monkeypatch: pytest.MonkeyPatch):
    """Neither its settings nor what changes how Ansible works."""
    monkeypatch.setenv("MOORAGE_SEAL_KEY", "secret")
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    with room(site) as here:
        told = here.environment()
    assert "MOORAGE_SEAL_KEY" not in told
    assert told["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert told["HOME"] != os.environ.get("HOME")


def test_collections_of_the_release_are_found(site: Site):
    """A playbook of the site may use `moorage.boot`."""
    argv = ["ansible-doc", "-t", "inventory", "-s", "moorage.boot.bootservers"]
    with room(site) as here:
        where = Path(sys.executable).parent
        done = subprocess.run(
            [str(where / argv[0]), *argv[1:]], env=here.environment(), capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr


def _public(tmp_path: Path) -> str:
    return " ".join((tmp_path / "ssh" / "client.pub").read_text().split()[:2])


def _processes(text: str) -> list[str]:
    """Command lines of this machine that hold it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if text in line and path.parent.name != str(os.getpid()):
            found.append(line.replace("\0", " "))
    return found
