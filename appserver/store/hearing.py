"""Several watches heard as one: of what something changed, gathered until somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Lock, Thread
from types import TracebackType

from appserver.errors import StoreError
from appserver.ports import KV
from appserver.store.watching import watching


class Hearing:
    """From a store revision on, until the context ends."""

    def __init__(self, kv: KV, prefixes: Sequence[str], after: int) -> None:
        self._kv = kv
        self._prefixes = prefixes
        self._after = after
        self._over = Event()
        self._lock = Lock()
        self._names: set[str] = set()
        self._news = Event()
        self._broken: StoreError | None = None

    def __enter__(self) -> Hearing:
        for prefix in self._prefixes:
            Thread(target=self._listen, args=(prefix,), name=f"hear {prefix}", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()

    def wait(self, timeout_s: float) -> None:
        """Until something changed, or somebody poked; then, or after that time, `names` tells what."""
        self._news.wait(timeout_s)
        self._news.clear()

    def poke(self) -> None:
        """Whoever waits is to look."""
        self._news.set()

    def names(self) -> frozenset[str]:
        """What stands behind the prefixes, of all keys that changed since this was asked last.

        Raises:
            Compacted, StoreError: something may have been missed; list again.
        """
        with self._lock:
            names, self._names = frozenset(self._names), set()
            if self._broken:
                raise self._broken
        return names

    def _listen(self, prefix: str) -> None:
        try:
            with watching(self._kv, prefix, self._after, self._over) as watch:
                for change in watch:
                    with self._lock:
                        self._names.add(change.key.removeprefix(prefix))
                    self._news.set()
        except StoreError as error:
            with self._lock:
                self._broken = error
            self._news.set()
