"""What Swarm says of a stack's services and tasks, as the core is told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from appserver.adapters.stack_places import last_failed
from appserver.adapters.stack_state import containers, member, owners, progress, unused
from appserver.core.containers import ContainerState
from appserver.core.swarm_nodes import Member
from appserver.core.swarm_progress import Progress

Json = dict[str, Any]

ABOUT: Json = {
    "Image": "img",
    "Args": ["one"],
    "Labels": {"moorage.hash": "h1", "moorage.application": "c.shop"},
}


def about(**more: Any) -> Json:
    return {**ABOUT, **more}


def service(mode: Json | None = None, about: Json | None = None, **more: Any) -> Json:
    template = {
        "ContainerSpec": about or ABOUT,
        "RestartPolicy": {"Condition": "on-failure", "MaxAttempts": 2},
        "ForceUpdate": 0,
        "Networks": [{"Target": "net1"}],
        **more.pop("template", {}),
    }
    spec = {"Name": "shop_web", "TaskTemplate": template, "Mode": mode or {"Replicated": {"Replicas": 2}}}
    return {"ID": "s1", "Spec": spec, **more}


def task(
    ident: str,
    slot: int | None = 1,
    wanted: str = "running",
    state: str = "running",
    about: Json = ABOUT,
    force: int = 0,
    **more: Any,
) -> Json:
    """Made at second `at` of the hour."""
    at = f"2026-11-21T23:00:{more.pop('at', 0):02}.5Z"
    told = {
        "ID": ident,
        "ServiceID": "s1",
        "NodeID": "node1",
        "CreatedAt": at,
        "DesiredState": wanted,
        "Spec": {"ContainerSpec": about, "ForceUpdate": force, **more.pop("spec", {})},
        "Status": {"State": state, "Timestamp": at, **more.pop("status", {})},
        **more,
    }  # fmt: skip
    return told if slot is None else {**told, "Slot": slot}


def node(ident: str = "node1", availability: str = "active", state: str = "ready", **labels: str) -> Json:
    return {
        "ID": ident,
        "Spec": {"Availability": availability, "Labels": labels},
        "Description": {"Hostname": f"host-of-{ident}"},
        "Status": {"State": state},
    }


def seen(of: Json, tasks: Sequence[Json], nodes: Sequence[Json] = ()) -> tuple[ContainerState, ...]:
    return containers("shop", [of], tasks, nodes or [node()])


def ids(of: Json, tasks: Sequence[Json], nodes: Sequence[Json] = ()) -> list[str]:
    return [one.name.rpartition(".")[2] for one in seen(of, tasks, nodes)]


def far(of: Json, *tasks: Json, nodes: Sequence[Json] = ()) -> Progress:
    return progress("shop", [of], tasks, nodes)["web"]


NEW = about(Args=["two"], Labels={"moorage.hash": "h2"})


def test_a_task_is_a_container() -> None:
    """Its name ends with its own id, and it is on the node as that is on record."""
    resources = {"Resources": {"Limits": {"MemoryBytes": 1 << 20, "NanoCPUs": 500_000_000}}}
    networks = [
        {"Network": {"Spec": {"Name": "shop_default"}}},
        {"Network": {"Spec": {"Name": "ingress", "Ingress": True}}},
    ]
    told = task("t1", 2, spec=resources, status={"ContainerStatus": {"ContainerID": "c1"}})
    [one] = seen(service(), [{**told, "NetworksAttachments": networks}], [node(**{"moorage.node": "n1"})])
    assert (one.id, one.name, one.project, one.service) == ("c1", "shop_web.2.t1", "shop", "web")
    assert (one.state, one.health, one.restart_count, one.node) == ("running", "none", 0, "n1")
    assert (one.memory, one.cpus, one.networks) == (1 << 20, 0.5, ("shop_default",))
    assert (one.restart, one.labels["moorage.hash"]) == ("on-failure:2", "h1")
    assert one.started_at is not None


def test_a_node_that_no_agent_has_named_is_its_host() -> None:
    assert seen(service(), [task("t1")])[0].node == "host-of-node1"


@pytest.mark.parametrize(
    ("condition", "word"), [("any", "always"), ("none", "no"), ("on-failure", "on-failure"), (None, "always")]
)
def test_restarts_in_an_engines_words(condition: str | None, word: str) -> None:
    policy = {"Condition": condition} if condition else {}
    assert seen(service(template={"RestartPolicy": policy}), [task("t1")])[0].restart == word


def test_with_a_healthcheck_running_is_healthy() -> None:
    """Swarm calls a task running when its probe has passed, and ends it when that fails."""
    probed = about(Healthcheck={"Test": ["CMD", "true"]})
    assert seen(service(), [task("t1", about=probed)])[0].health == "healthy"
    assert seen(service(), [task("t1", about=probed, state="starting")])[0].health == "none"
    off = about(Healthcheck={"Test": ["NONE"]})
    assert seen(service(), [task("t1", about=off)])[0].health == "none"


def test_in_a_rolling_update_old_and_new_are_there() -> None:
    """Start-first: both are wanted. What is on its way out is not; what came before it is history."""
    tasks = [
        task("gone", 1, "shutdown", "shutdown", at=1),
        task("old", 1, at=2),
        task("new", 1, state="starting", at=3, about=NEW),
        task("stops", 2, "shutdown", "running", at=2),
        task("fresh", 2, at=3, about=NEW),
    ]
    assert ids(service(about=NEW), tasks) == ["new", "old", "fresh"]
    assert far(service(about=NEW, UpdateStatus={"State": "updating"}), *tasks) == Progress("updating", "", 1, 3)


def test_a_task_that_was_started_anew_is_old_until_it_is() -> None:
    """`--force` changes nothing but a number."""
    forced = service(template={"ForceUpdate": 1})
    assert far(forced, task("a"), task("b", 2, force=1)) == Progress("", "", 1, 2)


def test_what_swarm_has_answered_and_not_looked_at_is_not_begun() -> None:
    """All has ended that ran before, so nothing old is left, and Swarm says nothing yet of the service."""
    ended = task("a", wanted="shutdown", state="failed")
    forced = service(template={"ForceUpdate": 1})
    assert far(forced, ended) == Progress("", "", 0, 0, begun=False)
    assert far(forced, ended, task("b", wanted="shutdown", state="failed", force=1)).begun
    assert far(service(), ended).begun
    assert far(service({"Replicated": {"Replicas": 0}}, template={"ForceUpdate": 1}), ended).begun
    assert far(service({"Global": {}}, template={"ForceUpdate": 1}), {**ended, "Slot": 0}).begun
    assert far(forced).begun


def test_another_restart_policy_replaces_no_task() -> None:
    """So nothing is waited for that never comes."""
    assert far(service(template={"RestartPolicy": {"Condition": "any"}}), task("a")).old == 0


def test_what_is_on_a_paused_node_is_not_waited_for() -> None:
    """Of a service on every node, Swarm updates it when the node is active again. Others move away from there."""
    everywhere = service({"Global": {}}, about=NEW)
    old, new = task("a", None), task("b", None, NodeID="node2", about=NEW)
    nodes = [node(availability="pause"), node("node2")]
    assert far(everywhere, old, new, nodes=nodes).old == 0
    assert far(everywhere, old, new, nodes=[node(), node("node2")]).old == 1
    assert far(service(about=NEW), task("a"), nodes=nodes).old == 1


def test_a_pause_says_why() -> None:
    status = {"State": "paused", "Message": "update paused due to failure or early termination of task t1"}
    assert far(service(UpdateStatus=status)).message == status["Message"]


def failed(ident: str, at: int, code: int = 3, **more: Any) -> Json:
    status = {"Err": f"task: non-zero exit ({code})", "ContainerStatus": {"ExitCode": code}}
    return task(ident, wanted="shutdown", state="failed", at=at, status=status, **more)


def test_failures_of_its_place_are_its_restarts() -> None:
    """With the words of the last, and its code; those of another definition are not counted."""
    tasks = [
        failed("a", 1, about=NEW),
        failed("b", 2),
        failed("c", 3, 4),
        task("d", wanted="ready", state="ready", at=4),
    ]
    [one] = seen(service(), tasks)
    assert (one.name, one.restart_count, one.exit_code) == ("shop_web.1.d", 2, 4)
    assert (one.state, one.error) == ("ready", "task: non-zero exit (4)")


def test_what_failed_before_it_was_brought_about_anew_is_past() -> None:
    """A restart, or the revision before put back, begins to count at nothing."""
    tasks = [failed("a", 1), failed("b", 2), failed("c", 3), task("d", at=10)]
    assert seen(service(), tasks)[0].restart_count == 3
    anew = service(UpdateStatus={"State": "completed", "StartedAt": "2026-11-21T23:00:09Z"})
    assert (seen(anew, tasks)[0].restart_count, seen(anew, tasks)[0].error) == (0, "")
    assert seen(anew, [*tasks[:3], failed("e", 10), task("f", at=11)])[0].restart_count == 1


def test_times_are_compared_as_times() -> None:
    """Swarm leaves zeros at the end away: as texts, half a second is after six tenths."""
    early, late = failed("a", 1, 3), failed("b", 1, 4)
    early["CreatedAt"], late["CreatedAt"] = "2026-11-21T23:00:01Z", "2026-11-21T23:00:01.6Z"
    assert seen(service(), [late, early])[0].exit_code == 4


def test_what_gave_up_is_still_told() -> None:
    """No task is wanted there any more; the last one says why."""
    [one] = seen(service(), [failed("a", 1), failed("b", 2)])
    assert (one.name, one.state, one.exit_code, one.restart_count) == ("shop_web.1.b", "exited", 3, 2)


def test_an_image_that_no_node_has() -> None:
    """Rejected by one node after the other."""
    words = {"Err": "No such image: nowhere:1"}
    tasks = [task(f"r{at}", 1, "shutdown", "rejected", at=at, status=words) for at in range(3)]
    [one] = seen(service(), [*tasks, task("p", 1, "running", "preparing", at=4)])
    assert (one.state, one.restart_count, one.error) == ("preparing", 3, words["Err"])


def test_pending_without_a_node() -> None:
    """The scheduler says what is missing."""
    told = task("p", state="pending", status={"Err": "no suitable node (insufficient resources on 3 nodes)"})
    del told["NodeID"]
    [one] = seen(service(), [told])
    assert (one.state, one.node, one.id) == ("pending", "", "p")
    assert one.error.startswith("no suitable node")


def test_of_a_service_that_was_scaled_down_the_rest_is_history() -> None:
    """Its last places ended badly once; they are no containers of one copy."""
    one = service({"Replicated": {"Replicas": 1}})
    two = {**failed("b", 2), "Slot": 2}
    assert ids(one, [task("a"), two]) == ["a"]
    assert ids(service(), [task("a"), two]) == ["a", "b"]
    assert ids(service({"Replicated": {"Replicas": 0}}), [two]) == []


def test_on_every_node_a_place_is_a_node() -> None:
    """Not one that is drained or down, whatever happened there."""
    everywhere = service({"Global": {}})
    tasks = [
        task("a", None),
        {**failed("b", 1, NodeID="node2"), "Slot": 0},
        {**failed("c", 1, NodeID="node3"), "Slot": 0},
    ]
    nodes = [node(), node("node2"), node("node3", "drain")]
    assert ids(everywhere, tasks, nodes) == ["a", "b"]
    assert ids(everywhere, tasks, [node(), node("node2", state="down"), node("node3")]) == ["a", "c"]
    assert seen(everywhere, tasks, nodes)[0].name == "shop_web.node1.a"


@pytest.mark.parametrize("mode", [{"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 2}}, {"GlobalJob": {}}])
def test_of_a_job_the_last_run_counts(mode: Json) -> None:
    """Swarm keeps what the runs before made; the first place has no number."""
    job = service(mode, JobStatus={"JobIteration": {"Index": 1}})

    def run(ident: str, where: int, index: Mapping[str, int]) -> Json:
        told = task(ident, where or None, "complete", "complete", NodeID=f"node{where}")
        return {**told, "JobIteration": index}

    tasks = [
        run(f"{name}{where}", where, index) for name, index in (("a", {}), ("b", {"Index": 1})) for where in (0, 1)
    ]
    found = seen(job, tasks, [node("node0"), node("node1")])
    assert [(one.name.rpartition(".")[2], one.state, one.exit_code) for one in found] == [
        ("b0", "exited", 0),
        ("b1", "exited", 0),
    ]


def test_a_first_run_of_a_job_has_no_number() -> None:
    job = service({"ReplicatedJob": {"TotalCompletions": 1}}, JobStatus={"JobIteration": {}})
    assert ids(job, [{**task("a", None, "complete", "complete"), "JobIteration": {}}]) == ["a"]


def changed_by(**more: Any) -> bool:
    """Whether the digest of a service's definition is another with these."""
    before, after = (seen(one, [task("a")])[0].config_hash for one in (service(), service(**more)))
    return before != after


