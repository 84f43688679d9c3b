"""What people and programs are shown of a revision. Never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appserver.core import compose, secrets
from appserver.core.entities import Cause, Outcome, Revision
from appserver.core.views import cause_json


@dataclass(frozen=True, slots=True)
class RevisionView:
    """One line of the history; `project` and `diff` only where one revision was asked for.

    `images` are what each service is pinned to, `references` what its author called that.
    """

    number: int
    author: str
    at: datetime
    reason: str
    outcome: str
    causes: tuple[Cause, ...]
    commits: Mapping[str, str]
    images: Mapping[str, str]
    references: Mapping[str, str]
    restores: int
    in_force: bool
    digest: str
    project: str = ""
    diff: str = ""

    def to_json(self) -> Mapping[str, object]:
        return {
            "number": self.number,
            "author": self.author,
            "at": self.at.isoformat(),
            "reason": self.reason,
            "outcome": self.outcome,
            "causes": [cause_json(c) for c in self.causes],
            "commits": dict(self.commits),
            "images": dict(self.images),
            "references": dict(self.references),
            "restores": self.restores,
            "in_force": self.in_force,
            "digest": self.digest,
            **({"project": self.project, "diff": self.diff} if self.project else {}),
        }


def revision_view(
    revision: Revision, outcome: Outcome | None, in_force: int, whole: bool = False, before: Revision | None = None
) -> RevisionView:
    return RevisionView(
        number=revision.number,
        author=revision.author,
        at=revision.at,
        reason=revision.reason,
        outcome=outcome.state if outcome else "in progress",
        causes=outcome.causes if outcome else (),
        commits=revision.commits,
        images={name: facts.pin for name, facts in revision.images.items()},
        references={name: facts.reference for name, facts in revision.images.items()},
        restores=revision.restores,
        in_force=revision.number == in_force,
        digest=revision.digest,
        project=compose.to_text(secrets.masked(revision.project)) if whole else "",  # type: ignore[arg-type]
        diff=compose.diff(before.project if before else None, revision.project) if whole else "",
    )
