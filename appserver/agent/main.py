"""`moorage agent`: lists what is wanted, then watches; listens to the engine; looks at everything once a minute.

Nothing is done before the node's name is claimed (`agent/handshake.py`), and nothing any more when a rival has it. Each
part runs on its own and survives what it stands on: without the store containers are kept as they were last wanted, and
what was done is told later; without the engine everything waits for it; without an app server everything goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from appserver.agent.conditions import Finding, Watch
from appserver.agent.desired import Following
from appserver.agent.endings import Endings
from appserver.agent.fence import Fence
from appserver.agent.fence_memory import Memory
from appserver.agent.gate import Parts
from appserver.agent.guarded import guarded
from appserver.agent.guests import Guests
from appserver.agent.hands import Hands
from appserver.agent.handshake import Handshake
from appserver.agent.handshake_init import Init
from appserver.agent.handshake_self import this_run
from appserver.agent.http import Files, Reads, serve
from appserver.agent.installed import Record
from appserver.agent.inventory import Identity, Inventory
from appserver.agent.lanes import Lanes
from appserver.agent.learning import Learning, image_of
from appserver.agent.looks import Looks
from appserver.agent.metrics import Meter, Metering
from appserver.agent.project import Projects
from appserver.agent.proxies import Proxies
from appserver.agent.reconcile import Reconcile
from appserver.agent.report import Reports
from appserver.agent.rollout import Worker
from appserver.agent.stack_hands import with_stacks
from appserver.agent.swarm import SwarmNodes
from appserver.agent.wishes import Wishes
from appserver.core.containers import EngineEvent
from appserver.core.in_use import Trend
from appserver.errors import EngineError, StoreError
from appserver.ports import KV, Clock, Compose, Engine, Packages, Sealer, SharedTree, Stacks

log = logging.getLogger(__name__)

_FULL_PASS_S = 60.0
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the live reads are served."""

    address: tuple[str, int]
    files: Files


