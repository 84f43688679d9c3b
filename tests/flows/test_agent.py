"""The agent brings about what is wanted of its node, and says what it did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appserver.adapters.sealer import KeySealer
from appserver.core.entities import AppKey, ContainerRecord, Desired
from appserver.store import keys
from appserver.store.records import below, read
from tests.lab.agents import NODE, SEALER, Rig, probe, run_docker, service
from tests.lab.images import busybox
from tests.lab.records import revision
from tests.lab.wait import wait_until


def test_what_is_wanted_comes_to_run(node: Rig, key: AppKey, test_image: str):
    """Containers run with Compose's labels and ours, and `observed/` and `containers/` say so."""
    one = revision(key, 1, {"web": service(test_image, healthcheck=probe("true")), "db": service(test_image)})
    seen = node.rest(key, node.want(key, Desired(1, 0), one))
    assert (seen.phase, seen.revision, seen.drift, seen.causes) == ("done", 1, (), ())
    assert [(s.name, s.state, s.health, s.action) for s in seen.services] == [
        ("db", "running", "none", "create"),
        ("web", "running", "healthy", "create"),
    ]
    labels = node.engine.containers(key.name)[0].labels
    assert (labels["moorage.application"], labels["moorage.hash"]) == (str(key), one.hashes["db"])
    records = dict(below(node.kv.snapshot("containers/default/"), "containers/default/", ContainerRecord))
    assert {name: (r.record.node, r.record.application, r.record.state) for name, r in records.items()} == {
        f"{key.name}-db-1": (NODE, str(key), "running"),
        f"{key.name}-web-1": (NODE, str(key), "running"),
    }


def test_a_changed_service_is_recreated_alone(node: Rig, key: AppKey, test_image: str):
    """Its neighbour keeps its container, and the image of the old revision stays on the engine."""
    one = revision(key, 1, {"web": service(test_image), "db": service(test_image)})
    node.rest(key, node.want(key, Desired(1, 0), one))
    before = node.ids(key)
    two = revision(key, 2, {"web": service(test_image, mem_limit="67108864"), "db": service(test_image)})
    seen = node.rest(key, node.want(key, Desired(2, 1), two))
    after = node.ids(key)
    assert (seen.phase, seen.revision) == ("done", 2)
    assert [(s.name, s.action) for s in seen.services] == [("db", "none"), ("web", "recreate")]
    assert before[f"{key.name}-db-1"] == after[f"{key.name}-db-1"]
    assert before[f"{key.name}-web-1"] != after[f"{key.name}-web-1"]
    assert next(c for c in node.engine.containers(key.name) if c.service == "web").memory == 67108864


def test_a_failing_probe_puts_the_previous_revision_back(node: Rig, key: AppKey, test_image: str):
    """The cause holds the probe's last words and the container's last 50 lines, with secrets hidden."""
    one = revision(key, 1, {"web": service(test_image)})
    node.rest(key, node.want(key, Desired(1, 0), one))
    talk = "i=0; while [ $$i -lt 60 ]; do echo line $$i; i=$$((i+1)); done; echo pw is $$PW; sleep 1000"
    bad = service(
        test_image,
        command=["/bin/busybox", "sh", "-c", talk],
        environment={"PW": SEALER.seal("hunter2-secret", str(key))},
        healthcheck=probe("echo the probe says no; exit 3"),
    )
    seen = node.rest(key, node.want(key, Desired(2, 1), revision(key, 2, {"web": bad})))
    assert (seen.phase, seen.revision, seen.failed) == ("failed", 1, 2)
    cause = seen.causes[0]
    assert (cause.service, cause.why, cause.last_probe) == (
        "web",
        "its healthcheck fails",
        "exit code 3: the probe says no",
    )
    assert (len(cause.logs), cause.logs[-1], cause.logs[0]) == (50, "pw is ***", "line 11")
    running = node.engine.containers(key.name)
    assert [(c.state, c.labels["moorage.hash"]) for c in running] == [("running", one.hashes["web"])]


def test_a_first_deployment_that_fails_leaves_no_container(node: Rig, key: AppKey, test_image: str):
    """Volumes stay; the exit code and the last words are told."""
    broken = service(test_image, command=["/bin/busybox", "sh", "-c", "echo no luck; exit 7"], volumes=[
        {"type": "volume", "source": "data", "target": "/data", "volume": {}},
    ])  # fmt: skip
    one = revision(key, 1, {"web": broken}, volumes={"data": {"name": f"{key.name}_data"}})
    seen = node.rest(key, node.want(key, Desired(1, 0), one))
    assert (seen.phase, seen.revision, seen.failed) == ("failed", 0, 1)
    assert [(c.why, c.exit_code, c.logs) for c in seen.causes] == [("exited with code 7", 7, ("no luck",))]
    assert node.engine.containers(key.name) == ()
    assert f"{key.name}_data" in run_docker("volume", "ls", "-q")


