"""A node leaves for good: its agent cannot say any more that it let go, so it is said here, and its records go."""

from __future__ import annotations

from appserver.core import retire as core
from appserver.core.access import Caller, require
from appserver.core.entities import ContainerRecord, Desired, Observed
from appserver.core.events import NODE
from appserver.core.fleet import Node, ip_of
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Clock, Snapshot
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import below, find

PAUSE_S = 0.2
PATIENCE_S = 15.0
"""An app server takes note of an application that let go in much less."""


class Retire:
    """Four beats: what is on record of the node; may it go; its last words; its records taken away."""

    def __init__(self, *, kv: KV, clock: Clock, audit: Audit, events: Events) -> None:
        self._kv = kv
        self._clock = clock
        self._audit = audit
        self._events = events

    def __call__(self, caller: Caller, name: str, dry_run: bool = False) -> int:
        """How many keys went, or would go.

        Raises:
            NotFound: there is no such node.
            Conflict: it is on, applications are wanted there, or somebody changed it meanwhile.
        """
        with self._audit.of(caller, "retire", f"node:{name}"):
            require(caller, "D", f"node:{name}")
            node, seen = self._observe(name)
            self._check(name, seen)
            if dry_run:
                return len(self._records(node, seen))
            self._speak(name, seen)
            return self._forget(node)

    def _observe(self, name: str) -> tuple[Node, Snapshot]:
        where = keys.node(name)
        stored = find(self._kv.snapshot(where), where, Node)
        if stored is None:
            raise NotFound(f"there is no node {name}")
        node = stored.record
        boot = (f"install/{node.lrn}/", *_boot_server(node)) if node.lrn >= 0 else ()
        held = (keys.desired_of(name), keys.observed_of(name), f"containers/{node.cluster}/", keys.reservation(name))
        alike = ("nodes/", keys.ALLNODES)
        return node, self._kv.snapshot(where, keys.alive(name), *held, *boot, *alike)

    def _check(self, name: str, seen: Snapshot) -> None:
        desired = {app: held.record for app, held in below(seen, keys.desired_of(name), Desired)}
        if why := core.why_not(name, keys.alive(name) in seen.items, desired):
            raise Conflict(why)

    def _speak(self, name: str, seen: Snapshot) -> None:
        """Say that what was to leave has left, and wait until whoever concludes roll-outs has taken note."""
        desired = {app: (held.record, held.revision) for app, held in below(seen, keys.desired_of(name), Desired)}
        observed = {app: held.record for app, held in below(seen, keys.observed_of(name), Observed)}
        for app, words in core.last_words(desired, observed, self._clock.now()).items():
            expect = {f"{keys.desired_of(name)}{app}": desired[app][1], keys.alive(name): 0}
            if not self._kv.commit(expect, {f"{keys.observed_of(name)}{app}": encode(words)}):
                raise Conflict(f"{name} or {app} changed meanwhile; look again")
        waited_s = 0.0
        while desired and self._kv.snapshot(keys.desired_of(name)).items:
            if waited_s >= PATIENCE_S:
                raise Conflict(f"no app server has let go of {', '.join(sorted(desired))} on {name} yet; run again")
            self._clock.sleep(PAUSE_S)
            waited_s += PAUSE_S

    def _forget(self, node: Node) -> int:
        """The node's own record goes last: until then it is to be retired again."""
        _, seen = self._observe(node.name)
        self._check(node.name, seen)
        gone = self._records(node, seen)
        guard = {keys.alive(node.name): 0}
        for some in parts(gone):
            if not self._kv.commit(guard, {}, some):
                raise Conflict(f"{node.name} is back; nothing more is forgotten")
        self._events.emit(NODE, "delete", "INFO", node.name, f"{node.name} is retired")
        return len(gone)

    def _records(self, node: Node, seen: Snapshot) -> list[str]:
        name, prefix = node.name, f"containers/{node.cluster}/"
        below_it = (keys.observed_of(name), *([f"install/{node.lrn}/"] if node.lrn >= 0 else []))
        single = {keys.reservation(name), *(_boot_server(node) if node.lrn >= 0 else ())}
        ran = {prefix + key for key, held in below(seen, prefix, ContainerRecord) if held.record.node == name}
        ip = ip_of(node)
        if ip and ip not in {ip_of(held.record) for other, held in below(seen, "nodes/", Node) if other != name}:
            single.add(keys.allnode(ip))
        found = [key for key in seen.items if key.startswith(below_it) or key in single or key in ran]
        return [*found, keys.node(name)]


def _boot_server(node: Node) -> tuple[str, ...]:
    """Its own key, and those of its board: with them goes what opened it."""
    return keys.bootserver(node.lrn), keys.bmc_board(node.lrn), keys.bmc_seen(node.lrn)
