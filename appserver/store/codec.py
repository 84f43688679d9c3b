"""A record of `core.entities` to JSON text and back. Fields at their default are written too: the record is read by people."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import msgspec

from appserver.errors import StoreError

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="deterministic")


def encode(record: object) -> str:
    return _encoder.encode(record).decode()


def decode(text: str, kind: type[T]) -> T:
    """
    Raises:
        StoreError: the text is not such a record; the store was written by another program or version.
    """
    try:
        return _decoder(kind).decode(text.encode())  # type: ignore[no-any-return]
    except msgspec.MsgspecError as error:
        raise StoreError(f"a {kind.__name__} on record cannot be read: {error}") from error


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[object]:
    return msgspec.json.Decoder(kind)
