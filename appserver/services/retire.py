"""A node leaves for good: its agent cannot say any more that it let go, so it is said here, and its records go."""

from __future__ import annotations

from dataclasses import replace

from appserver.core import retire as core
from appserver.core.access import Caller, require
from appserver.core.entities import ContainerRecord, Desired, Observed
from appserver.core.events import NODE
from appserver.core.fleet import Node, ip_of
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Clock, Snapshot
from appserver.services import boot_numbers
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import below

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

    def __call__(self, caller: Caller, name: str, lrn: int = -1) -> int:
        """How many keys went. With `lrn`, those of a boot server that is no node, or none any more, go too.

        Raises:
            NotFound: there is no such node, and no number says what else it may be.
            Conflict: it is on, applications are wanted there, `lrn` is another's, or somebody changed it meanwhile.
        """
        with self._audit.of(caller, "retire", f"node:{name}"):
            require(caller, "D", f"node:{name}")
            node, seen = self._observe(name, lrn)
            self._check(node, seen)
            self._speak(name, seen)
            return self._forget(name, lrn)

    def ask(self, caller: Caller, name: str, lrn: int = -1, stopped: bool = False) -> int:
        """How many keys would go. `stopped`: its agent will have been by then, so that it is on is no reason.

        Raises:
            NotFound, Conflict: it may not go.
        """
        require(caller, "D", f"node:{name}")
        node, seen = self._observe(name, lrn)
        self._check(node, seen, stopped)
        return len(self._records(node, seen))

    def _observe(self, name: str, lrn: int) -> tuple[Node, Snapshot]:
        """The node, and what is on record of it. One that is not is made up of its name and number."""
        nodes = {other: held.record for other, held in below(self._kv.snapshot("nodes/"), "nodes/", Node)}
        if why := core.mistaken(name, lrn, nodes):
            raise Conflict(why)
        if name not in nodes and lrn < 0:
            raise NotFound(f"there is no node {name}")
        found = nodes.get(name, Node(name, "", ""))
        # What an agent wrote of its name is not believed: the key is what etcd lets it write.
        node = replace(found, name=name, lrn=found.lrn if found.lrn >= 0 else lrn)
        boot = boot_numbers.places(node.lrn) if node.lrn >= 0 else ()
        own = (keys.desired_of(name), keys.observed_of(name), keys.learned_of(name))
        held = (*own, f"containers/{node.cluster}/", *_of_node(name))
        return node, self._kv.snapshot("nodes/", keys.ALLNODES, keys.alive(name), *held, *boot)

    def _check(self, node: Node, seen: Snapshot, stopped: bool = False) -> None:
        desired = {app: held.record for app, held in below(seen, keys.desired_of(node.name), Desired)}
        is_on = keys.alive(node.name) in seen.items and not stopped
        if why := core.why_not(node.name, is_on, desired):
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

    def _forget(self, name: str, lrn: int) -> int:
        """The node's own record goes last: until then it is to be retired again."""
        node, seen = self._observe(name, lrn)
        self._check(node, seen)
        gone = self._records(node, seen)
        guard = {keys.alive(name): 0}
        for some in parts(gone):
            if not self._kv.commit(guard, {}, some):
                raise Conflict(f"{name} is back; nothing more is forgotten")
        if gone:
            self._events.emit(NODE, "delete", "INFO", name, f"{name} is retired")
        return len(gone)

    def _records(self, node: Node, seen: Snapshot) -> list[str]:
        """What stands under its name; under its number and address what no other node has too."""
        prefix = f"containers/{node.cluster}/"
        others = [held.record for other, held in below(seen, "nodes/", Node) if other != node.name]
        single = {*_of_node(node.name)}
        if node.lrn >= 0 and node.lrn not in {other.lrn for other in others}:
            single.update(boot_numbers.under(seen, node.lrn))
        ip = ip_of(node)
        if ip and ip not in {ip_of(other) for other in others}:
            single.add(keys.allnode(ip))
        ran = {prefix + key for key, held in below(seen, prefix, ContainerRecord) if held.record.node == node.name}
        said = keys.observed_of(node.name), keys.learned_of(node.name)
        found = [key for key in seen.items if key.startswith(said) or key in single or key in ran]
        own = keys.node(node.name)
        return [*found, own] if own in seen.items else found


def _of_node(name: str) -> tuple[str, ...]:
    """What others say of it."""
    return keys.reservation(name), keys.cordon(name), keys.loss(name)
