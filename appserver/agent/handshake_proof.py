"""The proof that this host shares the site's file system: asked for now and then, and known in between."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event

from appserver.core.handshake import Proof
from appserver.errors import StoreError
from appserver.ports import KV, SharedTree
from appserver.store import keys

log = logging.getLogger(__name__)

EVERY_S = 30.0
_SOON_S = 2.0
"""While it is not proven: what is being mounted is there soon."""


class TreeProof:
    """Compares the tree's token with the one on record. `proof` is None until that is on record, and was compared."""

    def __init__(
        self,
        kv: KV,
        tree: SharedTree,
        node: str,
        news: Callable[[Proof | None, Proof], object],
        every_s: float = EVERY_S,
    ) -> None:
        """
        Args:
            news: called with the finding before and the new one, where it is another or for another reason.
        """
        self._kv = kv
        self._tree = tree
        self._node = node
        self._news = news
        self._every_s = every_s
        self.proof: Proof | None = None

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                self.look()
            except StoreError as error:
                log.warning("event=shared_tree_not_compared reason=%s", error)
            stop.wait(self._every_s if self.proof and self.proof.ok else min(_SOON_S, self._every_s))

    def look(self) -> None:
        """
        Raises:
            StoreError: the store does not answer; what was found before stands.
        """
        token = self._kv.snapshot(keys.TOKEN).items.get(keys.TOKEN)
        if token is None:
            return
        before, self.proof = self.proof, self._tree.prove(token.value, self._node)
        if before != self.proof:
            log.info("event=shared_tree kind=%s reason=%r", self.proof.kind, self.proof.reason)
            self._news(before, self.proof)
