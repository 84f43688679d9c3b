"""What is to be done so that a directory holds no more than it may: decided of what was seen, without touching it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

KINDS = ("btrfs", "xfs", "lvm", "gluster")
"""What can hold a directory to a size: a quota group, a project, a volume of its own, the shared volume."""
WHOLE_BY_BIRTH = {"btrfs": "a subvolume", "lvm": "a logical volume"}
"""Where the directory has to be something of its own, which a directory with files cannot become."""

LONGEST_NAME = 100
"""Characters of a logical volume's name; with the group's, the device mapper takes 127."""


@dataclass(frozen=True)
class Wanted:
    """`limit` is bytes; `None` is no limit."""

    path: str
    limit: int | None


@dataclass(frozen=True)
class Seen:
    """What there is at a path.

    kind: one of KINDS, or the file system that can hold nothing to a size.
    ready: why its quotas cannot be used, empty when they can.
    own: whether the directory is what a limit can be put on; empty: whether it has no files.
    limit, used: bytes; a limit of `None` is none.
    """

    kind: str
    ready: str = ""
    exists: bool = False
    own: bool = False
    empty: bool = True
    limit: int | None = None
    used: int = 0


@dataclass(frozen=True)
class Plan:
    """Actions, each with its cause, in their order. With a refusal there are none."""

    steps: tuple[tuple[str, str], ...] = ()
    refusal: str = ""
    warning: str = ""


def decide(seen: Seen, wanted: Wanted) -> Plan:
    """What is to be done, or why nothing can be."""
    why = _against(seen, wanted)
    if why:
        return Plan(refusal=why)
    steps = []
    if not seen.exists:
        steps.append(("make", "there is none"))
    elif not seen.own and wanted.limit is not None:
        steps.append(("own", f"it is no {WHOLE_BY_BIRTH.get(seen.kind, 'a project').partition(' ')[2]}"))
    if seen.limit != wanted.limit:
        steps.append(("limit", f"{_shown(seen.limit)} → {_shown(wanted.limit)}"))
    over = wanted.limit is not None and seen.used > wanted.limit
    warning = f"{wanted.path} holds {_shown(seen.used)} already: nothing more can be written to it" if over else ""
    return Plan(tuple(steps), warning=warning)


def volume_name(path: str) -> str:
    """Name of the logical volume that is a directory's own, and of no other's.

    Components are joined with dots. Where a path could be taken for another one then, or is too long for the device
    mapper, which doubles hyphens, a digest tells it apart after a plus, which is in no other name.
    """
    name = re.sub(r"[^a-zA-Z0-9_-]", ".", path.strip("/"))
    if re.fullmatch(r"[a-zA-Z0-9_/-]+", path) and len(name.replace("-", "--")) <= LONGEST_NAME:
        return name
    return f"{name[-LONGEST_NAME // 3 :].lstrip('-')}+{hashlib.sha256(path.encode()).hexdigest()[:32]}"


def _against(seen: Seen, wanted: Wanted) -> str:
    if seen.kind not in KINDS:
        return "" if wanted.limit is None else f"{wanted.path} lies on {seen.kind}, which has no quotas here"
    if seen.ready:
        return seen.ready
    if wanted.limit is not None and seen.exists and not seen.own and not seen.empty and seen.kind in WHOLE_BY_BIRTH:
        return f"{wanted.path} has files and is not {WHOLE_BY_BIRTH[seen.kind]}, on which alone a limit can be put"
    if seen.kind == "lvm" and seen.own:
        if wanted.limit is None:
            return f"{wanted.path} is a logical volume, which always has a size"
        if seen.limit is not None and wanted.limit < seen.limit:
            return f"{wanted.path} has {_shown(seen.limit)}; a logical volume can grow, not shrink"
    return ""


def _shown(size: int | None) -> str:
    if size is None:
        return "no limit"
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size} bytes"
