"""A fault of ours in one part of the agent: it is told, and the part runs again; the lease never outlives the work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event

log = logging.getLogger(__name__)

_PAUSE_S = 1.0


def guarded(name: str, run: Callable[[], object], stop: Event, pause_s: float = _PAUSE_S) -> Callable[[], None]:
    """What a thread is to do: `run`, and again whenever it breaks. Returns when `run` does, or told to stop."""

    def work() -> None:
        while True:
            try:
                run()
                return
            except Exception:
                log.exception("event=part_broke part=%s", name)
            if stop.wait(pause_s):
                return

    return work
