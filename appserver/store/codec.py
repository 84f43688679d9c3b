"""A record to JSON text and back. Fields at their default are written too: people read the record."""

from __future__ import annotations

from typing import TypeVar, cast

import msgspec

from appserver.errors import BadRecord

T = TypeVar("T")

_decoders: dict[type, msgspec.json.Decoder[object]] = {}
_encoder = msgspec.json.Encoder(order="deterministic")


def encode(record: object) -> str:
    return _encoder.encode(record).decode()


def decode(text: str, kind: type[T], where: str = "") -> T:
    """
    Args:
        where: the key it was read from, for the error to name.
    Raises:
        BadRecord: the text is not such a record; the store was written by another program or version.
    """
    try:
        return cast(T, _decoder(kind).decode(text.encode()))
    except msgspec.MsgspecError as error:
        told = f"a {kind.__name__} on record cannot be read: {error}"
        raise BadRecord(f"{where}: {told}" if where else told) from error


def _decoder(kind: type) -> msgspec.json.Decoder[object]:
    if kind not in _decoders:
        _decoders[kind] = msgspec.json.Decoder(kind)
    return _decoders[kind]
