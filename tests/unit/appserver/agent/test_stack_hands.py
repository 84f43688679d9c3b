"""How a plan is carried out on a stack: what Swarm is told, how long it is waited for, and what is not touched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any, cast

import pytest

from appserver.agent import stack_hands
from appserver.agent.stack_hands import StackHands, StackLooks
from appserver.agent.stack_project import StackProjects
from appserver.core.entities import AppKey, Desired
from appserver.core.plan import Step
from appserver.core.reconcile import ReconcilePlan, plan
from appserver.core.swarm_progress import Progress
from appserver.errors import ComposeError, EngineError
from appserver.ports import Compose, Engine, Stacks
from tests.lab.records import container, revision

KEY = AppKey("harbour", "shop")
WANTED = revision(KEY, 1, {"web": {"image": "img"}, "db": {"image": "img"}})
DEPLOY = ReconcilePlan((), up=("web",))
THROUGH = Progress("completed", "", 0, 2)
AT_IT = Progress("updating", "", 1, 2)
OUTRUN = "docker stack: failed to update service shop_web: rpc error: code = Unknown desc = update out of sequence"


class Swarm:
    """`ports.Stacks` that keeps what it is told. `looks` are what is seen one after the other, the last for ever."""

    def __init__(self, *looks: Mapping[str, Progress] | EngineError, owners: Collection[str] = (str(KEY),)) -> None:
        self.looks = list(looks)
        self.told: list[str] = []
        self.refuses: list[str] = []
        self.in_use = False
        self.stays = 0
        self._owners = owners

    def owners(self, _: str) -> Collection[str]:
        return self._owners

    def progress(self, _: str) -> Mapping[str, Progress]:
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0] if self.looks else {}
        if isinstance(look, EngineError):
            raise look
        return look

    def deploy(self, project: str, text: str, *_: Any) -> Iterator[str]:
        self.told.append(f"deploy {project} {text}")
        yield "Updating service"
        if self.refuses:
            raise ComposeError(self.refuses.pop(0))

    def restart(self, _: str, services: Collection[str], __: Event) -> None:
        self.told.append(f"restart {' '.join(sorted(services))}")

    def stop(self, *_: Any) -> None:
        self.told.append("stop")

    def remove(self, *_: Any) -> None:
        self.told.append("remove")

    def is_there(self, _: str) -> bool:
        self.stays -= 1
        return self.stays >= 0

    def tidy(self, _: str, kept: Collection[str]) -> None:
        if self.in_use:
            raise EngineError("remove what a stack mounts no more: config 'a' is in use")
        self.told.append(f"tidy {' '.join(kept)}")


class Texts:
    """`StackProjects` with one text."""

    @contextmanager
    def stack(self, *_: Any) -> Iterator[tuple[str, Collection[str]]]:
        yield "text", ("motd-1",)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_hands, "_LOOK_S", 0.001)


def carried_out(
    swarm: Swarm, plan: ReconcilePlan = DEPLOY, over: Event | None = None, limit_s: float = 5.0
) -> list[str]:
    return list(hands(swarm).carry_out(KEY, WANTED, {}, plan, over or Event(), limit_s))


def hands(swarm: Swarm) -> StackHands:
    nobody = cast(Any, None)
    return StackHands(cast(Engine, nobody), cast(Compose, nobody), cast(Stacks, swarm), cast(StackProjects, Texts()))


def test_swarm_is_told_and_waited_for() -> None:
    """Until no task of what was before is left; then what no service mounts any more goes."""
    swarm = Swarm({"web": AT_IT}, {"web": Progress("completed", "", 1, 2)}, {"web": THROUGH})
    assert carried_out(swarm) == ["Updating service", *["web: 1 of 2 updated"] * 2]
    assert swarm.told == ["deploy shop text", "tidy motd-1"]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("paused", "web: its update was paused: two failed"),
        ("rollback_completed", "web: Swarm put back what was before: two failed"),
        ("rollback_started", "web: Swarm puts back what was before: two failed"),
        ("rollback_paused", "web: Swarm puts back what was before: two failed"),
    ],
)
def test_an_update_that_swarm_gave_up_has_failed(state: str, why: str) -> None:
    """Whatever the tasks look like; nothing is tidied: what was before is needed."""
    swarm = Swarm({"web": Progress(state, "two failed", 0, 2)})
    with pytest.raises(ComposeError, match=f"^{why}$"):
        carried_out(swarm)
    assert swarm.told == ["deploy shop text"]


def test_what_became_of_another_service_long_ago_is_not_held_against_this_one() -> None:
    """Somebody rolled `db` back by hand, days ago; `web` is restarted."""
    swarm = Swarm({"web": THROUGH, "db": Progress("rollback_completed", "", 0, 1)})
    assert carried_out(swarm, ReconcilePlan((), restart=("web",))) == ["starting anew"]
    assert swarm.told == ["restart web"]


def test_it_is_not_waited_for_ever() -> None:
    with pytest.raises(ComposeError, match=r"^Swarm is not through in time: web: 1 of 2 updated$"):
        carried_out(Swarm({"web": AT_IT}), limit_s=0.01)


def test_who_is_told_to_end_ends() -> None:
    over = Event()
    over.set()
    with pytest.raises(ComposeError, match="stopped before Swarm was through"):
        carried_out(Swarm({"web": AT_IT}), over=over)


def test_a_swarm_without_a_leader_is_waited_for() -> None:
    """It has been told already; a new leader goes on with it."""
    swarm = Swarm(EngineError("no leader"), {"web": THROUGH})
    assert carried_out(swarm) == ["Updating service", "waiting for the Swarm: no leader"]


def test_who_was_outrun_by_swarm_says_it_again() -> None:
    """In mid-update Swarm writes to the service itself, and refuses what was decided on what it was before."""
    swarm = Swarm({"web": THROUGH})
    swarm.refuses = [OUTRUN, OUTRUN]
    assert "Swarm was changing a service itself; once more" in carried_out(swarm)
    assert swarm.told == [*["deploy shop text"] * 3, "tidy motd-1"]


@pytest.mark.parametrize(("why", "times"), [("no such network", 1), (OUTRUN, 5)])
def test_another_refusal_is_a_failure(why: str, times: int) -> None:
    swarm = Swarm({"web": THROUGH})
    swarm.refuses = [why] * 9
    with pytest.raises(ComposeError, match=why):
        carried_out(swarm)
    assert len(swarm.told) == times


def test_what_cannot_be_tidied_fails_nothing() -> None:
    """Somebody's own service mounts an old config: the deployment is through all the same."""
    swarm = Swarm({"web": THROUGH})
    swarm.in_use = True
    assert "in use" in carried_out(swarm)[-1]


