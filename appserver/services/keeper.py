"""The elected duty that keeps house: makes what a first start needs, and shortens what only grows."""

from __future__ import annotations

import logging
from threading import Event

from appserver.services.audit import Audit
from appserver.services.clusters import Clusters
from appserver.services.events import Events
from appserver.services.plays import Plays
from appserver.services.retention import Retention
from appserver.services.source_files import SourceFiles
from appserver.services.sources import Sources
from appserver.services.tokens import Tokens

log = logging.getLogger(__name__)

EVERY_S = 600.0


class Keeper:
    def __init__(
        self,
        *,
        clusters: Clusters,
        sources: Sources,
        tokens: Tokens,
        audit: Audit,
        events: Events,
        retention: Retention,
        files: SourceFiles,
        plays: Plays,
        plays_kept: int,
        cluster: str,
    ) -> None:
        """`cluster` is the one made at the first start."""
        self._clusters = clusters
        self._sources = sources
        self._tokens = tokens
        self._audit = audit
        self._events = events
        self._retention = retention
        self._files = files
        self._plays = plays
        self._plays_kept = plays_kept
        self._cluster = cluster

    def run(self, stop: Event) -> None:
        self.begin()
        while not stop.wait(EVERY_S):
            self.tidy()

    def begin(self) -> None:
        """What is there already stays as it is."""
        self._clusters.ensure(self._cluster)
        self._sources.ensure()
        if sealed := self._files.seal():
            log.info("event=source_files_sealed parts=%d", sealed)
        self.tidy()

    def tidy(self) -> None:
        gone = {
            "tokens": self._tokens.prune(),
            "audit": self._audit.prune(),
            "events": self._events.prune(),
            "revisions": self._retention.prune(),
            "plays": self._plays.prune(self._plays_kept),
        }
        if any(gone.values()):
            log.info("tidied %s", " ".join(f"{name}={count}" for name, count in gone.items()))
