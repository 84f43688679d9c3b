"""Certificates of authorities that an engine trusts for one registry each: which are to be put, which to go. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

REGISTRY = re.compile(r"(?!\.{1,2}$)([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\Z")
CERTIFICATE = "-----BEGIN CERTIFICATE-----"


class Refused(Exception):
    """It cannot be so, or would take what is not ours. The text is a sentence for the reader."""


@dataclass(frozen=True)
class Change:
    """What is to be written, by registry, what is to go, and the registries that are ours afterwards."""

    put: Mapping[str, str]
    remove: Collection[str]
    ours: frozenset[str]


def change(found: Mapping[str, str], ours: Collection[str], wanted: Mapping[str, str]) -> Change:
    """From what stands there, by registry, and which of it is ours, to what is wanted.

    What people put there is left alone; where it is the same as wanted, it goes on being theirs.

    Raises:
        Refused: a name that is no registry's, a text without a certificate, or people put another one there.
    """
    for registry, text in wanted.items():
        if not REGISTRY.match(registry):
            raise Refused(f"{registry!r} is not a registry: give HOST or HOST:PORT")
        if CERTIFICATE not in text:
            raise Refused(f"what is given for {registry} holds no certificate in PEM")
        if registry in found and registry not in ours and found[registry] != text:
            raise Refused(
                f"{registry} has a ca.crt that was not put there by Moorage. Remove it, or leave the registry out"
            )
    put = {registry: text for registry, text in wanted.items() if found.get(registry) != text}
    gone = {registry for registry in ours if registry not in wanted}
    kept = (set(ours) | set(put)) & set(wanted)
    return Change(put, tuple(sorted(gone & set(found))), frozenset(kept))
