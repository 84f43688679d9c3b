"""Mounts that are to survive a reboot: lines of fstab, and what is mounted now. No files here."""

from __future__ import annotations

import re
from dataclasses import dataclass

MARK = "x-moorage"
"""An option that mount ignores: it says that the line is one of this collection's."""


@dataclass(frozen=True)
class Entry:
    """A line of fstab. `options` are separated by commas."""

    source: str
    path: str
    kind: str
    options: str

    def __str__(self) -> str:
        return " ".join((_escaped(self.source), _escaped(self.path), self.kind, self.options, "0", "0"))

    @property
    def ours(self) -> bool:
        return MARK in self.options.split(",")


@dataclass(frozen=True)
class Mount:
    """A file system that is mounted. `device` is major:minor, `root` the part of it that is seen at `path`."""

    device: str
    root: str
    path: str
    kind: str
    source: str


def entries(text: str) -> tuple[Entry, ...]:
    """The lines of an fstab that mount something, in its order."""
    fields = (line.split() for line in text.splitlines() if not line.lstrip().startswith("#"))
    return tuple(
        Entry(_plain(f[0]), _plain(f[1]), f[2], f[3] if len(f) > 3 else "defaults") for f in fields if len(f) > 2
    )


def entry_at(text: str, path: str) -> Entry | None:
    """What an fstab has mounted at a path."""
    return next((entry for entry in entries(text) if entry.path == path), None)


def with_entry(text: str, wanted: Entry) -> str:
    """The fstab with this line: in the place of the one for the same path, or at the end."""
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if _mounts_at(line, wanted.path)), len(lines))
    return "".join(f"{line}\n" for line in (*lines[:at], str(wanted), *lines[at + 1 :]))


def without_entry(text: str, path: str) -> str:
    """The fstab without the line for a path."""
    return "".join(f"{line}\n" for line in text.splitlines() if not _mounts_at(line, path))


def mounts(text: str) -> tuple[Mount, ...]:
    """The lines of /proc/self/mountinfo, in its order: of two at one path the later one is seen."""
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        kind, source = fields[fields.index("-") + 1 :][:2]
        found.append(Mount(fields[2], _plain(fields[3]), _plain(fields[4]), kind, _plain(source)))
    return tuple(found)


def mount_at(text: str, path: str) -> Mount | None:
    """What is seen mounted at a path."""
    return next((mount for mount in reversed(mounts(text)) if mount.path == path), None)


@dataclass(frozen=True)
class Place:
    """What there is at a path: its line of fstab, what is mounted, and what a mount would hide.

    same: the source that is wanted is what is mounted.
    """

    entry: Entry | None = None
    mount: Mount | None = None
    same: bool = False
    hidden: str = ""


@dataclass(frozen=True)
class Plan:
    """Actions, each with its cause, in their order. With a refusal there are none."""

    steps: tuple[tuple[str, str], ...] = ()
    refusal: str = ""


def decide(place: Place, wanted: Entry | None) -> Plan:
    """How a path comes to have this mounted, now and at every start; `None`: nothing that is ours."""
    entry, mount = place.entry, place.mount
    if entry is not None and not entry.ours:
        return Plan(refusal=f"/etc/fstab has a line of its own: {entry}") if wanted else Plan()
    if wanted is None:
        steps = (("unmount", "it is not wanted"),) if mount and entry else ()
        return Plan((*steps, ("forget", "it is not wanted")) if entry else ())
    if mount is not None and not place.same:
        return Plan(refusal=f"{mount.source} ({mount.kind}) is mounted there")
    if mount is None and place.hidden:
        return Plan(refusal=f"it holds {place.hidden}, which would be hidden")
    found: list[tuple[str, str]] = []
    if entry != wanted:
        found.append(("fstab", "a line is missing" if entry is None else f"it says: {entry}"))
    if mount is None:
        found.append(("mount", "it is not mounted"))
    return Plan(tuple(found))


def _mounts_at(line: str, path: str) -> bool:
    return bool(entries(line)) and entries(line)[0].path == path


def _escaped(text: str) -> str:
    return re.sub(r"[\s\\#]", lambda found: f"\\{ord(found[0]):03o}", text)


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
