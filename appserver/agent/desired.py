"""Following what is wanted of this node: listed, then watched, and listed again after an outage.

A record that cannot be read changes nothing: its application stays as it was last wanted.
"""

from __future__ import annotations

import logging
from threading import Event

from appserver.agent.lanes import Lanes
from appserver.agent.report import Reports
from appserver.agent.wishes import Wish, Wishes
from appserver.core.entities import AppKey, Desired
from appserver.errors import BadRecord, Compacted, StoreError
from appserver.ports import KV, Change
from appserver.store import keys
from appserver.store.codec import decode
from appserver.store.records import applications_below, skipped
from appserver.store.watching import watching

log = logging.getLogger(__name__)

_PAUSE_S = 1.0


class Following:
    """Keeps `wishes` at what the store says, and wakes the lanes for what is news. `listed` is set once it is known."""

    def __init__(
        self, kv: KV, node: str, wishes: Wishes, reports: Reports, lanes: Lanes, listed: Event | None = None
    ) -> None:
        self._kv = kv
        self._prefix = keys.desired_of(node)
        self._wishes = wishes
        self._reports = reports
        self._lanes = lanes
        self._listed = listed or Event()

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                self._list_and_watch(stop)
            except Compacted:
                continue
            except StoreError as error:
                log.warning("event=store_away reason=%s", error)
                stop.wait(_PAUSE_S)

    def _list_and_watch(self, stop: Event) -> None:
        listed = self._kv.snapshot(self._prefix)
        found = applications_below(listed, self._prefix, Desired)
        wanted = {key: Wish(one.record, one.revision) for key, one in found}
        known = {*self._reports.applications(), *self._wishes.all()}
        unread = {key for key in known - wanted.keys() if f"{self._prefix}{key}" in listed.items}
        wanted.update({key: wish for key in unread if (wish := self._wishes.get(key))})
        for key in self._wishes.replace(wanted):
            self._lanes.supersede(key)
        self._listed.set()
        for key in {*known, *wanted} - unread:
            self._lanes.wake(key)
        with watching(self._kv, self._prefix, listed.revision, stop) as watch:
            for change in watch:
                try:
                    self._note(keys.stored_app(change.key), change)
                except BadRecord as error:
                    skipped(change.key, error)

    def _note(self, key: AppKey, change: Change) -> None:
        gone = change.value is None
        wish = None if change.value is None else Wish(decode(change.value, Desired, change.key), change.revision)
        if self._wishes.set(key, wish) or gone:
            self._lanes.supersede(key)
