"""Compose acting on a real engine: what it does, what it says, and who may end it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any

import pytest

from appserver.adapters import compose_binary
from appserver.adapters.compose import DockerCompose
from appserver.adapters.compose_binary import Binary
from appserver.adapters.engine import DockerEngine
from appserver.core import compose as core
from appserver.errors import ComposeError
from tests.lab.agents import probe, run_docker, service
from tests.lab.containers import shell
from tests.lab.daemon import ROOT, environment
from tests.lab.wait import wait_until


def text(project: str, **services: Mapping[str, Any]) -> str:
    return core.to_text({"name": project, "services": services})


def up(compose: DockerCompose, project: str, given: str, *services: str, **how: Any) -> list[str]:
    return list(compose.up(project, given, services, Event(), **how))


def ids(engine: DockerEngine, project: str) -> Mapping[str, str]:
    return {one.service: one.id for one in engine.containers(project)}


def never_healthy(image: str) -> Mapping[str, Any]:
    """One for whose health another service waits in vain, with time to end."""
    return service(image, healthcheck={**probe("exit 1"), "start_period": "300s"}, command=list(shell("sleep 300")))


def waiting(project: str, image: str) -> str:
    """A project whose second service is never started, while Compose waits for the first."""
    web = service(image, depends_on={"slow": {"condition": "service_healthy"}})
    return text(project, slow=never_healthy(image), web=web)


def test_up_makes_what_differs_and_only_that(
    compose: DockerCompose, engine: DockerEngine, project: str, test_image: str
):
    """Named services alone, their neighbours left as they are; a second time nothing."""
    both = text(project, web=service(test_image), db=service(test_image))
    said = up(compose, project, both)
    assert any(f"{project}-web-1 Started" in " ".join(line.split()) for line in said)
    before = ids(engine, project)
    up(compose, project, both)
    assert ids(engine, project) == before
    changed = service(test_image, mem_limit="64m")
    up(compose, project, text(project, web=changed, db=changed), "web")
    after = ids(engine, project)
    assert after["web"] != before["web"]
    assert after["db"] == before["db"]
    up(compose, project, text(project, web=changed, db=service(test_image)), "web", force=True)
    assert ids(engine, project)["web"] != after["web"]


def test_services_wait_for_each_other(compose: DockerCompose, engine: DockerEngine, project: str, test_image: str):
    """`depends_on` with a condition is Compose's to keep, among all services at once."""
    ready = service(test_image, healthcheck=probe("true"))
    web = service(test_image, depends_on={"db": {"condition": "service_healthy"}})
    up(compose, project, text(project, web=web, db=ready))
    db, web_seen = engine.containers(project)
    assert (db.health, web_seen.state) == ("healthy", "running")
    assert web_seen.started_at is not None
    assert db.started_at is not None
    assert web_seen.started_at > db.started_at


def test_every_verb_does_what_it_says(compose: DockerCompose, engine: DockerEngine, project: str, test_image: str):
    """Stop, unpause; down keeps volumes, unless told to take them."""
    given = core.to_text(
        {
            "name": project,
            "services": {"web": service(test_image, volumes=["data:/data"])},
            "volumes": {"data": {}},
        }
    )
    up(compose, project, given)
    (first,) = engine.containers(project)
    run_docker("pause", first.id)
    compose.run("unpause", project, given, ("web",))
    assert engine.containers(project)[0].state == "running"
    compose.run("stop", project, given)
    assert engine.containers(project)[0].state == "exited"
    compose.run("down", project, given)
    assert engine.containers(project) == ()
    volume = ("volume", "ls", "-q", "--filter", f"label=com.docker.compose.project={project}")
    assert run_docker(*volume).split() == [f"{project}_data"]
    up(compose, project, given)
    compose.run("down-volumes", project, given)
    assert run_docker(*volume) == ""


def test_by_labels_only_a_project_s_own_volumes_go(
    compose: DockerCompose, engine: DockerEngine, project: str, test_image: str
):
    """Not one that another project made under a name that is this one's too; and with no container left."""
    other = f"{project}_db"
    web = service(test_image, volumes=["db_data:/a", "own:/b"])
    given = core.to_text({"name": project, "services": {"web": web}, "volumes": {"db_data": {}, "own": {}}})
    theirs = f"{other}_data"
    run_docker("volume", "create", "--label", f"com.docker.compose.project={other}", theirs)
    try:
        up(compose, project, given)
        found = engine.owners()
        assert (found["volumes"][theirs], found["volumes"][f"{project}_own"]) == (other, project)
        assert found["networks"][f"{project}_default"] == project
        compose.run("down", project, given)
        compose.run("down-volumes", project, "")
        left = engine.owners()["volumes"]
        assert theirs in left and f"{project}_own" not in left
    finally:
        compose.run("down", project, "")
        run_docker("volume", "rm", "-f", theirs)


