"""What is there against what a revision says: steps with their cause, and drift."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appserver.core.containers import ContainerState, ImageFacts
from appserver.core.entities import AppKey, Desired, Observed, Revision, ServiceObserved
from appserver.core.reconcile import ReconcilePlan, drift, plan, strangers
from tests.lab.records import AT, container, revision

KEY = AppKey("default", "shop")
RUN = Desired(revision=1, previous=0)
TWO = revision(KEY, 1, {"web": {"image": "img"}, "db": {"image": "img"}})


def both(of: Revision = TWO, **web: Any) -> tuple[ContainerState, ...]:
    return (container(of, "db"), container(of, "web", **web))


def said(**fields: Any) -> Observed:
    return Observed(**{"acted_on": 5, "revision": 1, "phase": "done", "at": AT, **fields})


def of_web(**web: Any) -> ReconcilePlan:
    return plan(RUN, TWO, both(**web))


def test_nothing_to_do_is_an_empty_plan():
    """Containers that run what the revision says need no step, and so no compose process."""
    found = plan(RUN, TWO, both())
    assert found.is_empty
    assert str(found) == ""


def test_a_service_without_a_container_is_created():
    """The cause says how many there are of how many."""
    found = plan(RUN, TWO, (container(TWO, "db"),))
    assert (str(found), found.up) == ("web: create — 0 of 1 containers\n", ("web",))


def test_changed_memory_recreates_only_that_service():
    """A service whose configuration changed is recreated; its neighbours are left alone."""
    after = revision(KEY, 2, {"web": {"image": "img", "mem_limit": "67108864"}, "db": {"image": "img"}})
    found = plan(RUN, after, both())
    assert (str(found), found.up, found.force) == ("web: recreate — configuration changed\n", ("web",), ())


def test_a_service_that_is_gone_is_removed_by_its_containers():
    """What the project does not name any more goes, without Compose."""
    after = revision(KEY, 2, {"db": {"image": "img"}})
    found = plan(RUN, after, (container(TWO, "db"), container(TWO, "web")))
    assert (str(found), found.remove, found.up) == ("web: remove — no longer in the project\n", ("web-1-id",), ())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"state": "exited", "exit_code": 3}, "web: start — exited with code 3\n"),
        ({"state": "exited", "exit_code": 0, "restart": "always"}, "web: start — exited with code 0\n"),
        ({"state": "created"}, "web: start — created\n"),
        ({"state": "dead"}, "web: start — dead\n"),
    ],
)
def test_a_container_that_does_not_run_is_started(fields: dict[str, Any], told: str):
    """Whatever the reason that it does not."""
    assert str(of_web(**fields)) == told


def test_a_paused_container_is_resumed_not_made_anew():
    """Compose's `up` would leave it paused."""
    found = of_web(state="paused")
    assert (found.resume, found.up, str(found)) == (("web",), (), "web: start — was paused\n")


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"memory": 1 << 20}, "memory"),
        ({"cpus": 0.5}, "cpus"),
        ({"restart": "always"}, "restart"),
        ({"networks": ()}, "networks"),
        ({"networks": ("shop_default", "other")}, "networks"),
    ],
)
def test_what_was_changed_by_hand_is_recreated_by_force(fields: dict[str, Any], what: str):
    """Compose compares definitions and would see nothing to do."""
    found = of_web(**fields)
    assert (found.force, found.up) == (("web",), ())
    assert [d.what for d in drift(RUN, TWO, both(**fields))] == [what]


def test_a_limit_the_engine_could_not_set_is_no_drift():
    """A kernel without memory control would otherwise recreate containers for ever."""
    limited = revision(KEY, 1, {"web": {"image": "img", "mem_limit": "67108864", "cpus": 0.5}})
    assert drift(RUN, limited, (container(limited, "web", memory=0, cpus=0.0),)) == ()


def test_limits_and_policy_may_stand_below_deploy():
    """`deploy.resources` and `deploy.restart_policy` are read as Compose reads them."""
    deploy = {
        "resources": {"limits": {"memory": "67108864", "cpus": "0.5"}},
        "restart_policy": {"condition": "on-failure", "max_attempts": 3},
    }
    said_so = revision(KEY, 1, {"web": {"image": "img", "deploy": deploy}})
    as_made = container(said_so, "web", memory=67108864, cpus=0.5, restart="on-failure:3")
    assert drift(RUN, said_so, (as_made,)) == ()


def test_an_image_of_the_same_name_that_is_another_is_drift():
    """An image without a registry digest is known by its id."""
    facts = {"web": ImageFacts("img", "sha256:aaa", "sha256:aaa")}
    pinned = revision(KEY, 1, {"web": {"image": "sha256:aaa"}}, images=facts)
    found = plan(RUN, pinned, (container(pinned, "web", image_id="sha256:bbb"),))
    assert (str(found), found.force) == ("web: recreate — image changed\n", ("web",))


def test_replicas_are_counted():
    """Too few are created, too many taken away, both by Compose."""
    three = revision(KEY, 1, {"web": {"image": "img", "scale": 3}})
    few = plan(RUN, three, (container(three, "web"),))
    assert (str(few), few.up) == ("web: create — 1 of 3 containers\n", ("web",))
    many = plan(RUN, three, tuple(container(three, "web", number=n) for n in range(1, 5)))
    assert (str(many), many.up) == ("web: remove — 4 containers, 3 wanted\n", ("web",))


