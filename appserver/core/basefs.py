"""Versions of the base file system: what is on record of each, and which of them may be forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Basefs:
    """One version, which never changes.

    image: digest of its configuration, which is its id. digest: of its manifest, by which some engines call it.
    inputs: digest of what people decided: suite, packages, sources. packages: name to version, of all that is in it.
    """

    version: str
    image: str
    digest: str
    inputs: str
    suite: str
    packages: Mapping[str, str] = field(default_factory=dict)


def why_not(known: Basefs | None, inputs: str) -> str:
    """Why a version cannot be built from these inputs; empty when it can, or is there."""
    if known is None or known.inputs == inputs:
        return ""
    return (
        f"version {known.version} is on record, built from other packages or sources: give what you want a new version"
    )


def otherwise(known: Basefs, built: Basefs) -> str:
    """In what a build differs from the record of its version; empty when they are the same."""
    if known.image == built.image:
        return ""
    names = sorted(known.packages.keys() | built.packages.keys())
    moved = [name for name in names if known.packages.get(name) != built.packages.get(name)]
    told = ", ".join(f"{n} {known.packages.get(n, '–')} → {built.packages.get(n, '–')}" for n in moved[:5])
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    return f"the mirror has other packages than when it was built ({told}{more})" if moved else "its bytes differ"


def forgotten(versions: Collection[str], held: Collection[str], current: str) -> tuple[str, ...]:
    """Versions that are not in use and that no boot server has any more."""
    return tuple(sorted(version for version in versions if version not in held and version != current))
