"""A plan: steps that each name their cause, and the text and JSON a person or a program reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Action = Literal["create", "recreate", "update", "start", "stop", "remove", "none"]
"""`update` is of how the whole is run, and touches no container by itself."""


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One option of one service: what it was, what it will be, and who says so. Secrets are masked."""

    option: str
    before: str | None
    after: str | None
    source: str = ""

    def __str__(self) -> str:
        if self.before is None:
            told = f"{self.option} {self.after}"
        elif self.after is None:
            told = f"{self.option} {self.before} removed"
        else:
            told = f"{self.option} {self.before} → {self.after}"
        return f"{told}, from {self.source}" if self.source else told


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one service, and why. `changes` are the reasons in detail, where there are any."""

    action: Action
    subject: str
    cause: str
    changes: tuple[ValueChange, ...] = ()

    def __str__(self) -> str:
        return f"{self.subject}: {self.action} — {self.cause}"


def text(steps: Iterable[Step]) -> str:
    """One line a step; steps that do nothing are left out."""
    return "".join(f"{step}\n" for step in steps if step.action != "none")


def is_empty(steps: Iterable[Step]) -> bool:
    return all(step.action == "none" for step in steps)


def to_json(steps: Iterable[Step]) -> list[Mapping[str, object]]:
    return [
        {
            "action": step.action,
            "subject": step.subject,
            "cause": step.cause,
            "changes": [
                {"option": c.option, "before": c.before, "after": c.after, "source": c.source} for c in step.changes
            ],
        }
        for step in steps
    ]
