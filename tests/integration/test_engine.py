"""The engine adapter on a real Docker Engine: what it says of containers, and how it bears an engine that is ill."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest

from appserver.adapters.engine import DockerEngine
from appserver.core.containers import EngineEvent
from appserver.errors import EngineError
from tests.lab.agents import run_docker
from tests.lab.containers import shell, start
from tests.lab.engine import own_dockerd
from tests.lab.images import busybox
from tests.lab.wait import wait_until


def test_a_container_is_told_in_full(engine: DockerEngine, project: str, test_image: str):
    """Whose it is, how it fares, its limits, its networks."""
    flags = ("--memory=64m", "--cpus=0.5", "--restart=on-failure:3")
    id_ = start(project, "web", test_image, labels={"moorage.hash": "abc"}, flags=flags)
    (seen,) = engine.containers(project)
    assert (seen.id, seen.name, seen.project, seen.service) == (id_, f"{project}-web-1", project, "web")
    assert (seen.state, seen.health, seen.exit_code, seen.restart_count) == ("running", "none", 0, 0)
    assert (seen.memory, seen.cpus, seen.restart, seen.networks) == (64 << 20, 0.5, "on-failure:3", ("none",))
    assert (seen.config_hash, seen.labels["moorage.hash"], seen.image) == ("hash", "abc", test_image)
    assert seen.started_at is not None
    assert abs(seen.started_at - datetime.now(UTC)) < timedelta(minutes=1)
    facts = engine.image(test_image)
    assert facts is not None
    assert seen.image_id == facts.id


def test_stopped_containers_and_those_that_never_started_are_there_too(
    engine: DockerEngine, project: str, test_image: str
):
    """With exit code and the engine's own word on why; a one-off run is nobody's service."""
    start(project, "bad", test_image, shell("exit 7"))
    with pytest.raises(Exception, match="returned non-zero"):
        start(project, "lost", test_image, ("/no/such/program",))
    start(project, "once", test_image, labels={"com.docker.compose.oneoff": "True"})
    wait_until(lambda: engine.containers(project)[0].state == "exited", "it has ended")
    bad, lost = engine.containers(project)
    assert (bad.service, bad.state, bad.exit_code) == ("bad", "exited", 7)
    assert (lost.service, lost.state) == ("lost", "created")
    assert "/no/such/program" in lost.error


def test_memory_that_runs_out_is_said(engine: DockerEngine, project: str, test_image: str):
    """Exit code 137 alone does not tell a kill by hand from one by the kernel.

    The kernel kills a child here. Where it kills the first process, a busy engine may never hear why: the container's
    cgroup is gone by then.
    """
    eat = "a=x; while :; do a=$a$a; done"
    script = f'trap "exit 137" TERM; ({eat}); sleep 1000 & wait'
    id_ = start(project, "web", test_image, shell(script), flags=("--memory=16m", "--memory-swap=16m"))
    wait_until(lambda: engine.containers(project)[0].error, "the engine has heard", 30)
    run_docker("stop", id_)
    wait_until(lambda: engine.containers(project)[0].state == "exited", "it has ended", 20)
    (seen,) = engine.containers(project)
    assert (seen.exit_code, seen.error) == (137, "killed because its memory ran out")


def test_a_healthcheck_is_followed_to_its_last_words(engine: DockerEngine, project: str, test_image: str):
    """Starting, then unhealthy with what the probe printed, without what would move a terminal's cursor."""
    probe = ("--health-cmd=printf 'no \\033[31mdatabase'; exit 1", "--health-interval=100ms", "--health-retries=2")
    start(project, "web", test_image, flags=probe)
    wait_until(lambda: engine.containers(project)[0].health == "unhealthy", "it is unhealthy")
    (seen,) = engine.containers(project)
    assert "no database" in seen.last_probe
    assert "\x1b" not in seen.last_probe


def test_all_projects_are_one_question(engine: DockerEngine, project: str, test_image: str):
    """What the engine's list says, for every project at once."""
    id_ = start(project, "web", test_image)
    found = {one.id: one for one in engine.containers()}
    assert (found[id_].state, found[id_].service, found[id_].started_at) == ("running", "web", None)


def test_what_runs_is_told_whosever_it_is_and_by_a_tag(engine: DockerEngine, project: str, test_image: str):
    """One that was started by its image's id too; a tag that only holds on to an image is nobody's name for it."""
    facts = engine.image(test_image)
    assert facts is not None
    engine.keep(facts.id, f"moorage-keep/{project}:a")
    by_id = start(project, "web", facts.id)
    start(project, "job", test_image, shell("true"))
    alone = run_docker("run", "-d", "--rm", "--network=none", test_image).strip()
    try:
        wait_until(lambda: engine.containers(project)[0].state == "exited", "the job has ended")
        found = {one.id: one for one in engine.running()}
        assert (found[by_id].image, found[by_id].project) == (test_image, project)
        assert (found[alone].image, found[alone].project, found[alone].state) == (test_image, "", "running")
        assert f"{project}-job-1" not in {one.name for one in found.values()}
    finally:
        run_docker("rm", "-f", alone)
        engine.unkeep(f"moorage-keep/{project}")