def test_what_swarm_has_given_up_is_started_anew() -> None:
    """Its definition is the same as ever, so Swarm would see nothing to do."""
    ended = ReconcilePlan((Step("start", "web", "exited with code 3"), Step("create", "db", "")), up=("db", "web"))
    swarm = Swarm({"web": THROUGH})
    carried_out(swarm, ended)
    assert swarm.told == ["deploy shop text", "tidy motd-1", "restart web"]


def test_what_swarm_has_not_looked_at_yet_is_waited_for() -> None:
    """It answers first: what ends at once again was taken for done, and nobody was told why."""
    fails = Progress("paused", "it ended", 0, 0)
    swarm = Swarm({"web": Progress("", "", 0, 0, begun=False)}, {"web": fails})
    with pytest.raises(ComposeError, match=r"^web: its update was paused: it ended$"):
        carried_out(swarm, ReconcilePlan((), restart=("web",)))


def test_what_was_changed_by_hand_is_replaced_once() -> None:
    """Told its definition, Swarm replaces the tasks: forced as well, they would be replaced twice."""
    swarm = Swarm({"web": THROUGH})
    carried_out(swarm, ReconcilePlan((), force=("web",)))
    assert swarm.told == ["deploy shop text", "tidy motd-1"]


def test_what_an_agent_before_this_one_began_is_seen_through() -> None:
    """Nothing is left to say, yet Swarm is at it. An old failure of a service that nobody changed is none of ours."""
    swarm = Swarm({"web": Progress("updating", "", 0, 2)}, {"web": THROUGH, "db": Progress("paused", "", 1, 1)})
    assert carried_out(swarm, ReconcilePlan(())) == ["web: 2 of 2 updated"]
    assert swarm.told == []


def test_a_stack_that_is_somebodys_is_not_touched() -> None:
    """It may run nothing at all just now: its services are there, and would be pruned."""
    for owners, why in (({""}, "that is not Moorage's"), ({"other.shop"}, "is other.shop's")):
        swarm = Swarm({}, owners=owners)
        for wish in (DEPLOY, ReconcilePlan((), "stop"), ReconcilePlan((), restart=("web",))):
            with pytest.raises(ComposeError, match=why):
                carried_out(swarm, wish)
        hands(swarm).take_down(KEY, WANTED, Event())
        assert swarm.told == []


def test_what_somebody_added_to_a_stack_of_ours_is_drift() -> None:
    swarm = Swarm({"web": THROUGH}, owners={"", str(KEY)})
    carried_out(swarm)
    assert swarm.told == ["deploy shop text", "tidy motd-1"]


def test_stopped_is_without_services() -> None:
    """Networks, configs and volumes stay."""
    swarm = Swarm()
    carried_out(swarm, ReconcilePlan((), "stop"))
    assert swarm.told == ["stop"]


def test_removed_is_gone_before_it_is_said() -> None:
    """Swarm removes networks after it has answered: the same name could not be made anew until then."""
    swarm = Swarm()
    swarm.stays = 3
    assert carried_out(swarm, ReconcilePlan((), "down")) == ["removing the stack"]
    assert (swarm.told, swarm.stays) == (["remove"], -1)


def test_what_does_not_go_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_hands, "_REMOVE_S", 0.01)
    swarm = Swarm()
    swarm.stays = 1_000_000
    with pytest.raises(ComposeError, match=r"^the stack shop is not gone after 0\.01 s$"):
        carried_out(swarm, ReconcilePlan((), "down"))
    over = Event()
    over.set()
    with pytest.raises(ComposeError, match="stopped before the stack was gone"):
        carried_out(swarm, ReconcilePlan((), "down"), over)


def test_what_ended_well_is_not_run_again_by_who_takes_over() -> None:
    """Another manager's agent has said nothing of it yet; it must not run a migration a second time."""
    once = revision(KEY, 1, {"web": {"image": "img", "restart": "no"}})
    found = (container(once, "web", state="exited", restart="no", exit_code=0),)

    class Seen(Swarm):
        def containers(self, _: str) -> Any:
            return found

    looks = StackLooks(cast(Any, None), cast(Stacks, Seen()))
    assert looks.containers("shop") == found
    assert plan(Desired(1, 0, stack=True), once, found, None, looks.ended()).is_empty
    found = (container(once, "web", state="exited", restart="no", exit_code=3),)
    looks.containers("shop")
    assert plan(Desired(1, 0, stack=True), once, found, None, looks.ended()).up == ("web",)
