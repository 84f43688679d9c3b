"""Passwords by argon2id.

Parameters are OWASP's second set (19 MiB, two passes, one lane): about 25 ms of one core. Two at once at most, so that
a storm of log-ins takes neither the memory nor the cores that requests need.
"""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from appserver.errors import TooMany


class Argon2:
    """The port `Passwords`."""

    def __init__(self, memory_kib: int = 19 * 1024, passes: int = 2, at_once: int = 2, wait_s: float = 3.0) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._room = BoundedSemaphore(at_once)
        self._wait_s = wait_s
        self._nobody = self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        self._enter()
        try:
            return self._hasher.hash(password)
        finally:
            self._room.release()

    def verify(self, hashed: str, password: str) -> bool:
        self._enter()
        try:
            return self._hasher.verify(hashed or self._nobody, password) and bool(hashed)
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._room.release()

    def _enter(self) -> None:
        if not self._room.acquire(timeout=self._wait_s):
            raise TooMany("too many log-ins at once", retry_after_s=self._wait_s)
