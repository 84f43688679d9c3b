"""Watching until told to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from appserver.ports import KV, Watch

_LOOK_S = 0.5


@contextmanager
def watching(kv: KV, prefix: str, after: int, stop: Event) -> Iterator[Watch]:
    """A watch that ends when `stop` is set, from whichever thread, or with the context."""
    watch = kv.watch(prefix, after)
    over = Event()

    def close_on_stop() -> None:
        while not over.is_set():
            if stop.wait(_LOOK_S):
                break
        watch.close()

    closer = Thread(target=close_on_stop, name=f"close {prefix}", daemon=True)
    closer.start()
    try:
        yield watch
    finally:
        over.set()
        watch.close()
