"""Bringing about one desired record: act, wait until it is up, or put the previous revision back."""

from __future__ import annotations

import logging
from dataclasses import replace

from appserver.agent.gate import Gate, Parts
from appserver.agent.lanes import Turn
from appserver.agent.overlap import Overlap
from appserver.agent.saying import Saying, told
from appserver.agent.wishes import Wish
from appserver.core import reconcile
from appserver.core.adopt import adopt
from appserver.core.beside import beside, without
from appserver.core.containers import ContainerState
from appserver.core.entities import AppKey, Cause, Desired, Drift, Observed, Phase, Revision
from appserver.core.reconcile import ReconcilePlan
from appserver.errors import NotFound, SealError

log = logging.getLogger(__name__)

_HANDED_ON_S = 10.0
_BEGUN = ("acting", "settling", "backoff")


class Change:
    """One desired record of one application, from the first step to rest. Made for one turn, then thrown away."""

    def __init__(
        self, parts: Parts, key: AppKey, wish: Wish, last: Observed | None, saying: Saying, turn: Turn
    ) -> None:
        self._parts = parts
        self._key = key
        self._wish = wish
        self._last = last
        self._saying = saying
        self._gate = Gate(parts, key, saying, turn)

    def __call__(self) -> None:
        """
        Raises:
            Superseded: it came to no end.
            EngineError: the engine is away; to be begun again.
            StoreError: the revision cannot be read now.
        """
        try:
            self._act_on(self._wish.desired)
        except SealError as error:
            self._refuse(self._wish.desired, str(error))

    def _act_on(self, desired: Desired) -> None:
        if desired.handed_on:
            self._hand_on(desired)
            return
        self._gate.wait_for_others()
        foreign = reconcile.strangers(self._key, self._gate.containers(), self._last)
        if desired.run == "removed":
            self._remove(desired, foreign)
        elif desired.adopt and not (self._last and self._last.revision):
            self._adopt(desired)
        elif foreign:
            self._refuse(desired, foreign)
        elif desired.run == "stopped":
            self._stop(desired)
        else:
            self._deploy(desired)

    def mend(self, revision: Revision, plan: ReconcilePlan, phase: Phase) -> tuple[Cause, ...]:
        """Carry out a plan of what has drifted, in this phase; why it is not up afterwards, else nothing."""
        try:
            self._saying.hidden = self._parts.projects.secrets(self._key, revision)
        except SealError as error:
            return (Cause("", str(error)),)
        self._saying.say(phase, str(plan).partition("\n")[0])
        self._gate.wait_for_others()
        return self._gate.bring_about(revision, plan, plan.services, phase)

    def _remove(self, desired: Desired, foreign: str) -> None:
        self._saying.say("acting", "removing containers and networks")
        if not foreign:
            self._gate.take_down(self._known(desired.revision), desired.remove_volumes)
        self._parts.projects.drop(self._key)
        self._saying.gone()
        self._saying.say("removed", foreign or "removed", revision=0)

    def _hand_on(self, desired: Desired) -> None:
        """Nothing is touched. Proxies go by what was seen here until the other manager has looked."""
        revision = self._known(desired.revision)
        if revision and revision.options.expose:
            self._gate.pause(_HANDED_ON_S)
        self._saying.gone()
        self._saying.say("removed", "another manager looks after the stack", revision=0)

    def _stop(self, desired: Desired) -> None:
        revision = self._parts.wishes.revision(self._key, desired.revision)
        plan = reconcile.plan(desired, revision, self._gate.containers(), self._last, self._parts.ended())
        self._saying.say("acting", "stopping")
        self._gate.carry_out(revision, {}, plan, 0.0)
        self._saying.see(revision, self._gate.containers(), plan.steps)
        self._saying.say("stopped", "stopped", restart=desired.restart, drift=())

    def _adopt(self, desired: Desired) -> None:
        """No compose process makes anything here: it is asked for hashes only."""
        revision = self._parts.wishes.revision(self._key, desired.revision)
        self._saying.say("acting", "comparing what runs with the imported files")
        hashes = self._parts.compose.hashes(self._parts.projects.base_text(self._key, revision))
        containers = self._gate.containers()
        adoption = adopt(revision, containers, hashes)
        if adoption.faults:
            self._saying.say("failed", "nothing was touched", failed=desired.revision, causes=adoption.faults)
            return
        self._saying.see(revision, containers)
        self._saying.say("acting", "taken over as it runs", adopted=dict(adoption.taken))
        self._done(desired, revision)

    def _refuse(self, desired: Desired, why: str) -> None:
        self._saying.say(
            "failed",
            why,
            failed=desired.revision,
            causes=(*self._saying.now.causes, Cause("", why)),
            restart=desired.restart,
        )

    def _deploy(self, desired: Desired) -> None:
        try:
            revision = self._parts.wishes.revision(self._key, desired.revision)
        except NotFound as error:
            self._refuse(desired, str(error))
            return
        self._saying.hidden = self._parts.projects.secrets(self._key, revision)
        self._saying.also = before.options.expose if (before := self._before(desired)) else ()
        if self._saying.now.failed == desired.revision:
            self._put_back(desired, revision, self._saying.now.causes)
            return
        plan = reconcile.plan(desired, revision, self._gate.containers(), self._last, self._parts.ended())
        self._saying.see(revision, self._gate.containers(), plan.steps)
        waits = tuple(sorted({*plan.services, *self._begun()}))
        if waits or not plan.is_empty:
            self._saying.say("acting", str(plan).partition("\n")[0] or "looking whether it is up")
        if causes := self._bring_about(revision, plan, waits):
            self._put_back(desired, revision, causes)
        else:
            self._parts.projects.tidy(self._key, revision)
            self._done(desired, revision)

    def _bring_about(self, revision: Revision, plan: ReconcilePlan, waits: tuple[str, ...]) -> tuple[Cause, ...]:
        """What is started beside what it replaces comes last: what it depends on is there by then."""
        # Swarm starts first by itself what is to start first.
        both = None if self._parts.in_swarm else beside(revision, plan, self._gate.containers())
        if both is None:
            return self._gate.bring_about(revision, plan, waits)
        rest = tuple(name for name in waits if name not in both.scale)
        causes = self._gate.bring_about(revision, without(plan, both.services), rest)
        return causes or Overlap(self._parts, self._key, self._gate, self._saying)(revision, both)

    def _put_back(self, desired: Desired, revision: Revision, causes: tuple[Cause, ...]) -> None:
        """The revision before, by the same path. One that was in force already stays: nothing better is known."""
        in_force = self._last.revision if self._last else 0
        back = desired.previous or in_force
        failed = {"failed": desired.revision, "causes": causes, "restart": desired.restart}
        log.warning("event=revision_failed application=%s revision=%d back=%d", self._key, desired.revision, back)
        if in_force == desired.revision:
            self._failed(revision, desired, "; ".join(map(str, causes)), failed)
        elif not back:
            self._saying.say("acting", "removing what did not come up", **failed)
            self._gate.take_down(revision)
            self._saying.gone()
            self._saying.say("failed", "did not come up, and nothing was there before", revision=0, **failed)
        else:
            self._saying.say("acting", f"putting revision {back} back", **failed)
            previous = self._parts.wishes.revision(self._key, back)
            standing = replace(desired, revision=back)
            self._saying.hidden += self._parts.projects.secrets(self._key, previous)
            plan = reconcile.plan(standing, previous, self._gate.containers(), self._last, self._parts.ended())
            more = self._gate.bring_about(previous, plan, plan.services)
            told_more = tuple(replace(c, why=f"putting revision {back} back: {c.why}") for c in more)
            failed = {**failed, "causes": (*causes, *told_more), "revision": back}
            self._failed(previous, standing, f"revision {back} was put back", failed)

    def _done(self, desired: Desired, revision: Revision) -> None:
        containers = self._gate.containers()
        self._parts.projects.keep(self._key, revision.images)
        self._saying.see(revision, containers)
        self._saying.made({c.service: c.config_hash for c in containers} if desired.stack else {})
        drift = self._drift(desired, revision, containers, "done")
        self._saying.say(
            "done", told(self._saying.now.services), revision=desired.revision, restart=desired.restart, drift=drift
        )

    def _failed(self, revision: Revision, standing: Desired, step: str, said: dict[str, object]) -> None:
        containers = self._gate.containers()
        self._saying.see(revision, containers)
        drift = self._drift(standing, revision, containers, "failed")
        self._saying.say("failed", step, drift=drift, **said)

    def _drift(
        self, standing: Desired, revision: Revision, containers: tuple[ContainerState, ...], phase: Phase
    ) -> tuple[Drift, ...]:
        """With everything said so far taken for final."""
        final = replace(self._saying.now, phase=phase)
        return reconcile.drift(standing, revision, containers, final, self._parts.ended())

    def _begun(self) -> frozenset[str]:
        """Services acted on before an interruption: they are still to be waited for."""
        last = self._last
        if last is None or last.acted_on != self._wish.at or last.phase not in _BEGUN:
            return frozenset()
        return frozenset(s.name for s in last.services if s.action in ("create", "recreate", "start"))

    def _before(self, desired: Desired) -> Revision | None:
        return self._known(desired.previous) if desired.previous else None

    def _known(self, number: int) -> Revision | None:
        try:
            return self._parts.wishes.revision(self._key, number)
        except NotFound:
            return None
