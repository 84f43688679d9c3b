"""What a proxy goes by, as the store has it now: listed once, then followed."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event, Lock, Thread

from appserver.core.routes import Route
from appserver.errors import StoreError
from appserver.ports import KV, Item, Snapshot
from appserver.store import keys
from appserver.store.routes import PREFIXES, table_of
from appserver.store.watching import watching


class Known:
    """`news` is set at every change, and when `broken` is."""

    def __init__(self, kv: KV) -> None:
        self._kv = kv
        self._lock = Lock()
        self._items: dict[str, Item] = {}
        self._heard = {keys.SERVING: 0, keys.ROUTES: 0}
        self.news = Event()
        self.broken: StoreError | None = None

    def begin(self, stop: Event) -> list[Thread]:
        """List, then follow until `stop` is set.

        Raises:
            StoreError
        """
        listed = self._kv.snapshot(*PREFIXES)
        self._items = dict(listed.items)
        self._heard = dict.fromkeys(self._heard, listed.revision)
        self.news.set()
        threads = [Thread(target=self._follow, args=(p, listed.revision, stop), name=f"watch {p}") for p in PREFIXES]
        for thread in threads:
            thread.start()
        return threads

    def table(self) -> tuple[tuple[Route, ...], Mapping[str, int]]:
        """And the store revisions of the newest changes below `serving/` and `routes/` that it takes in."""
        with self._lock:
            seen, heard = Snapshot(0, dict(self._items)), dict(self._heard)
        return table_of(seen), heard

    def _follow(self, prefix: str, after: int, stop: Event) -> None:
        try:
            with watching(self._kv, prefix, after, stop) as watch:
                for change in watch:
                    with self._lock:
                        if change.value is None:
                            self._items.pop(change.key, None)
                        else:
                            self._items[change.key] = Item(change.value, change.revision)
                        if prefix in self._heard:
                            self._heard[prefix] = max(self._heard[prefix], change.revision)
                    self.news.set()
        except StoreError as error:
            self.broken = error
            self.news.set()