@pytest.mark.parametrize(
    ("ill", "why", "probe_said"),
    [
        ({"healthcheck": probe("echo not today; exit 3")}, "its healthcheck fails", "exit code 3: not today"),
        (
            {
                "healthcheck": probe("true"),
                "restart": "always",
                "command": ["/bin/busybox", "sh", "-c", "echo oh; exit 4"],
            },
            "restarts",
            "",
        ),
    ],
)
def test_a_service_that_others_wait_for_is_explained(
    node: Rig, key: AppKey, test_image: str, ill: dict[str, Any], why: str, probe_said: str
):
    """Compose gives up at it and names the container alone; its end, its probe and its last lines are told first."""
    talk = ["/bin/busybox", "sh", "-c", "echo oh; sleep 1000"]
    front = service(test_image, depends_on={"back": {"condition": "service_healthy"}})
    back = service(test_image, **{"command": talk, **ill})
    seen = node.rest(key, node.want(key, Desired(1, 0), revision(key, 1, {"back": back, "front": front})))
    assert (seen.phase, seen.failed) == ("failed", 1)
    first, last = seen.causes
    assert (first.service, first.last_probe, first.logs[-1]) == ("back", probe_said, "oh")
    assert first.why.startswith(why)
    assert (last.service, f"{key.name}-back-1" in last.why) == ("", True)


def test_a_restart_loop_is_a_failure(node: Rig, key: AppKey, test_image: str):
    """A policy that starts it again and again does not make it up."""
    loop = service(test_image, command=["/bin/busybox", "sh", "-c", "exit 4"], restart="always")
    seen = node.rest(key, node.want(key, Desired(1, 0), revision(key, 1, {"web": loop})))
    assert seen.phase == "failed"
    assert seen.causes[0].why.startswith("restarts again and again")


def test_a_job_that_ends_well_is_finished_and_stays_so(node: Rig, key: AppKey, test_image: str):
    """It is neither a failure nor drift, and the service that waited for it runs."""
    job = service(test_image, command=["/bin/busybox", "true"])
    web = service(test_image, depends_on={"job": {"condition": "service_completed_successfully"}})
    seen = node.rest(key, node.want(key, Desired(1, 0), revision(key, 1, {"job": job, "web": web})))
    assert seen.phase == "done"
    assert [(s.name, s.state) for s in seen.services] == [("job", "finished"), ("web", "running")]
    assert seen.drift == ()


def test_stop_start_restart_remove(node: Rig, key: AppKey, test_image: str):
    """Each is done once, and removing leaves nothing but volumes."""
    one = revision(key, 1, {"web": service(test_image)})
    wanted = Desired(1, 0)
    node.rest(key, node.want(key, wanted, one))
    first = node.ids(key)
    assert node.rest(key, node.want(key, replace(wanted, run="stopped"))).phase == "stopped"
    assert [c.state for c in node.engine.containers(key.name)] == ["exited"]
    assert node.rest(key, node.want(key, wanted)).phase == "done"
    assert node.ids(key) == first
    started = node.engine.containers(key.name)[0].started_at
    seen = node.rest(key, node.want(key, replace(wanted, restart=1)))
    assert (seen.phase, seen.restart) == ("done", 1)
    assert node.engine.containers(key.name)[0].started_at != started
    assert node.ids(key) == first
    assert node.rest(key, node.want(key, replace(wanted, run="removed"))).phase == "removed"
    assert node.engine.containers(key.name) == ()
    assert key.name not in run_docker("network", "ls", "--format", "{{.Name}}")


def test_files_and_secrets_reach_the_container(node: Rig, key: AppKey, test_image: str):
    """A file of the project, a directory of it, an inline config and a secret; in a read-only container too."""
    mounted = service(
        test_image,
        configs=[
            {"source": "conf", "target": "/etc/conf"},
            {"source": "site", "target": "/data"},
            {"source": "inline", "target": "/etc/inline"},
        ],
        secrets=[{"source": "pw", "target": "/run/secrets/pw"}, {"source": "env", "target": "env", "mode": 0o400}],
    )
    rest = {
        "configs": {
            "conf": {"name": "c", "content": "a$$b\n", "x-file": "conf"},
            "site": {"name": "s", "x-files": {"index.html": "hi\n", "sub/run.sh": "#!/bin/sh\n"}, "x-file": "site"},
            "inline": {"name": "i", "content": "in$$line\n"},
        },
        "secrets": {
            "pw": {"name": "p", "content": SEALER.seal("pass$$word\n", str(key)), "x-file": "pw.txt"},
            "env": {"name": "e", "content": SEALER.seal("from env", str(key))},
        },
    }
    one = revision(key, 1, {"web": mounted, "ro": {**mounted, "read_only": True, "configs": mounted["configs"][:2],
                                                   "secrets": mounted["secrets"][:1]}}, **rest)  # fmt: skip
    seen = node.rest(key, node.want(key, Desired(1, 0), one))
    assert (seen.phase, seen.causes) == ("done", ())

    def read_in(service_name: str, path: str) -> str:
        return run_docker("exec", f"{key.name}-{service_name}-1", "/bin/cat", path)

    for name in ("web", "ro"):
        assert read_in(name, "/etc/conf") == "a$b\n"
        assert read_in(name, "/data/index.html") == "hi\n"
        assert read_in(name, "/run/secrets/pw") == "pass$word\n"
    assert read_in("web", "/etc/inline") == "in$line\n"
    assert read_in("web", "/run/secrets/env") == "from env"
    asked = ("/bin/stat", "-c", "%a", "/run/secrets/env", "/data/sub/run.sh")
    assert run_docker("exec", f"{key.name}-web-1", *asked).split() == ["400", "555"]
    files = list((node.state_dir / "files" / str(key)).iterdir())
    assert len(files) == 3
    two = revision(key, 2, {"web": service(test_image)})
    node.rest(key, node.want(key, Desired(2, 1), two))
    assert list((node.state_dir / "files" / str(key)).iterdir()) == []


