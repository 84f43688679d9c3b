"""Seals: equal where they must compare, closed to everybody else."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.adapters.aes_gcm import NONCE, Sodium
from appserver.adapters.aes_gcm_openssl import Openssl
from appserver.adapters.sealer import KEY_BYTES, KeySealer
from appserver.core.secrets import MARK, is_sealed
from appserver.errors import AppServerError, BackendError, Invalid

SEALER = KeySealer(bytes(range(32)))
PLACE = "default.shop"


@given(st.text(), st.text())
def test_a_seal_opens_to_what_was_sealed_and_is_the_same_each_time(text: str, place: str):
    """Plans compare seals: equal secrets in one place are equal there."""
    sealed = SEALER.seal(text, place)
    assert (is_sealed(sealed), SEALER.open(sealed, place), SEALER.seal(text, place)) == (True, text, sealed)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=NONCE, max_size=NONCE), st.binary(), st.binary())
def test_both_ciphers_are_the_same(key: bytes, nonce: bytes, message: bytes, place: bytes):
    """What one node sealed, another opens whose processor is of another kind."""
    one, other = Sodium(key), Openssl(key)
    sealed = one.encrypt(nonce, message, place)
    assert other.encrypt(nonce, message, place) == sealed
    assert one.decrypt(nonce, sealed, place) == other.decrypt(nonce, sealed, place) == message
    for box in (one, other):
        with pytest.raises(ValueError, match="not sealed with this key"):
            box.decrypt(nonce, sealed, place + b"x")


def test_one_secret_in_two_places_has_two_seals():
    """Whoever reads the store does not learn that two applications share a password, and cannot move a seal."""
    here = SEALER.seal("swordfish", PLACE)
    assert here != SEALER.seal("swordfish", "default.bar")
    with pytest.raises(BackendError, match=r"default\.bar was not sealed"):
        SEALER.open(here, "default.bar")


def test_another_key_opens_nothing():
    """A stolen store is of no use without the key file."""
    with pytest.raises(BackendError):
        KeySealer(bytes(32)).open(SEALER.seal("swordfish", PLACE), PLACE)


@pytest.mark.parametrize(
    "broken", ["", MARK, f"{MARK}AAAA", f"{MARK}!", "plain", MARK + base64.b64encode(bytes(99)).decode()]
)
def test_what_is_no_seal_is_refused(broken: str):
    """With a sentence, not with whatever the library throws."""
    with pytest.raises(BackendError, match="not sealed with this machine's key"):
        SEALER.open(broken, PLACE)


def test_a_changed_seal_is_refused():
    """Each bit counts."""
    raw = bytearray(base64.b64decode(SEALER.seal("swordfish", PLACE).removeprefix(MARK)))
    for at in range(len(raw)):
        changed = bytes([*raw[:at], raw[at] ^ 1, *raw[at + 1 :]])
        with pytest.raises(BackendError):
            SEALER.open(MARK + base64.b64encode(changed).decode(), PLACE)


def test_the_key_comes_from_a_file(tmp_path: Path):
    """As `openssl rand -base64 32` writes it; one that is missing or no key is told with its path."""
    path = tmp_path / "seal.key"
    with pytest.raises(BackendError, match="cannot be read"):
        KeySealer.from_file(path)
    path.write_text(f"{base64.b64encode(bytes(KEY_BYTES)).decode()}\n")
    assert KeySealer.from_file(path).open(KeySealer.from_file(path).seal("x", PLACE), PLACE) == "x"
    for bad in ("short", base64.b64encode(b"short").decode()):
        path.write_text(bad)
        with pytest.raises(AppServerError) as found:
            KeySealer.from_file(path)
        assert isinstance(found.value, Invalid)
        assert bad not in str(found.value)
