"""A bounded memory of what a text was made into: equal texts are made once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_BYTES = 16 * 2**20
"""Of text; what it was made into takes several times as much memory."""


class Remembered(Generic[T]):
    """Least used first out. Called from many threads; the making itself is not locked."""

    def __init__(self, most: int, weigh: Callable[[T], int], most_bytes: int = MOST_BYTES) -> None:
        """`weigh` is asked once for each; one that is heavier than `most_bytes` is not kept at all."""
        self._most = most
        self._weigh = weigh
        self._most_bytes = most_bytes
        self._bytes = 0
        self._held: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, text: str, make: Callable[[], T]) -> T:
        known_as = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            if known_as in self._held:
                self._held.move_to_end(known_as)
                return self._held[known_as][0]
        made = make()
        weight = self._weigh(made)
        if weight <= self._most_bytes:
            self._keep(known_as, made, weight)
        return made

    def _keep(self, known_as: str, made: T, weight: int) -> None:
        with self._lock:
            _, before = self._held.pop(known_as, (made, 0))  # another thread may have made it meanwhile
            self._held[known_as] = (made, weight)
            self._bytes += weight - before
            while len(self._held) > self._most or self._bytes > self._most_bytes:
                _, (_, gone) = self._held.popitem(last=False)
                self._bytes -= gone
