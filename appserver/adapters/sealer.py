"""Secrets at rest: AES-256-GCM with a key that lives in a file outside etcd.

The nonce is derived from key, place and text (the idea of SIV, RFC 5297): equal secrets in one place give
equal seals, so plans can compare them, and a nonce repeats only where the whole message does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

from appserver.adapters.aes_gcm import NONCE, TAG, cipher
from appserver.core.secrets import MARK
from appserver.errors import BackendError, Invalid, SealError

KEY_BYTES = 32


class KeySealer:
    """`ports.Sealer` over one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise Invalid("seal key", f"is {KEY_BYTES} bytes, base64 encoded, not {len(key)}")
        self._box = cipher(_derived(key, b"moorage seal"))
        self._nonces = _derived(key, b"moorage nonce")

    @classmethod
    def from_file(cls, path: Path) -> KeySealer:
        """
        Raises:
            BackendError: the file is missing or cannot be read.
            Invalid: it does not hold a key.
        """
        try:
            text = path.read_text().strip()
        except OSError as error:
            raise BackendError(f"the seal key {path} cannot be read: {error.strerror}") from error
        try:
            return cls(base64.b64decode(text, validate=True))
        except ValueError as error:
            raise Invalid("seal key", f"{path} does not hold a base64 key") from error

    def seal(self, text: str, place: str) -> str:
        message, aad = text.encode(), place.encode()
        nonce = hmac.digest(self._nonces, len(aad).to_bytes(4, "big") + aad + message, "sha256")[:NONCE]
        return MARK + base64.b64encode(nonce + self._box.encrypt(nonce, message, aad)).decode()

    def open(self, sealed: str, place: str) -> str:
        """
        Raises:
            SealError: not a seal of this key and place.
        """
        try:
            raw = base64.b64decode(sealed.removeprefix(MARK), validate=True)
            if len(raw) < NONCE + TAG:
                raise ValueError("too short to be sealed")
            return self._box.decrypt(raw[:NONCE], raw[NONCE:], place.encode()).decode()
        except ValueError as error:
            raise SealError(f"a secret of {place} was not sealed with this machine's key") from error


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, hashlib.sha256)
