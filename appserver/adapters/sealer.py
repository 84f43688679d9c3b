"""Secrets at rest: XChaCha20-Poly1305 with a key that lives in a file outside etcd.

The nonce is derived from key, place and text (the idea of SIV, RFC 5297): equal secrets in one place give
equal seals, so plans can compare them, and a nonce repeats only where the whole message does. libsodium's is as fast
on processors without instructions for AES, and takes 2.5 MB of an agent's memory where OpenSSL's second copy took 8.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

from nacl import bindings
from nacl.exceptions import CryptoError

from appserver.core.secrets import MARK
from appserver.errors import BackendError, Invalid

KEY_BYTES = 32
_NONCE = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_TAG = bindings.crypto_aead_xchacha20poly1305_ietf_ABYTES


class KeySealer:
    """`ports.Sealer` over one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise Invalid("seal key", f"is {KEY_BYTES} bytes, base64 encoded, not {len(key)}")
        self._seals = _derived(key, b"moorage seal")
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
        nonce = hmac.digest(self._nonces, len(aad).to_bytes(4, "big") + aad + message, "sha256")[:_NONCE]
        sealed = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(message, aad, nonce, self._seals)
        return MARK + base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, place: str) -> str:
        """
        Raises:
            BackendError: not a seal of this key and place.
        """
        try:
            raw = base64.b64decode(sealed.removeprefix(MARK), validate=True)
            if len(raw) < _NONCE + _TAG:
                raise ValueError("too short")
            nonce, rest = raw[:_NONCE], raw[_NONCE:]
            text = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(rest, place.encode(), nonce, self._seals)
            return text.decode()
        except (CryptoError, ValueError) as error:
            raise BackendError(f"a secret of {place} was not sealed with this machine's key") from error


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, hashlib.sha256)
