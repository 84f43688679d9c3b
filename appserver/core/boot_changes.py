"""What changed on a boot server by somebody's hand, as events of its node tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from appserver.core.events import NODE, Happening

ChangeKind = Literal["container", "deb", "bmc"]
KINDS: tuple[ChangeKind, ...] = ("container", "deb", "bmc")
DETAIL = "changes"
"""Under which an event lists them: kind, name, before, after."""


@dataclass(frozen=True, slots=True)
class Change:
    """A package, a container or a user of the board; `before` or `after` is empty where there was, or is, none."""

    at: datetime
    kind: ChangeKind
    name: str
    before: str
    after: str

    def to_json(self) -> dict[str, object]:
        return {
            "at": self.at.isoformat(),
            "kind": self.kind,
            "name": self.name,
            "before": self.before or None,
            "after": self.after or None,
        }


def told_by(event: Happening, subjects: Sequence[str]) -> tuple[Change, ...]:
    """Those of one of the subjects; none of another event. An agent may write any: what is no change is none."""
    listed = event.detail.get(DETAIL)
    if event.bus != NODE or event.subject not in subjects or not isinstance(listed, list | tuple):
        return ()
    return tuple(
        Change(event.at, cast(ChangeKind, entry[0]), *entry[1:])
        for entry in listed
        if isinstance(entry, list | tuple)
        and len(entry) == 4
        and all(isinstance(word, str) for word in entry)
        and entry[0] in KINDS
    )