def test_what_is_known_is_not_asked_again(engine: DockerEngine, project: str, test_image: str):
    """A full state from before stands as long as the list says nothing else, and no longer."""
    start(project, "web", test_image)
    start(project, "db", test_image)
    known = {one.id: replace(one, last_probe="from before") for one in engine.containers(project)}
    assert [one.last_probe for one in engine.containers(project, known)] == ["from before", "from before"]
    run_docker("stop", "-t", "1", f"{project}-db-1")
    # The engine answers a stop a moment before its own list says so.
    wait_until(lambda: engine.containers(project)[0].state == "exited", "it is stopped")
    db, web = engine.containers(project, known)
    assert (db.state, db.last_probe, web.last_probe) == ("exited", "", "from before")


def test_events_come_in_order_from_connected_on(engine: DockerEngine, project: str, test_image: str):
    """What is listed after `connected` and what follows leave no gap; a stream that is told to stop ends."""
    stop = Event()
    with heard(lambda: engine.events(stop), stop) as events:
        assert events.get(timeout=5).action == "connected"
        id_ = start(project, "web", test_image)
        run_docker("network", "create", "--label", f"com.docker.compose.project={project}", f"{project}_x")
        run_docker("network", "disconnect", "none", id_)
        run_docker("network", "connect", f"{project}_x", id_)
        run_docker("rm", "-f", id_)
        seen = of_container(events, id_, until="destroy")
        assert [e.action for e in seen if e.project] == ["create", "start", "kill", "die", "destroy"]
        joined = [e.action for e in seen if not e.project]
        assert joined.count("connect") >= 2
        assert "disconnect" in joined
        assert {(e.project, e.service) for e in seen if e.project} == {(project, "web")}
        assert abs(seen[0].at - time.time()) < 60


def test_logs_end_with_what_was_asked_for(engine: DockerEngine, project: str, test_image: str):
    """The last lines, both streams, in order; nothing that controls a terminal; since a moment."""
    script = "for n in 1 2 3; do echo out $n; done; printf 'bad \\033[2Jline\\r\\n' >&2; sleep 1000"
    id_ = start(project, "web", test_image, shell(script))
    wait_until(lambda: len(list(engine.logs(id_, 10))) == 4, "all is said")
    assert sorted(engine.logs(id_, 10)) == ["bad line", "out 1", "out 2", "out 3"]
    assert len(list(engine.logs(id_, 2))) == 2
    assert list(engine.logs(id_, 10, since=datetime.now(UTC) + timedelta(minutes=1))) == []


def test_a_log_is_followed_through_silence_until_told_to_stop(engine_socket: str, project: str, test_image: str):
    """Silence longer than the adapter's time for one call does not end it; `stop` does, while it is silent."""
    engine = DockerEngine(engine_socket, timeout_s=0.5)
    id_ = start(project, "web", test_image, shell("echo one; sleep 1.5; echo two; sleep 1000"))
    stop = Event()
    with heard(lambda: engine.logs(id_, 10, follow=True, stop=stop), stop) as lines:
        assert [lines.get(timeout=5), lines.get(timeout=5)] == ["one", "two"]
        stop.set()
        assert lines.get(timeout=8) is None


def test_a_followed_log_ends_with_its_container(engine: DockerEngine, project: str, test_image: str):
    """And one of a container that is not there is an error that says so."""
    id_ = start(project, "web", test_image, shell("echo one; sleep 0.3; echo two"))
    assert list(engine.logs(id_, 10, follow=True, stop=Event())) == ["one", "two"]
    with pytest.raises(EngineError, match="no container"):
        next(engine.logs("f" * 64, 10))


def test_a_line_without_end_comes_in_pieces(engine: DockerEngine, project: str, test_image: str):
    """A megabyte without a line break is not kept in memory until it ends."""
    id_ = start(
        project, "web", test_image, shell("/bin/busybox dd if=/dev/zero bs=1k count=256 | /bin/busybox tr '\\0' x")
    )
    wait_until(lambda: engine.containers(project)[0].state == "exited", "all is said")
    pieces = [line for line in engine.logs(id_, 1000) if set(line) == {"x"}]
    assert max(map(len, pieces)) <= 16_384
    assert sum(map(len, pieces)) == 256 << 10


def test_statistics_are_of_what_runs(engine: DockerEngine, project: str, test_image: str):
    """In plain units; none where nothing runs."""
    start(project, "web", test_image, flags=("--memory=64m",))
    start(project, "job", test_image, shell("true"))
    wait_until(lambda: engine.containers(project)[0].state == "exited", "the job has ended")
    (seen,) = engine.stats(project)
    assert (seen["name"], seen["service"], seen["memory_limit"]) == (f"{project}-web-1", "web", 64 << 20)
    assert isinstance(seen["memory"], int)
    assert 0 < seen["memory"] < 64 << 20
    assert isinstance(seen["cpu_seconds"], float)
    assert engine.stats(f"{project}-none") == ()