def test_what_was_changed_by_hand_changes_the_digest() -> None:
    """Of the whole service, but for what Swarm itself changes: ids, numbers of copies and restarts."""
    assert changed_by(about=about(Env=["BY=hand"]))
    assert changed_by(template={"RestartPolicy": {"Condition": "any"}})
    assert changed_by(mode={"Global": {}})
    assert not changed_by(mode={"Replicated": {"Replicas": 5}})
    assert not changed_by(template={"ForceUpdate": 7})
    assert not changed_by(template={"Networks": [{"Target": "net2"}]})
    assert not changed_by(UpdateStatus={"State": "completed"})
    mounted = [about(Configs=[{"ConfigID": f"{n}", "ConfigName": "motd-1"}]) for n in range(2)]
    first, second = (seen(service(about=one), [task("a")])[0].config_hash for one in mounted)
    assert first == second
    other = about(Configs=[{"ConfigID": "0", "ConfigName": "motd-2"}])
    assert seen(service(about=other), [task("a")])[0].config_hash != first


def test_who_leads() -> None:
    told = node(rack="a")
    assert member(told) == Member("node1", {"rack": "a"}, "active")
    assert member({**told, "ManagerStatus": {"Leader": True}}).leader
    bare = {"ID": "x", "Spec": {}, "ManagerStatus": None}
    assert member(bare) == Member("x", {}, "active", ready=False)
    manages = {**told, "Spec": {**told["Spec"], "Role": "manager"}, "ManagerStatus": {"Reachability": "reachable"}}
    assert (member(manages).manager, member(manages).reachable, member(manages).ready) == (True, True, True)


