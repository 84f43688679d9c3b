"""When certificates end: read from PEM with the standard library alone, which keeps an agent small; and what is said.

Of X.509 (RFC 5280, section 4.1) no more is read than leads to the end. Whether anybody trusts it is not asked here.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

SOON = timedelta(days=30)
"""Half of the time that a playbook leaves, which renews what ends within 60 days."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERAL_TIME = 0x30, 0xA0, 0x17, 0x18


def ends(text: str) -> datetime:
    """When the first of the certificates in a PEM file ends.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    try:
        return min(_end(ssl.PEM_cert_to_DER_cert(one)) for one in _PEM.findall(text))
    except (ValueError, IndexError) as error:
        raise ValueError("has no certificate that can be read") from error


def finding(found: Mapping[str, datetime], now: datetime) -> tuple[bool, str]:
    """Whether none of those, by their names, ends soon; and which do, the first of them first."""
    soon = sorted((end, name) for name, end in found.items() if end - now < SOON)
    told = ", ".join(f"{name} {_when(end, now)}" for end, name in soon)
    return not soon, told or f"none ends within {SOON.days} days"


def _when(end: datetime, now: datetime) -> str:
    if end <= now:
        return f"ended on {end:%Y-%m-%d}"
    days = (end - now).days
    return f"ends in {days} day{'s'[: days > 1]}" if days else "ends in less than a day"


def _end(der: bytes) -> datetime:
    """Certificate, what is signed of it, in that: version, serial number, algorithm, issuer, validity."""
    signed = _inside(_inside(der, _SEQUENCE)[0], _SEQUENCE)[0]
    if signed[0] == _VERSION:
        signed = _inside(signed, _VERSION)[1]
    for _ in range(3):
        signed = _inside(signed, signed[0])[1]
    _, last = _inside(validity := _inside(signed, _SEQUENCE)[0], validity[0])
    kind = last[0]
    told = _inside(last, kind)[0].decode("ascii")
    if kind == _UTC_TIME:  # two digits of the year: 1950 to 2049
        told = f"{'19' if told >= '5' else '20'}{told}"
    elif kind != _GENERAL_TIME:
        raise ValueError("no time")
    return datetime.strptime(told, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _inside(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """What the element at the beginning holds, and what follows it."""
    if der[0] != tag:
        raise ValueError(f"{der[0]:#x} where {tag:#x} should be")
    size, at = der[1], 2
    if size >= 0x80:  # then that many bytes say how long it is
        at += size & 0x7F
        size = int.from_bytes(der[2:at])
    if len(der) < at + size:
        raise ValueError("it is cut off")
    return der[at : at + size], der[at + size :]