class Agent:
    """One node's agent. `run` returns when `stop` is set and running work has come back.

    Without `listen` it serves no live reads.
    """

    def __init__(
        self,
        identity: Identity,
        state_dir: Path,
        kv: KV,
        engine: Engine,
        compose: Compose,
        sealer: Sealer,
        clock: Clock,
        packages: Packages,
        listen: Listen | None = None,
        tree: SharedTree | None = None,
        certificates: Sequence[Path] = (),
        watch: Watch | None = None,
        metering: Metering | None = None,
        stacks: Stacks | None = None,
        worker: Worker | None = None,
    ) -> None:
        """
        Args:
            tree: None where the site has no shared tree.
            certificates: of this host, PEM files whose ends are watched.
            watch: looks after disk, memory and clock; None: nobody does.
            metering: None: nothing is measured.
            stacks: None: it manages no Swarm.
            worker: its part in updates; None: it is no boot server.
        """
        self._kv = kv
        self._listen = listen
        self._engine = engine
        self._identity = identity
        self._endings = Endings()
        self._looks = Looks(engine)
        self.wishes = Wishes(kv)
        self._watch = watch
        self._worker = worker
        self._learning = Learning(kv, identity.name, lambda one: image_of(self.wishes, one))
        self._meter = Meter(metering, engine, self._owner, self._learning.take) if metering else None
        self._reports = Reports(kv, identity.name, identity.cluster)
        self._guests = Guests(kv, engine, identity.name, identity.cluster)
        self._record = Record(kv, engine, packages, clock, identity.name, identity.lrn)
        projects = Projects(engine, sealer, state_dir)
        hands = Hands(engine, compose, projects)
        parts = Parts(
            self.wishes,
            self._looks,
            compose,
            projects,
            hands,
            clock,
            self._endings.ids,
            Proxies(kv, self._reports.served_at).until_left,
        )
        stack_parts = parts if stacks is None else with_stacks(parts, engine, stacks, sealer, state_dir)
        self._reconcile = Reconcile(parts, self._reports, identity.name, stack_parts)
        self._swarm = SwarmNodes(kv, engine, stacks, lambda: self._inventory.poke()) if stacks else None
        listed = Event()
        init = Init(self._reconcile, self.wishes, listed, (state_dir,), self._wake_all)
        self._lanes = Lanes(init)
        self._desired = Following(kv, identity.name, self.wishes, self._reports, self._lanes, listed)
        who = this_run(identity.name, identity.address, identity.ip, clock.now)
        self._handshake = Handshake(kv, clock, identity.name, who, init, lambda: self._inventory.poke(), tree)
        claims = self._handshake.claims
        self._memory = Memory(state_dir / "fence.json", engine, compose)
        self._fence = Fence(
            kv,
            identity.name,
            self.wishes,
            self._lanes,
            lambda: claims.lost_since,
            lambda graces: self._memory.note(graces) if listed.is_set() else None,
        )
        self._inventory = Inventory(
            kv, engine, clock, identity, self._conditions, lambda: claims.ip, certificates, watch, self._trend
        )

    def run(self, stop: Event) -> None:
        shaking = Thread(target=guarded("handshake", lambda: self._handshake.run(stop), stop), name="handshake")
        shaking.start()
        name = self._identity.name
        guarding = Thread(
            target=guarded("memory", lambda: self._memory.guard(self._kv, name, stop), stop), name="memory"
        )
        guarding.start()
        while (over := self._handshake.claims.wait(stop)) is not None:
            if self._load(over):
                self._work(over)
        shaking.join()
        guarding.join()

    def _work(self, over: Event) -> None:
        """Until told to stop, or the claim went to a rival; running work has come back then."""
        parts: dict[str, Callable[[], None]] = {
            "desired": lambda: self._desired.run(over),
            "engine": lambda: self._follow_engine(over),
            "fence": lambda: self._fence.run(over),
            "passes": lambda: self._pass(over),
            "guests": lambda: self._guests.run(over),
            "inventory": lambda: self._inventory.run(over),
            "record": lambda: self._record.run(over),
            "reports": lambda: self._reports.run(over),
            **({"reads": lambda: self._serve_reads(over)} if self._listen else {}),
            **({"swarm": lambda: swarm.run(over)} if (swarm := self._swarm) else {}),
            **({"updates": lambda: worker.run(over)} if (worker := self._worker) else {}),
            **({"metrics": lambda: meter.run(over)} if (meter := self._meter) else {}),
            **({"learning": lambda: self._learning.run(over)} if self._meter else {}),
        }
        if watch := self._watch:
            Thread(target=guarded("watch", lambda: watch.run(over), over), name="watch", daemon=True).start()
        threads = [Thread(target=guarded(name, run, over), name=name) for name, run in parts.items()]
        for thread in threads:
            thread.start()
        log.info("event=agent_started node=%s cluster=%s", self._identity.name, self._identity.cluster)
        self._lanes.run(over)
        self._inventory.poke()
        self._guests.poke()
        self._reports.wake()
        for thread in threads:
            thread.join()
        log.info("event=agent_stopped node=%s", self._identity.name)

    def _load(self, stop: Event) -> bool:
        """What this node said before: nothing is done before that is known. False when told to stop."""
        while not stop.is_set():
            try:
                self._reports.load()
                for key in self._memory.take_stopped():
                    self._reports.begin_again(key)
                return True
            except StoreError as error:
                log.warning("event=agent_waits_for_store reason=%s", error)
                stop.wait(_PAUSE_S)
        return False

    def _follow_engine(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                for event in self._engine.events(stop):
                    self._hear(event)
            except EngineError as error:
                log.warning("event=engine_away reason=%s", error)
                self._looks.forget_all()
                self._inventory.poke()
                stop.wait(_PAUSE_S)

    def _hear(self, event: EngineEvent) -> None:
        if self._meter:
            self._meter.note(event)
        if event.action == "connected":
            self._looks.forget_all()
            self._endings.forget_all()
            self._inventory.poke()
            self._guests.poke()
            self._wake_all()
            return
        self._endings.note(event)
        self._looks.note(event)
        self._guests.poke()
        if event.project:
            for key in self.wishes.named(event.project):
                self._lanes.wake(key)
        elif owner := self._reconcile.owner(event.container_id):
            self._lanes.wake(owner)

    def _pass(self, stop: Event) -> None:
        while not stop.wait(_FULL_PASS_S):
            self._looks.forget_all()
            self._wake_all()

    def _serve_reads(self, stop: Event) -> None:
        """An address that is taken, or a certificate that is not there yet, may be right a moment later."""
        listen = self._listen
        while listen and not stop.is_set():
            try:
                serve(listen.address, listen.files, Reads(self._engine, self.wishes, self._meter), stop)
            except OSError as error:
                log.warning("event=live_reads_wait address=%s:%d reason=%s", *listen.address, error)
                stop.wait(_PAUSE_S)

    def _conditions(self) -> tuple[tuple[str, Finding], ...]:
        """Of this node, those that its start and its part in a Swarm look after."""
        return (*self._handshake.conditions(), *(self._swarm.conditions() if self._swarm else ()))

    def _trend(self) -> Trend | None:
        return self._meter.trend if self._meter else None

    def _owner(self, project: str) -> str:
        """The application that a compose project is here, "" for none."""
        return next((str(key) for key in self.wishes.named(project)), "") if project else ""

    def _wake_all(self) -> None:
        for key in self.wishes.all():
            self._lanes.wake(key)