def test_down_without_a_text_goes_by_labels(
    compose: DockerCompose, engine: DockerEngine, project: str, test_image: str
):
    """When the revision is not on record any more, its containers and networks can still be removed."""
    up(compose, project, text(project, web=service(test_image)))
    compose.run("down", project, "")
    assert engine.containers(project) == ()
    assert run_docker("network", "ls", "-q", "--filter", f"label=com.docker.compose.project={project}") == ""


def test_hashes_are_those_that_containers_carry(
    compose: DockerCompose, engine: DockerEngine, project: str, test_image: str
):
    """So that a project that runs can be taken over as it is."""
    given = text(project, web=service(test_image, environment={"A": "$$1"}), db=service(test_image))
    up(compose, project, given)
    assert {one.service: one.config_hash for one in engine.containers(project)} == compose.hashes(given)


def test_what_goes_wrong_is_told_in_composes_words(compose: DockerCompose, project: str, test_image: str):
    """The sentence, and the lines before it; a text it cannot read is such an error too."""
    bad = text(project, web=service(test_image, command=["/no/such/program"]))
    with pytest.raises(ComposeError, match=r"docker compose up: .*/no/such/program") as found:
        up(compose, project, bad)
    assert any("Created" in line for line in found.value.output)
    with pytest.raises(ComposeError, match="docker compose config: "):
        compose.hashes("services: [")
    with pytest.raises(ComposeError, match=r"docker compose up: .*missing.*"):
        up(compose, project, text(project, web={"image": "127.0.0.1:1/missing:1", "pull_policy": "never"}))


def test_the_text_is_in_no_argument_and_on_no_disk(
    compose: DockerCompose, project: str, tmp_path: Path, test_image: str
):
    """It holds opened secrets."""
    given = waiting(project, test_image).replace("sleep 300", "sleep 300 # swordfish")
    stop = Event()
    lines = compose.up(project, given, (), stop)
    next(lines)
    children = [p for p in Path("/proc").glob("[0-9]*/cmdline") if project.encode() in _read(p)]
    assert children
    assert not [p for p in children if b"swordfish" in _read(p) or b"swordfish" in _read(p.with_name("environ"))]
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"swordfish" in p.read_bytes()]
    lines.close()  # type: ignore[attr-defined]


def test_it_is_stopped_at_once_and_stays_within_its_time(
    compose: DockerCompose, engine: DockerEngine, project: str, test_image: str
):
    """By an event, by its limit, by whoever stops listening: the process is gone, and the next may begin."""
    given, stop = waiting(project, test_image), Event()
    late = Timer(1.0, stop.set)
    late.start()
    began = time.monotonic()
    with pytest.raises(ComposeError, match="up: stopped before it was through"):
        list(compose.up(project, given, (), stop))
    with pytest.raises(ComposeError, match="up: not through within 1 s"):
        up(compose, project, given, limit_s=1.0)
    listened = compose.up(project, given, (), Event())
    next(listened)
    listened.close()  # type: ignore[attr-defined]
    compose.wait(project, Event())
    assert time.monotonic() - began < 15
    assert {one.service: one.state for one in engine.containers(project)} == {"slow": "running", "web": "created"}


def test_an_engine_that_is_away_is_an_error(compose_program: Binary, tmp_path: Path):
    """In Compose's words."""
    compose = DockerCompose(compose_program, "/nonexistent/docker.sock", tmp_path)
    with pytest.raises(ComposeError, match=r"docker compose up: .*docker daemon"):
        up(compose, "shop", text("shop", web={"image": "x"}))


LEFT_BEHIND = """
import sys
from pathlib import Path
from threading import Event
from appserver.adapters import compose_binary
from appserver.adapters.compose import DockerCompose

compose = DockerCompose(compose_binary.find(), sys.argv[1], Path(sys.argv[2]))
for line in compose.up(sys.argv[3], sys.stdin.read(), (), Event()):
    print(line, flush=True)
"""


