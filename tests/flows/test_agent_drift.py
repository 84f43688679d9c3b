"""What changes on a node by hand is seen, told, and undone where the application says so."""

from __future__ import annotations

import pytest

from appserver.core.entities import AppKey, Desired, Options
from tests.lab.agents import Rig, run_docker, service
from tests.lab.records import revision


def test_a_container_removed_by_hand_is_reported_within_two_seconds(node: Rig, key: AppKey, test_image: str):
    """Reported only: nothing said that it is to be healed."""
    one = revision(key, 1, {"web": service(test_image), "db": service(test_image)})
    node.rest(key, node.want(key, Desired(1, 0), one))
    run_docker("rm", "-f", f"{key.name}-web-1")
    seen = node.until(key, lambda o: bool(o.drift), timeout_s=2.0)
    assert [(d.service, d.what, d.before, d.after) for d in seen.drift] == [("web", "missing", "1", "0")]
    assert seen.phase == "done"
    assert list(node.ids(key)) == [f"{key.name}-db-1"]


@pytest.mark.parametrize(
    ("by_hand", "what"),
    [
        (("rm", "-f"), "missing"),
        (("stop", "-t", "0"), "stopped"),
        (("pause",), "paused"),
        (("update", "--memory", "100m", "--memory-swap", "200m"), "memory"),
        (("update", "--restart", "always"), "restart"),
    ],
)
def test_drift_is_healed_where_the_application_says_so(
    node: Rig, key: AppKey, test_image: str, by_hand: tuple[str, ...], what: str
):
    """What was done by hand is undone, by starting where that is enough."""
    options = Options(heal=True, settle_s=0.2, timeout_s=20)
    one = revision(key, 1, {"web": service(test_image, mem_limit="67108864")}, options)
    node.rest(key, node.want(key, Desired(1, 0), one))
    before = node.ids(key)
    run_docker(*by_hand, f"{key.name}-web-1")
    seen = node.until(key, lambda o: o.attempts > 0 and not o.drift and o.step.startswith("1 of 1"), timeout_s=20)
    assert (seen.phase, seen.revision, [s.state for s in seen.services]) == ("done", 1, ["running"])
    kept = what in ("stopped", "paused")
    assert (node.ids(key) == before) is kept
    assert [(c.memory, c.restart) for c in node.engine.containers(key.name)] == [(67108864, "no")]


def test_a_cut_network_is_drift(node: Rig, key: AppKey, test_image: str):
    """The event names no project: the agent knows whose container it was."""
    node.rest(key, node.want(key, Desired(1, 0), revision(key, 1, {"web": service(test_image)})))
    run_docker("network", "disconnect", f"{key.name}_default", f"{key.name}-web-1")
    seen = node.until(key, lambda o: bool(o.drift), timeout_s=2.0)
    assert [(d.what, d.before, d.after) for d in seen.drift] == [("networks", f"{key.name}_default", "none")]