def test_what_another_number_of_copies_leaves_is_not_made_anew():
    """The container that stays is of the same definition, so its service is neither recreated nor forced."""
    one = revision(KEY, 1, {"web": {"image": "img"}})
    two = revision(KEY, 2, {"web": {"image": "img", "scale": 2}})
    assert str(plan(RUN, two, (container(one, "web"),))) == "web: create — 1 of 2 containers\n"
    down = plan(RUN, one, tuple(container(two, "web", number=n) for n in (1, 2)))
    assert (str(down), down.force, down.keep) == ("web: remove — 2 containers, 1 wanted\n", (), ("web",))


def test_what_an_interrupted_recreate_left_behind_goes_first():
    """Compose would stumble over a container that holds a name for the time being."""
    left = container(TWO, "web", name="0123456789ab_shop-web-1", id="left", state="created", number=2)
    found = plan(RUN, TWO, (*both(), left))
    assert (found.remove, found.up) == (("left",), ())
    assert str(found) == "web: remove — left behind by an interrupted recreate\n"


def test_a_service_that_ended_well_by_itself_stays_ended():
    """A job with code 0 and no restart policy is through; nobody stopped it."""
    ended = both(state="exited", exit_code=0)
    assert plan(RUN, TWO, ended, said(), ended=("web-1-id",)).is_empty
    known = said(services=(ServiceObserved("web", "finished"),))
    assert plan(RUN, TWO, ended, known).is_empty


def test_a_service_that_was_stopped_is_drift_though_it_ended_well():
    """Only the engine's events tell a stop from an end; without one, a stop is assumed."""
    assert [d.what for d in drift(RUN, TWO, both(state="exited", exit_code=0), said())] == ["stopped"]


def test_after_the_application_was_stopped_everything_is_started():
    """What had ended well before belongs to it again."""
    known = said(phase="stopped", services=(ServiceObserved("web", "finished"),))
    assert plan(RUN, TWO, both(state="exited", exit_code=0), known).up == ("web",)


def test_a_restart_is_done_once():
    """It counts: one that was asked for and done is not done again."""
    asked = replace(RUN, restart=2, restart_services=("web",))
    assert plan(asked, TWO, both(), said(restart=1)).restart == ("web",)
    assert plan(asked, TWO, both(), said(restart=2)).is_empty


def test_a_restart_of_all_leaves_out_what_is_made_anew_anyway():
    """A new container needs no restart."""
    found = plan(replace(RUN, restart=1), TWO, (container(TWO, "db"),), said())
    assert (found.restart, found.up) == (("db",), ("web",))


@pytest.mark.parametrize(("volumes", "verb"), [(False, "down"), (True, "down-volumes")])
def test_a_removed_application_is_taken_down(volumes: bool, verb: str):
    """Volumes stay unless it was said."""
    found = plan(Desired(1, 0, "removed", remove_volumes=volumes), TWO, both())
    assert (found.verb, [step.action for step in found.steps]) == (verb, ["remove", "remove"])


def test_a_stopped_application_is_stopped_once():
    """Containers that do not run need no stop."""
    stopped = Desired(1, 0, "stopped")
    assert plan(stopped, TWO, both()).verb == "stop"
    halted = tuple(replace(c, state="exited", exit_code=143) for c in both())
    assert plan(stopped, TWO, halted).is_empty
    assert [d.service for d in drift(stopped, TWO, both(state="exited"))] == ["db"]


def test_adopted_containers_count_as_what_they_were_taken_for():
    """They carry no label of ours, and are not touched until their service changes."""
    plain = tuple(replace(c, labels={}) for c in both())
    known = said(adopted={"web-1-id": TWO.hashes["web"], "db-1-id": TWO.hashes["db"]})
    assert plan(RUN, TWO, plain, known).is_empty
    changed = revision(KEY, 2, {"web": {"image": "img", "mem_limit": "67108864"}, "db": {"image": "img"}})
    assert plan(RUN, changed, plain, known).up == ("web",)


def test_what_layers_add_to_an_adopted_service_is_no_drift():
    """Its containers are as its files say; labels and git apply to it when it is recreated for another reason."""
    base = {"name": "shop", "services": {"web": {"image": "img"}}}
    layered = revision(KEY, 1, {"web": {"image": "img", "restart": "unless-stopped"}}, base=base)
    plain = container(layered, "web", labels={})
    known = said(adopted={"web-1-id": layered.hashes["web"]})
    assert drift(RUN, layered, (plain,), known) == ()
    by_hand = replace(plain, restart="always")
    (found,) = drift(RUN, layered, (by_hand,), known)
    assert (found.what, found.before, found.after) == ("restart", "no", "always")


def test_a_container_of_the_project_that_is_nobodys_service_is_extra():
    """Somebody added it by hand."""
    by_hand = container(TWO, "probe", labels={})
    assert [(d.service, d.what) for d in drift(RUN, TWO, (*both(), by_hand))] == [("probe", "extra")]


def test_a_project_that_was_there_first_is_not_ours():
    """Its name is refused rather than its containers replaced."""
    theirs = tuple(replace(c, labels={}) for c in both())
    assert "is not Moorage's" in strangers(KEY, theirs, None)
    assert strangers(KEY, theirs, said(revision=1)) == ""
    other = tuple(replace(c, labels={"moorage.application": "lab.shop"}) for c in both())
    assert strangers(KEY, other, None) == "the compose project shop on this node is lab.shop's"
    assert strangers(KEY, both(), None) == ""
    assert strangers(KEY, (), None) == ""
