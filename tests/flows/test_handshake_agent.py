"""An agent's work and its handshake, side by side, on a real engine: neither waits for the other more than it must."""

from __future__ import annotations

from threading import Event
from threading import enumerate as enumerate_threads

from appserver.adapters.clock import SystemClock
from appserver.core.entities import AppKey, Desired, Options
from appserver.core.fleet import Node
from appserver.services.duties import Duties, FencedDuty
from appserver.services.events import Events
from appserver.services.handshake import Handshake
from appserver.store import keys
from appserver.store.records import read
from tests.lab.agents import NODE, Rig, run_docker, service
from tests.lab.kv import following
from tests.lab.records import revision
from tests.lab.wait import wait_until

STATE = keys.runnode("127.0.0.1")


def test_a_node_that_returns_mends_its_applications_while_it_waits(node: Rig, key: AppKey, test_image: str) -> None:
    """No app server runs: a container that went missing is there again, and the node is still waiting.

    Then one answers: nothing is made anew, and nothing that is not ours is touched.
    """
    stranger = run_docker(
        "run", "-d", "--label", "moorage.test=stranger", "--rm", test_image, "/bin/busybox", "sleep", "600"
    ).strip()
    try:
        healing = revision(key, 1, {"web": service(test_image)}, Options(heal=True, settle_s=0.2))
        node.rest(key, node.want(key, Desired(1, 0), healing))
        node.stop()
        run_docker("rm", "-f", *node.ids(key).values())
        node.start()
        wait_until(lambda: len(node.ids(key)) == 1, "it is mended", 30)
        assert node.kv.snapshot(STATE).items[STATE].value == "waiting"
        assert condition(node) == (False, "waiting for an app server")
        before = node.ids(key)
        stop = Event()
        duty = Handshake(kv=node.kv, events=Events(kv=node.kv, clock=SystemClock()), address="a:8080")
        node.kv.commit({}, {keys.allnode("127.0.0.1"): "ok"})
        with following(node.kv, STATE, node.kv.snapshot(STATE).revision) as seen:
            Duties(kv=node.kv, value="a", duties=[FencedDuty("master", duty.run)]).start(stop)
            try:
                wait_until(lambda: seen.values()[-1:] == ["ok"], "the node is ok", 30)
            finally:
                stop.set()
        assert seen.values() == ["init-recovery", "work", "ok"]
        wait_until(lambda: condition(node) == (True, "ok"), "it is on record")
        assert node.ids(key) == before
        assert stranger in run_docker("ps", "-q", "--no-trunc")
    finally:
        run_docker("rm", "-f", stranger)
        node.stop()  # or it would heal what is removed after the test


def test_a_rival_ends_the_work_and_the_work_begins_again_after_it(node: Rig, key: AppKey, test_image: str) -> None:
    """While somebody else has the name nothing is written and nothing started; containers that run go on."""
    node.rest(key, node.want(key, Desired(1, 0), revision(key, 1, {"web": service(test_image)})))
    before = node.ids(key)
    where = (keys.alive(NODE), keys.agent(NODE), STATE)
    with node.kv.lease(10) as theirs:
        node.kv.commit({}, dict.fromkeys(where, "x"), lease=theirs.id)
        wait_until(lambda: not any(one.name.startswith("lane-") for one in enumerate_threads()), "its parts ended", 20)
        node.want(key, Desired(2, 1), revision(key, 2, {"web": service(test_image, mem_limit="67108864")}))
        assert node.ids(key) == before
    seen = node.until(key, lambda one: one.revision == 2 and one.phase == "done")
    assert seen.failed == 0
    assert node.ids(key) != before


def condition(node: Rig) -> tuple[bool, str]:
    found = read(node.kv, keys.node(NODE), Node)
    assert found
    return next((one.ok, one.reason) for one in found.record.conditions if one.name == "handshake")