def test_what_no_service_mounts() -> None:
    found = [{"ID": "1", "Spec": {"Name": "a"}}, {"ID": "2", "Spec": {"Name": "b"}}]
    assert unused({"a"}, found) == ("2",)


def test_whose_services_those_are() -> None:
    """Also where they have no task."""
    assert owners([service(), service(about={"Image": "img"}), {**service(), "Spec": {"TaskTemplate": {}}}]) == {
        "",
        "c.shop",
    }


def test_the_last_words_are_of_the_same_place_and_definition() -> None:
    """Not of the tenth copy for the first, nor of what failed a revision ago."""
    tasks = [
        failed("mine", 1),
        failed("earlier", 0),
        failed("other", 2, about=NEW),
        {**failed("tenth", 3), "Slot": 10},
        task("now", at=4),
    ]
    [now] = [one for one in seen(service(), tasks) if one.name.endswith("now")]
    assert (last_failed(tasks, now) or {})["ID"] == "mine"
    assert last_failed(tasks[2:], now) is None
    everywhere = service({"Global": {}})
    lost = {**failed("lost", 1), "Slot": 0}
    assert (last_failed([lost], seen(everywhere, [lost])[0]) or {})["ID"] == "lost"


def test_what_never_ran_did_not_end_well() -> None:
    """A batch service whose image is nowhere is not finished."""
    once = service(template={"RestartPolicy": {"Condition": "none"}})
    [one] = seen(once, [task("r", 1, "shutdown", "rejected", status={"Err": "No such image: nowhere:1"})])
    assert (one.state, one.exit_code, one.restart, one.error) == ("exited", 1, "no", "No such image: nowhere:1")