@pytest.fixture
def left_behind(engine_socket: str, engine: DockerEngine, project: str, tmp_path: Path, test_image: str) -> Path:
    """An agent was killed while Compose waited for a service that is healthy two seconds after it started."""
    late = {**probe("test $$(date +%s) -gt $$(($$(stat -c %Y /proc/1) + 2))"), "start_period": "30s"}
    web = service(test_image, depends_on={"slow": {"condition": "service_healthy"}})
    given = text(project, slow=service(test_image, healthcheck=late), web=web)
    argv = (sys.executable, "-c", LEFT_BEHIND, engine_socket, str(tmp_path / "run"), project)
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
    ) as agent:
        assert agent.stdin is not None
        agent.stdin.write(given)
        agent.stdin.close()
        wait_until(lambda: "running" in {one.state for one in engine.containers(project)}, "the first is started", 20)
        agent.kill()
    return tmp_path / "run" / "projects" / f"{project}.lock"


def test_what_a_killed_agent_left_behind_is_waited_for(
    compose: DockerCompose, engine: DockerEngine, project: str, left_behind: Path
):
    """It goes on by itself to the end; only then is the project free."""
    with left_behind.open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    compose.wait(project, Event())
    assert {one.service: one.state for one in engine.containers(project)} == {"slow": "running", "web": "running"}


def test_waiting_for_it_can_be_ended(compose: DockerCompose, project: str, left_behind: Path):
    """An agent that is told to stop, or has something newer to do, does not stay for it."""
    stop = Event()
    stop.set()
    with pytest.raises(ComposeError, match="an earlier docker compose still works"):
        compose.wait(project, stop)
    compose.wait(project, Event())
    assert left_behind.exists()


def test_one_that_never_ends_is_ended(
    compose: DockerCompose, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Beyond all patience, and only if the process that holds the lock is Compose itself."""
    monkeypatch.setattr("appserver.adapters.compose_run._PATIENCE_S", 0.3)
    folder = tmp_path / "run" / "projects"
    folder.mkdir(parents=True)
    with (folder / f"{project}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        argv = (compose_binary.find().path, "-p", project, "events")
        ours = subprocess.Popen(argv, pass_fds=(lock.fileno(),), start_new_session=True)
        other = subprocess.Popen(("sleep", "60"), start_new_session=True)
        try:
            lock.write(f"{other.pid}\n")
            lock.flush()
            stop = Event()
            Timer(1.0, stop.set).start()
            with pytest.raises(ComposeError, match="still works"):
                compose.wait(project, stop)
            assert other.poll() is None
            lock.truncate(0)
            lock.write(f"{ours.pid}\n")
            lock.flush()
        finally:
            os.killpg(other.pid, signal.SIGKILL)
            other.wait()
    waits = Thread(target=compose.wait, args=(project, Event()))
    waits.start()
    assert ours.wait(10) == -signal.SIGKILL
    waits.join(10)
    assert not waits.is_alive()


def test_one_that_may_still_go_on_is_left_to_it(
    compose: DockerCompose, project: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The agent that started it gave it as long as its application says, which stands in the lock; then it is ended."""
    monkeypatch.setattr("appserver.adapters.compose_run._PATIENCE_S", 0.1)
    monkeypatch.setattr("appserver.adapters.compose_run._TERM_S", 0.0)
    folder = tmp_path / "run" / "projects"
    folder.mkdir(parents=True)
    with (folder / f"{project}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        argv = (compose_binary.find().path, "-p", project, "events")
        ours = subprocess.Popen(argv, pass_fds=(lock.fileno(),), start_new_session=True)
        lock.write(f"{ours.pid} {time.monotonic() + 1.5}\n")
        lock.flush()
    stop = Event()
    Timer(0.8, stop.set).start()
    with pytest.raises(ComposeError, match="still works"):
        compose.wait(project, stop)
    assert ours.poll() is None
    compose.wait(project, Event())
    assert ours.wait(10) == -signal.SIGKILL


def test_a_verb_that_is_not_wanted_any_more_ends(
    compose: DockerCompose, engine: DockerEngine, project: str, test_image: str
):
    """An agent that ends, or has something newer to do, does not wait for a container that takes its time."""
    slow = service(test_image, command=["/bin/busybox", "sh", "-c", "trap '' TERM; sleep 60"], stop_grace_period="30s")
    given = text(project, slow=slow)
    assert list(compose.up(project, given, (), Event()))
    stop = Event()
    Timer(0.5, stop.set).start()
    began = time.monotonic()
    with pytest.raises(ComposeError, match="stopped before it was through"):
        compose.run("stop", project, given, stop=stop)
    assert time.monotonic() - began < 15


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
