"""AES-256-GCM by `cryptography`, which runs on every processor. Loaded only where `aes_gcm` needs it."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Openssl:
    """See `aes_gcm.Cipher`."""

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)

    def encrypt(self, nonce: bytes, message: bytes, place: bytes) -> bytes:
        return self._box.encrypt(nonce, message, place)

    def decrypt(self, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
        try:
            return self._box.decrypt(nonce, sealed, place)
        except InvalidTag as error:
            raise ValueError("not sealed with this key") from error
