"""Where the host's own /proc, /sys and file systems are, seen from a process that may have namespaces of its own.

Process 1 is asked for them: its root, its mounts, its network. An agent in a container sees the host's when it shares
the host's process ids (`pid: host`); else process 1 is the container's own, and so is what is measured.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_FIRST = Path("/proc/1")


@dataclass(frozen=True, slots=True)
class HostFiles:
    """`root` stands before every path of the host; `first` is the directory of process 1."""

    root: Path
    first: Path

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str:
        """
        Raises:
            OSError
        """
        return self.path(path).read_text(errors="replace")

    def of_first(self, name: str) -> str:
        """A file of process 1; where its files are not for us, our own.

        Raises:
            OSError
        """
        try:
            return (self.first / name).read_text(errors="replace")
        except PermissionError:
            return self.path(f"/proc/self/{name}").read_text(errors="replace")


def of_host() -> HostFiles:
    """Of process 1, where we may look through its root, which root may outside of a sandbox; else our own."""
    root = _FIRST / "root"
    return HostFiles(root if os.access(root / "proc/stat", os.R_OK) else Path("/"), _FIRST)


def interfaces(text: str) -> Iterable[tuple[str, Sequence[int]]]:
    """Of a `net/dev`: name and sixteen counters, eight of what was received and eight of what was sent."""
    for line in text.splitlines()[2:]:
        name, colon, rest = line.partition(":")
        counters = [int(part) for part in rest.split()]
        if colon and len(counters) >= 16:
            yield name.strip(), counters
