"""A bounded memory of what a text was made into: equal texts are made once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Least used first out. Called from many threads; the making itself is not locked."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, T] = OrderedDict()
        self._lock = Lock()

    def __call__(self, text: str, make: Callable[[], T]) -> T:
        known_as = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            if known_as in self._held:
                self._held.move_to_end(known_as)
                return self._held[known_as]
        made = make()
        with self._lock:
            self._held[known_as] = made
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return made
