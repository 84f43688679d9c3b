"""A node's reports over a store, written by the thread that writes them in an agent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from appserver.agent.report import Reports
from appserver.ports import KV


@contextmanager
def writing(kv: KV) -> Iterator[Reports]:
    """As after a start of the agent: what was written before is known."""
    reports, stop = Reports(kv, "n1", "default"), Event()
    reports.load()
    thread = Thread(target=reports.run, args=(stop,))
    thread.start()
    try:
        yield reports
    finally:
        stop.set()
        reports.wake()
        thread.join(10)
        assert not thread.is_alive()
