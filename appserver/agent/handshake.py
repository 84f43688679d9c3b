"""The agent's side of the start-up handshake: waits for the app server, proves the shared tree, gets to work.

Each step looks at the node's own key, decides (`core/handshake.py`) and writes what it decided on, if the key is still
what was looked at. What the node runs is looked after all the while: nothing here holds that up.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from appserver.agent.alive import TTL_S
from appserver.agent.conditions import Finding
from appserver.agent.handshake_claim import LOOK_S, Claims, Held, Self
from appserver.agent.handshake_init import Init
from appserver.agent.handshake_proof import EVERY_S, TreeProof
from appserver.core import events as buses
from appserver.core import handshake as core
from appserver.core.events import Happening, Severity
from appserver.core.handshake import Move, Proof, Sight
from appserver.errors import Compacted, LeadershipLost, StoreError
from appserver.ports import KV, Clock, SharedTree
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.watching import watching

log = logging.getLogger(__name__)

_SOON_S = 0.5
_PATIENCE_S = 5.0
"""Between two looks where nothing is news: whether an app server leads may have changed."""


class Handshake:
    """`run` in a thread of its own. `claims` tells others whether the node is this agent's."""

    def __init__(
        self,
        kv: KV,
        clock: Clock,
        node: str,
        who: Self,
        init: Init,
        poke: Callable[[], None],
        tree: SharedTree | None = None,
        ttl_s: float = TTL_S,
        tree_every_s: float = EVERY_S,
    ) -> None:
        """
        Args:
            poke: called when `conditions` says something else than before.
            tree: None where the site has no shared tree.
        """
        self.claims = Claims(kv, clock, who, lambda why: self._say(Move(why)), ttl_s)
        self._kv = kv
        self._clock = clock
        self._node = node
        self._init = init
        self._poke = poke
        self.tree = TreeProof(kv, tree, node, self._tree_news, tree_every_s) if tree else None
        self._news = Event()
        self._begun = 0
        self._move = Move("waiting for an app server")

    def run(self, stop: Event) -> None:
        """Until told to stop."""
        if self.tree:
            Thread(target=self.tree.run, args=(stop,), name="shared tree", daemon=True).start()
        self.claims.run(stop, self.follow)

    def conditions(self) -> tuple[tuple[str, Finding], ...]:
        """Of the node: how far the handshake is, and whether the shared tree is there."""
        found: list[tuple[str, Finding]] = [("handshake", (self._move.ok, self._move.reason))]
        if self.tree:
            proof = self.tree.proof
            found.append(("shared-storage", (proof.ok, proof.reason) if proof else None))
        return tuple(found)

    def follow(self, held: Held) -> None:
        """Step by step, at whatever is news; returns when the lease ends, or the claim is no longer its own."""
        with _watched(self._kv, keys.runnode(held.mine.ip), held.revision, self._news):
            while not held.over():
                self._news.clear()
                patience_s = _SOON_S
                try:
                    if not self.step(held):
                        log.warning("event=claim_lost node=%s", self._node)
                        return
                    patience_s = _SOON_S if self._begun and not self._move.ok else _PATIENCE_S
                except LeadershipLost:
                    return
                except StoreError as error:
                    log.warning("event=handshake_waits node=%s reason=%s", self._node, error)
                self._wait(held.over, patience_s)

    def step(self, held: Held) -> bool:
        """Look, decide, act. False: the key is not this lease's any more.

        Raises:
            StoreError
        """
        where = keys.runnode(held.mine.ip)
        seen = self._kv.snapshot(where, keys.MASTER)
        item, leader = seen.items.get(where), seen.items.get(keys.MASTER)
        if item is None or item.lease != held.lease.id:
            return False
        begun = self._begun == item.revision
        move = core.move(
            Sight(
                item.value,
                leader.value if leader else "",
                self.tree is not None,
                self.tree.proof if self.tree else None,
                begun,
                self._init.left() if begun else "",
            )
        )
        if move.begin:
            self._init.begin(item.value)
            self._begun = item.revision
            self._news.set()
        if move.put:
            written = self._kv.commit({where: item.revision}, {where: move.put}, lease=held.lease.id)
            told = (self._node, item.value, move.put, bool(written))
            log.info("event=state node=%s before=%s after=%s written=%s", *told)
            self._begun = 0
        self._say(move)
        return True

    def _say(self, move: Move) -> None:
        before, self._move = self._move, move
        if (before.ok, before.reason) != (move.ok, move.reason):
            self._poke()

    def _wait(self, over: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not over() and (left := until - time.monotonic()) > 0:
            if self._news.wait(min(left, LOOK_S)):
                return

    def _tree_news(self, before: Proof | None, now: Proof) -> None:
        """To the node's bus where it went bad, or good again."""
        self._news.set()
        self._poke()
        if now.ok and before is None:
            return
        at = self._clock.now()
        grave: Severity = "INFO" if now.ok else "WARNING"
        event = Happening(buses.NODE, "update", grave, self._node, f"shared tree: {now.reason}", at)
        try:
            self._kv.commit({}, {keys.event(at, secrets.token_hex(4)): encode(event)})
        except StoreError as error:
            log.warning("event=not_told subject=%s reason=%s", self._node, error)


@contextmanager
def _watched(kv: KV, key: str, after: int, news: Event) -> Iterator[None]:
    """Set `news` at every change of a key, until the block ends."""
    over = Event()

    def follow() -> None:
        at = after
        while not over.is_set():
            try:
                if at < 0:
                    at = kv.snapshot(key).revision
                    news.set()
                with watching(kv, key, at, over) as watch:
                    for _ in watch:
                        news.set()
            except Compacted:
                at = -1
            except StoreError as error:
                log.warning("event=watch_waits key=%s reason=%s", key, error)
                over.wait(_SOON_S)

    Thread(target=follow, name=f"watch {key}", daemon=True).start()
    try:
        yield
    finally:
        over.set()
