"""One source being read: the values found so far, and every fault, so that all are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from image_config.errors import ConfigError, plain
from image_config.model import Kind, Path, Value

MOST_ENTRIES = 20_000

TWINS: dict[Path, Path] = {
    ("deploy", "resources", "limits", "memory"): ("mem_limit",),
    ("deploy", "resources", "limits", "cpus"): ("cpus",),
    ("deploy", "resources", "limits", "pids"): ("pids_limit",),
    ("deploy", "resources", "reservations", "memory"): ("mem_reservation",),
    ("deploy", "replicas"): ("scale",),
}
"""Second places of one option in Compose, which refuses a service where the two differ."""
_TWINNED = frozenset(TWINS.values())


@dataclass(frozen=True, slots=True)
class Found:
    """A value with the line it stands on; who said it is added when the file's commit is known."""

    path: Path
    value: Value
    line: int
    spelled: tuple[Path, ...] = ()


@dataclass(slots=True)
class Reading:
    """What the kinds write into.

    `said` in the methods is the key as its author wrote it (`ports/0`); `path` the canonical one.
    """

    file: str
    kind: Kind
    found: dict[Path, Found] = field(default_factory=dict)
    marks: list[tuple[Path, int]] = field(default_factory=list)
    faults: list[ConfigError] = field(default_factory=list)

    @property
    def strict(self) -> bool:
        """Anything but what Compose rendered: what would be taken from the machine Compose runs on is refused."""
        return self.kind != "compose"

    def put(self, path: Path, value: Value, line: int, said: str) -> None:
        same = TWINS.get(path, path)
        spelled = (path,) if same in _TWINNED else ()
        before = self.found.get(same)
        if before is None:
            if len(self.found) >= MOST_ENTRIES:
                self.fault(said, line, f"is one value too many; a source gives at most {MOST_ENTRIES}")
            else:
                self.found[same] = Found(same, value, line, spelled)
        elif self.kind == "compose":
            self.found[same] = Found(same, value, before.line, before.spelled + spelled)
        else:
            at = f" on line {before.line}" if before.line else ""
            self.fault(said, line, f"gives {show_path(same)} a second time; it is given already{at}")

    def mark(self, path: Path, line: int) -> None:
        self.marks.append((TWINS.get(path, path), line))

    def fault(self, said: str, line: int, why: str, nearest: str = "") -> None:
        self.faults.append(ConfigError(self.file, line, said, why, nearest))


def show_path(path: Path) -> str:
    return plain("/".join(path))


def nearest(text: str, known: Iterable[str]) -> str:
    """The known name most like `text`, whatever its case; empty where none is."""
    if len(text) > 64:
        return ""
    by_lower: dict[str, str] = {}
    for name in known:
        by_lower.setdefault(name.lower(), name)
    close = difflib.get_close_matches(text.lower(), by_lower, 1, 0.6)
    return by_lower[close[0]] if close else ""
