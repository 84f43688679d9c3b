"""AES-256-GCM: libsodium's where the processor has instructions for it, else OpenSSL's. Both give the same bytes.

libsodium comes first for its size: it takes 1 MB of an agent's memory, and the OpenSSL that `cryptography` brings
along takes 7.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from nacl import bindings
from nacl.exceptions import CryptoError, UnavailableError

NONCE = 12
TAG = 16


class Cipher(Protocol):
    """Of one key of 32 bytes."""

    def encrypt(self, nonce: bytes, message: bytes, place: bytes) -> bytes:
        """With the tag at its end."""

    def decrypt(self, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
        """
        Raises:
            ValueError: not made with this key, nonce and place, or changed since.
        """


class Sodium:
    """
    Raises (when made):
        UnavailableError: the processor has no instructions for it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.encrypt(bytes(NONCE), b"", b"")

    def encrypt(self, nonce: bytes, message: bytes, place: bytes) -> bytes:
        return bindings.crypto_aead_aes256gcm_encrypt(message, place, nonce, self._key)

    def decrypt(self, nonce: bytes, sealed: bytes, place: bytes) -> bytes:
        try:
            return bindings.crypto_aead_aes256gcm_decrypt(sealed, place, nonce, self._key)
        except CryptoError as error:
            raise ValueError("not sealed with this key") from error


def cipher(key: bytes) -> Cipher:
    try:
        return Sodium(key)
    except UnavailableError:
        found: Cipher = import_module("appserver.adapters.aes_gcm_openssl").Openssl(key)
        return found
