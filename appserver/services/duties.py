"""Duties that one app server at a time does for all: each has its own election, so they may spread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread

from appserver.errors import StoreError
from appserver.ports import KV, Leadership

log = logging.getLogger(__name__)

TTL_S = 10.0
"""An app server that dies is followed by another after this long."""
_AGAIN_S = 2.0
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Duty:
    """`run` returns when its event is set: at the end of the leadership, or of the server."""

    name: str
    run: Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class FencedDuty:
    """`run` is also given the leadership, whose fence joins everything that it writes.

    `value` stands in the line instead of that of the others, for whoever reads there which app servers there are.
    """

    name: str
    run: Callable[[Event, Leadership], None]
    value: str = ""


class Duties:
    """Threads of this app server, one for each duty, that stand for election until told to stop."""

    def __init__(self, *, kv: KV, value: str, duties: Sequence[Duty | FencedDuty]) -> None:
        """`value` tells people who leads: the address of this app server."""
        self._kv = kv
        self._value = value
        self._duties = duties

    def start(self, stop: Event) -> tuple[Thread, ...]:
        threads = tuple(
            Thread(target=self._stand, args=(duty, stop), name=f"duty {duty.name}", daemon=True)
            for duty in self._duties
        )
        for thread in threads:
            thread.start()
        return threads

    def _stand(self, duty: Duty | FencedDuty, stop: Event) -> None:
        while not stop.is_set():
            try:
                self._term(duty, stop)
            except StoreError as error:
                log.warning("duty waits name=%s reason=%r", duty.name, str(error))
            except Exception:  # a fault of ours in one duty: the others, and the next term, go on
                log.exception("duty broke name=%s", duty.name)
            stop.wait(_AGAIN_S)

    def _term(self, duty: Duty | FencedDuty, stop: Event) -> None:
        value = duty.value if isinstance(duty, FencedDuty) else ""
        with self._kv.leader(duty.name, TTL_S, value or self._value, stop) as leadership:
            if leadership is None:
                return
            log.info("duty begins name=%s", duty.name)
            over = Event()
            Thread(target=_until, args=(leadership.lost, stop, over), name=f"term {duty.name}", daemon=True).start()
            try:
                if isinstance(duty, FencedDuty):
                    duty.run(over, leadership)
                else:
                    duty.run(over)
            finally:
                over.set()
                log.info("duty ends name=%s", duty.name)


def every(seconds: float, work: Callable[[], object]) -> Callable[[Event], None]:
    """A duty's `run` that does `work` now, and again after each pause."""

    def run(over: Event) -> None:
        while not over.is_set():
            work()
            over.wait(seconds)

    return run


def _until(lost: Event, stop: Event, over: Event) -> None:
    """Set `over` when one of the others is set."""
    while not over.is_set():
        if lost.is_set() or stop.wait(_LOOK_S):
            over.set()
