"""What is asked of the app server's own host: sealing, passwords, the time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Sealer(Protocol):
    """Secrets at rest. The same text in the same place gives the same seal, so that plans compare."""

    def seal(self, text: str, place: str) -> str: ...
    def open(self, sealed: str, place: str) -> str:
        """
        Raises:
            SealError: not sealed with this key, for this place.
        """


class Passwords(Protocol):
    """Hashes of passwords: slow on purpose, and bounded in how many are made at once."""

    def hash(self, password: str) -> str: ...
    def verify(self, hashed: str, password: str) -> bool:
        """Takes as long for an empty hash, which nothing fits."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""

    def sleep(self, seconds: float) -> None: ...