def test_the_newest_wish_wins(node: Rig, key: AppKey, test_image: str):
    """A deployment that waits for a health that never comes is given up for the next."""
    slow = service(test_image, healthcheck={**probe("exit 1"), "retries": 1000})
    first = node.want(key, Desired(1, 0), revision(key, 1, {"web": slow}))
    node.until(key, lambda o: o.acted_on == first and o.phase == "settling")
    seen = node.rest(key, node.want(key, Desired(2, 0), revision(key, 2, {"web": service(test_image)})))
    assert (seen.phase, seen.revision) == ("done", 2)


def test_a_lost_tag_does_not_matter(node: Rig, key: AppKey):
    """Images are held by name of our own: a revision is put back when its tag has moved and no registry has it."""
    name = busybox({"moorage.test.only": key.name})
    facts = node.engine.image(name)
    assert facts is not None
    one = revision(key, 1, {"web": service(facts.pin)}, images={"web": facts})
    node.rest(key, node.want(key, Desired(1, 0), one))
    other = node.engine.image(busybox())
    assert other is not None
    two = revision(key, 2, {"web": service(other.pin)}, images={"web": other})
    node.rest(key, node.want(key, Desired(2, 1), two))
    run_docker("rmi", name)
    assert node.rest(key, node.want(key, Desired(1, 2))).phase == "done"
    assert node.engine.containers(key.name)[0].image_id == facts.id
    assert node.rest(key, node.want(key, Desired(1, 2, run="removed"))).phase == "removed"
    wait_until(lambda: node.engine.image(facts.id) is None, "the last image goes with the application")


def test_what_is_not_wanted_any_more_is_forgotten(node: Rig, key: AppKey, test_image: str):
    """The record of its containers goes; containers without a wish are not the agent's to touch."""
    node.rest(key, node.want(key, Desired(1, 0), revision(key, 1, {"web": service(test_image)})))
    where = keys.container("default", f"{key.name}-web-1")
    assert read(node.kv, where, ContainerRecord)
    node.kv.commit({}, {}, [keys.desired(NODE, key)])
    wait_until(lambda: read(node.kv, where, ContainerRecord) is None, "the container's record is gone")
    assert list(node.ids(key)) == [f"{key.name}-web-1"]


def test_a_secret_of_another_key_fails_the_deployment_and_hinders_no_end(node: Rig, key: AppKey, test_image: str):
    """The key file was lost or replaced: that is said, and what runs can still be stopped and removed."""
    one = revision(key, 1, {"web": service(test_image)})
    node.rest(key, node.want(key, Desired(1, 0), one))
    foreign = KeySealer(bytes(32)).seal("swordfish", str(key))
    two = revision(key, 2, {"web": service(test_image, environment={"DB_PASSWORD": foreign})})
    seen = node.rest(key, node.want(key, Desired(2, 1), two))
    assert (seen.phase, seen.revision, seen.failed) == ("failed", 1, 2)
    assert seen.causes[0].why == f"a secret of {key} was not sealed with this machine's key"
    assert node.rest(key, node.want(key, Desired(2, 1, run="stopped"))).phase == "stopped"
    assert node.rest(key, node.want(key, Desired(2, 1, run="removed"))).phase == "removed"
    assert node.ids(key) == {}


def test_a_project_that_compose_refuses_fails_and_can_be_removed(node: Rig, key: AppKey, test_image: str):
    """A layer may name a network that nobody declares: Compose will neither start such a project nor take it down."""
    one = revision(key, 1, {"web": service(test_image, networks={"nobody": None})})
    seen = node.rest(key, node.want(key, Desired(1, 0), one), 20)
    assert (seen.phase, seen.failed) == ("failed", 1)
    assert "nobody" in seen.causes[0].why
    assert node.rest(key, node.want(key, Desired(1, 0, run="removed")), 20).phase == "removed"
