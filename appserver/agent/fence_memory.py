"""An agent that is started while the store is away stops in time what may move, too: by what it wrote before.

While there is a lease it keeps on disk which applications may be placed elsewhere, after which grace, and when the
store was heard of last, by a clock that begins with the boot and that nobody sets. After another boot nobody knows how
long that is ago: whatever may move is stopped then, if the store does not answer soon.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from appserver.core import compose as projects
from appserver.core.entities import AppKey
from appserver.errors import AppServerError, BadRecord, StoreError
from appserver.ports import KV, Compose, Engine
from appserver.store import keys
from appserver.store.codec import decode, encode

log = logging.getLogger(__name__)

EARLY_S = 15.0
"""Before the grace is over, so that stopping is through by then: a container has ten seconds for that, if nobody says
more."""
_EVERY_S = 5.0
_LOOK_S = 0.5
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Remembered:
    """`fence.json` in the state directory. `graces` is by `<cluster>.<app>`, in seconds; `heard_s` since the boot.

    `stopped` are those that were stopped without the store's knowing: they are begun anew once it answers.
    """

    boot: str
    heard_s: float
    graces: Mapping[str, float] = field(default_factory=dict)
    stopped: tuple[str, ...] = ()


def since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def this_boot() -> str:
    return _BOOT.read_text(encoding="ascii").strip()


class Memory:
    """`note` while there is a lease; `guard` in a thread from the start on, until the store answers."""

    def __init__(
        self, path: Path, engine: Engine, compose: Compose, boot: str = "", now: Callable[[], float] = since_boot
    ) -> None:
        self._path = path
        self._engine = engine
        self._compose = compose
        self._boot = boot or this_boot()
        self._now = now
        self._began = now()
        self._held = self._read()

    def note(self, graces: Mapping[AppKey, float]) -> None:
        """The store is heard of. Where nothing may move nothing is written."""
        told, now = {str(key): grace_s for key, grace_s in graces.items()}, self._now()
        is_news = told != self._held.graces or (bool(told) and self._boot != self._held.boot)
        if is_news or (told and now >= self._held.heard_s + _EVERY_S):
            self._write(Remembered(self._boot, now, told, self._held.stopped), is_news)

    def guard(self, kv: KV, node: str, over: Event) -> None:
        """Stop what may move when it is time for that, until the store answers or `over` is set."""
        while self._held.graces and not over.wait(_LOOK_S):
            try:
                kv.snapshot(keys.alive(node))
                return
            except StoreError:
                self.look()

    def look(self) -> None:
        """The store does not answer: stop what is due."""
        for name in self._due():
            key = AppKey(*name.split("."))
            try:
                if self._is_there(key):
                    log.warning(
                        "event=fenced application=%s reason=%r", key, "no store since the start, and it may move"
                    )
                    self._compose.run("stop", key.name, "")
                self._write(replace(self._held, stopped=tuple(sorted({*self._held.stopped, name}))), True)
            except AppServerError as error:
                log.warning("event=not_fenced application=%s reason=%s", key, error)

    def take_stopped(self) -> Iterator[AppKey]:
        """What was stopped, each once its turn is taken: the store answers, and says what is wanted."""
        for name in self._held.stopped:
            yield AppKey(*name.split("."))
        if self._held.stopped:
            self._write(replace(self._held, stopped=()), True)

    def _due(self) -> list[str]:
        held, now = self._held, self._now()
        known = held.boot == self._boot and held.heard_s <= now
        return [
            name
            for name, grace_s in held.graces.items()
            if name not in held.stopped
            and now >= (held.heard_s + max(0.0, grace_s - EARLY_S) if known else self._began + EARLY_S)
        ]

    def _is_there(self, key: AppKey) -> bool:
        found = self._engine.containers(key.name)
        ours = ("", str(key))  # without a label what was adopted
        return any(c.state == "running" and c.labels.get(projects.APPLICATION, "") in ours for c in found)

    def _read(self) -> Remembered:
        try:
            return decode(self._path.read_text(), Remembered, str(self._path))
        except FileNotFoundError:
            return Remembered("", 0.0)
        except (OSError, UnicodeDecodeError, BadRecord) as error:
            log.warning("event=fence_forgotten reason=%s", error)
            return Remembered("", 0.0)

    def _write(self, told: Remembered, lasting: bool) -> None:
        """Whole or not at all; what only moves the time on may be lost with the host: it counts for this boot alone."""
        self._held = told
        making = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with making.open("w", encoding="utf-8") as file:
                file.write(encode(told))
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            making.replace(self._path)
        except OSError as error:  # the disk is full: the condition `disk` tells so, and the other fence still works
            log.warning("event=fence_not_kept reason=%s", error)
