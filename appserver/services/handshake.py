"""The leader's side of the start-up handshake: token and mode of the cluster, and an answer to every node that waits.

An elected duty. Every write is fenced by the leader's key, and a node's state keeps the lease of its agent, so neither
an app server that was replaced nor an agent that ended leaves anything behind. Nothing of a node is ever deleted.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Event, Thread

from appserver.core import handshake as core
from appserver.core.claims import Holder
from appserver.core.events import NODE, Severity
from appserver.core.handshake import Answer, Proof
from appserver.errors import BadRecord, Compacted, LeadershipLost
from appserver.ports import KV, Change, Item, Leadership, SharedTree, Snapshot
from appserver.services.events import Events
from appserver.store import keys
from appserver.store.codec import decode
from appserver.store.records import below, skipped
from appserver.store.watching import watching

log = logging.getLogger(__name__)

_MACHINES = "machines/"
_TREE_S = 60.0


class Handshake:
    """One app server leads; `answered` counts, in each, what it wrote: by the state."""

    def __init__(
        self,
        *,
        kv: KV,
        events: Events,
        address: str,
        tree: SharedTree | None = None,
        fresh: Callable[[], str] = lambda: f"{secrets.randbelow(10**5):05d}-{secrets.randbelow(10**5):05d}",
    ) -> None:
        """
        Args:
            address: of this app server.
            tree: None where the site has no shared tree.
        """
        self._kv = kv
        self._events = events
        self._address = address
        self._tree = tree
        self._fresh = fresh
        self._names: dict[str, str] = {}
        self._states: dict[str, str] = {}
        self.answered: Counter[str] = Counter()

    def run(self, over: Event, leadership: Leadership) -> None:
        """Until the leadership is over.

        Raises:
            LeadershipLost, StoreError
        """
        token = self.begin(leadership)
        if self._tree:
            Thread(target=self._keep_marked, args=(self._tree, token, over), name="shared tree", daemon=True).start()
        while not over.is_set():
            try:
                self._lead(over, leadership)
            except Compacted:
                continue

    def begin(self, leadership: Leadership) -> str:
        """What a leader begins with is on record: token, mode, and that it leads. The token.

        Raises:
            LeadershipLost, StoreError
        """
        while True:
            seen = self._kv.snapshot(keys.TOKEN, keys.MODE, keys.ALLNODES)
            token, mode = seen.items.get(keys.TOKEN), seen.items.get(keys.MODE)
            fresh = not any(key.startswith(keys.ALLNODES) for key in seen.items)
            puts: dict[str, str] = {keys.MODE: core.mode_of(mode.value if mode else "", fresh)}
            if token is None:  # one that is there stays, for as long as there is a cluster
                puts[keys.TOKEN] = self._fresh()
            stood_on = {key: seen.revision_of(key) for key in puts}
            if self._kv.commit({**leadership.fence, **stood_on}, puts):
                break
            self._check(leadership)
        self._write(leadership, {}, {keys.MASTER: self._address}, leadership.lease)
        log.info("event=leads address=%s mode=%s", self._address, puts[keys.MODE])
        return token.value if token else puts[keys.TOKEN]

    def answer(self, ip: str, leadership: Leadership) -> Answer | None:
        """Look at one node, decide, write. None where the node is to move, or has gone.

        Raises:
            LeadershipLost, StoreError
        """
        state, known, mode = keys.runnode(ip), keys.allnode(ip), keys.MODE
        seen = self._kv.snapshot(state, known, mode)
        item = seen.items.get(state)
        told = core.answer(item.value, bool(item.lease), known in seen.items, _mode(seen)) if item else None
        if told is None or item is None:
            self._tell(ip, item.value if item else core.ABSENT)
            return None
        if told.drop:
            log.warning("event=ghost_dropped ip=%s state=%s", ip, item.value)
            self._write(leadership, {state: item.revision}, {}, deletes=(state,))
        elif told.put:
            self._put(leadership, state, item, told.put)
        elif told.enter:
            self._enter(leadership, ip, {state: item.revision, known: 0, mode: seen.revision_of(mode)})
        self._tell(ip, item.value)
        return told

    def _lead(self, over: Event, leadership: Leadership) -> None:
        """Everybody once, then whoever changes."""
        listed = self._kv.snapshot(_MACHINES)
        self._names = {one.record.ip: name for name, one in below(listed, keys.AGENTS, Holder)}
        for key in listed.items:
            if key.startswith(keys.RUNNODES):
                self._states.setdefault(key.removeprefix(keys.RUNNODES), listed.items[key].value)
                self.answer(key.removeprefix(keys.RUNNODES), leadership)
        with watching(self._kv, _MACHINES, listed.revision, over) as watch:
            for change in watch:
                if over.is_set():
                    return
                self._hear(change, leadership)

    def _hear(self, change: Change, leadership: Leadership) -> None:
        if change.key.startswith(keys.RUNNODES):
            self.answer(change.key.removeprefix(keys.RUNNODES), leadership)
        elif change.key.startswith(keys.AGENTS) and change.value is not None:
            try:
                self._names[decode(change.value, Holder, change.key).ip] = change.key.removeprefix(keys.AGENTS)
            except BadRecord as error:
                skipped(change.key, error)

    def _put(self, leadership: Leadership, key: str, item: Item, state: str) -> None:
        """Under the lease of the agent: what it does not hold any more is not written."""
        try:
            written = self._write(leadership, {key: item.revision}, {key: state}, item.lease)
        except LeadershipLost:
            if leadership.lost.is_set():
                raise
            return  # the agent's lease ended, not ours
        if written:
            self.answered[state] += 1

    def _enter(self, leadership: Leadership, ip: str, stood_on: Mapping[str, int]) -> None:
        """Up for the first time. With the first node of all, the cluster is new no more."""
        first = not self._kv.snapshot(keys.ALLNODES).items
        puts = {keys.allnode(ip): "ok", **({keys.MODE: "recovery"} if first else {})}
        if self._write(leadership, stood_on, puts):
            told = f"{self._name(ip)} ({ip}) came up for the first time"
            self._events.emit(NODE, "create", None, self._name(ip), told)

    def _write(
        self,
        leadership: Leadership,
        expect: Mapping[str, int],
        puts: Mapping[str, str],
        lease: int = 0,
        deletes: tuple[str, ...] = (),
    ) -> int:
        """0 where a node has moved meanwhile: it is looked at again then.

        Raises:
            LeadershipLost: another app server leads, or a lease is gone.
        """
        written = self._kv.commit({**leadership.fence, **expect}, puts, deletes, lease)
        if not written:
            self._check(leadership)
        return written

    def _check(self, leadership: Leadership) -> None:
        now = self._kv.snapshot(*leadership.fence)
        if any(now.revision_of(key) != revision for key, revision in leadership.fence.items()):
            raise LeadershipLost("another app server leads")

    def _tell(self, ip: str, state: str) -> None:
        """The node's bus hears of every state that lasts, once: also of those that agents wrote."""
        before = self._states.get(ip, core.ABSENT)
        if state in (before, "work"):
            return
        self._states[ip] = state
        name = self._name(ip)
        action = {"ok": "online", core.ABSENT: "offline", "waiting": "start"}.get(state, "update")
        told = f"{before or 'off'} → {state}" if state else "its agent's lease ended"
        self._events.emit(NODE, action, None, name, f"{name} ({ip}): {told}")

    def _name(self, ip: str) -> str:
        return self._names.get(ip, ip)

    def _keep_marked(self, tree: SharedTree, token: str, over: Event) -> None:
        """The shared tree has the cluster's token, so that agents can prove that they share it."""
        before: Proof | None = None
        while not over.is_set():
            proof = tree.mark(token)
            if proof != before:
                log.info("event=shared_tree kind=%s reason=%r", proof.kind, proof.reason)
                grave: Severity = "ERROR" if proof.kind == "foreign" else "WARNING"
                if not proof.ok:
                    self._events.emit(NODE, "update", grave, self._address, f"app server: {proof.reason}")
            before = proof
            over.wait(_TREE_S)


def _mode(seen: Snapshot) -> core.Mode:
    item = seen.items.get(keys.MODE)
    return "new" if item and item.value == "new" else "recovery"
