"""A watch as a stream for a client: changes as they come, a beat when none came, an end when it is to stop."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from threading import Event, Thread

from appserver.errors import AppServerError
from appserver.ports import KV, Change, Watch

BEAT_S = 15.0
_LOOK_S = 0.5
"""How soon a stream notices that it is to stop."""
_WAITING = 1000
"""Changes held for a client that reads slowly; one more ends its stream, and it comes back for the rest."""


def follow(kv: KV, prefix: str, after: int, stop: Event, beat_s: float = BEAT_S) -> Iterator[Change | None]:
    """Changes below `prefix` later than revision `after`; None whenever `beat_s` passed without one.

    Raises:
        Compacted: list again, and follow from there.
    """
    watch = kv.watch(prefix, after)
    found: queue.Queue[Change | AppServerError | None] = queue.Queue(_WAITING)
    Thread(target=_pump, args=(watch, found), name=f"follow {prefix}", daemon=True).start()
    try:
        yield from _drain(found, stop, beat_s)
    finally:
        watch.close()


def _pump(watch: Watch, found: queue.Queue[Change | AppServerError | None]) -> None:
    try:
        for change in watch:
            found.put_nowait(change)
        found.put_nowait(None)
    except queue.Full:
        watch.close()
    except AppServerError as error:
        found.put(error)


def _drain(found: queue.Queue[Change | AppServerError | None], stop: Event, beat_s: float) -> Iterator[Change | None]:
    waited_s = 0.0
    while not stop.is_set() and not found.full():
        try:
            change = found.get(timeout=_LOOK_S)
        except queue.Empty:
            waited_s += _LOOK_S
            if waited_s >= beat_s:
                waited_s = 0.0
                yield None
            continue
        if isinstance(change, AppServerError):
            raise change
        if change is None:
            return
        waited_s = 0.0
        yield change