def test_an_image_nobody_has_is_none_and_cannot_be_pulled(engine: DockerEngine):
    """The registry's refusal is told with the image's name."""
    reference = "127.0.0.1:1/nobody/nothing:1.0"
    assert engine.image(reference) is None
    with pytest.raises(EngineError, match=r"pull 127\.0\.0\.1:1/nobody/nothing:1\.0: .*refused"):
        engine.pull(reference)


def test_a_kept_image_outlives_its_tag_and_goes_when_let_go(engine: DockerEngine, project: str):
    """So a revision can be put back when its tag has moved on."""
    image = busybox(labels={"moorage.test.kept": project})
    facts = engine.image(image)
    assert facts is not None
    assert (facts.labels["moorage.test.kept"], facts.pin, facts.reference) == (project, facts.id, image)
    kept = f"moorage-keep/{project}"
    engine.keep(facts.id, f"{kept}:one")
    run_docker("rmi", image)
    assert engine.image(image) is None
    assert engine.image(facts.id) is not None
    engine.unkeep(kept)
    engine.unkeep(kept)
    assert engine.image(facts.id) is None


def test_letting_go_leaves_an_image_that_others_name(engine: DockerEngine, project: str, test_image: str):
    """And one that a container still runs."""
    facts = engine.image(test_image)
    assert facts is not None
    engine.keep(facts.id, f"moorage-keep/{project}:one")
    engine.unkeep(f"moorage-keep/{project}")
    assert engine.image(test_image) is not None


def test_one_container_is_removed_with_time_to_end(engine: DockerEngine, project: str, test_image: str):
    """It may finish its work, its named volume stays, and a second removal is none."""
    finish = "trap 'echo done > /data/said; exit 0' TERM; while :; do sleep 100 & wait; done"
    volume = f"{project}-data"
    run_docker("volume", "create", "--label", f"com.docker.compose.project={project}", volume)
    id_ = start(project, "web", test_image, shell(finish), flags=("-v", f"{volume}:/data"))
    engine.remove(id_)
    engine.remove(id_)
    assert engine.containers(project) == ()
    read = ("run", "--rm", "--network=none", "-v", f"{volume}:/data", test_image, "/bin/cat", "/data/said")
    assert run_docker(*read) == "done\n"


def test_an_engine_that_is_not_there_is_an_error_that_names_it():
    """Whatever is asked; no descriptor stays open for it."""
    engine = DockerEngine("/nonexistent/docker.sock")
    asked: tuple[Callable[[], object], ...] = (
        engine.info,
        engine.containers,
        lambda: engine.image("x"),
        lambda: engine.pull("x"),
        lambda: list(engine.logs("x", 1)),
        lambda: list(engine.events(Event())),
    )
    for ask in asked:
        with pytest.raises(EngineError, match=r"unix:///nonexistent/docker\.sock does not answer"):
            ask()


@pytest.mark.slow
def test_an_engine_that_dies_or_hangs_ends_every_call_and_is_met_again():
    """Killed: the event stream says so at once. Frozen: a call ends in its time. Back: the same adapter goes on."""
    with own_dockerd() as daemon:
        engine = DockerEngine(daemon.socket, timeout_s=1.0)
        assert engine.info().version
        stop = Event()
        with heard(lambda: engine.events(stop), stop) as events:
            assert events.get(timeout=5).action == "connected"
            daemon.kill()
            assert isinstance(events.get(timeout=5), EngineError)
        daemon.start()
        assert engine.info().cpus >= 1
        daemon.freeze()
        began = time.monotonic()
        with pytest.raises(EngineError, match="does not answer"):
            engine.containers()
        assert time.monotonic() - began < 3
        daemon.thaw()
        wait_until(lambda: answers(engine), "the engine is met again", 10)


def answers(engine: DockerEngine) -> bool:
    try:
        return engine.containers() == ()
    except EngineError:
        return False


@contextmanager
def heard(make: Callable[[], Iterator[object]], stop: Event) -> Iterator[Queue[Any]]:
    """What an iterator gives, read by a thread of its own; then None, or the EngineError it ended with."""
    said: Queue[Any] = Queue()

    def read() -> None:
        try:
            for one in make():
                said.put(one)
        except EngineError as error:
            said.put(error)
        else:
            said.put(None)

    thread = Thread(target=read)
    thread.start()
    try:
        yield said
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive(), "the stream ends when it is told to"


def of_container(said: Queue[Any], id_: str, until: str) -> list[EngineEvent]:
    """Its events, up to and with the first of this name."""
    found: list[EngineEvent] = []
    while not found or found[-1].action != until:
        one = said.get(timeout=5)
        if one.container_id == id_:
            found.append(one)
    return found
