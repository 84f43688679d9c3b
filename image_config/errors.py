"""What is wrong with a configuration, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn


class ConfigError(Exception):
    """One fault. `key` is written as its author wrote it, below a list or map with `/` (`ports/0`).

    `file` is empty where the value came through a form; `line` is 0 where there is none.
    """

    def __init__(self, file: str, line: int, key: str, why: str, nearest: str = "") -> None:
        super().__init__(file, line, key, why, nearest)
        self.file = file
        self.line = line
        self.key = plain(key)
        self.why = why
        self.nearest = nearest

    @property
    def where(self) -> str:
        """`dev/web.yml:4`; empty for a form."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file

    @property
    def reason(self) -> str:
        """The sentence, with the nearest known key where there is one."""
        return f"{self.why}; did you mean {self.nearest}?" if self.nearest else self.why

    @property
    def faults(self) -> tuple[ConfigError, ...]:
        """Every fault found together with this one."""
        return (self,)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.reason) if part)


class ConfigErrors(ConfigError):
    """Several faults of one reading, so that a person mends them in one pass. Its own fields are the first's."""

    def __init__(self, faults: Sequence[ConfigError]) -> None:
        first = faults[0]
        super().__init__(first.file, first.line, first.key, first.why, first.nearest)
        self._faults = tuple(faults)

    @property
    def faults(self) -> tuple[ConfigError, ...]:
        return self._faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self._faults)


def fail(faults: Sequence[ConfigError]) -> NoReturn:
    """Raise what was found: one fault as itself, several together."""
    raise faults[0] if len(faults) == 1 else ConfigErrors(faults)


def plain(text: str, limit: int = 80) -> str:
    """A stranger's text made fit for a terminal, a log and a page: printable, one line, bounded."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
