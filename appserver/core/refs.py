"""References of a repository: their names, and which of them a push may move."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appserver.core.config_tree import Fault, shown
from appserver.errors import Invalid

ZERO = "0" * 40
MAX_UPDATES = 100
BRANCHES = "refs/heads/"
TAGS = "refs/tags/"

_COMMIT = re.compile(r"[0-9a-f]{40}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,199}")


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One line of what a hook is told. `old` is all zeros for a new reference, `new` for one to be deleted.

    Bytes of `ref` that are no text stand in it as surrogates.
    """

    ref: str
    old: str
    new: str


def short(commit: str) -> str:
    """As plans and explanations show a commit: `3f2c1a`."""
    return commit[:6]


def check_commit(text: str, where: str = "commit") -> str:
    """A full object id: the only form of a revision that is ever passed to git.

    Raises:
        Invalid: anything else, an abbreviation included.
    """
    if not _COMMIT.fullmatch(text):
        raise Invalid(where, "a commit is 40 of 0-9 a-f")
    return text


def check_branch(name: str, where: str = "branch") -> str:
    """A branch name that git takes and no option, path or revision expression can be mistaken for.

    Raises:
        Invalid: anything else.
    """
    parts = name.split("/")
    if (
        not _BRANCH.fullmatch(name)
        or ".." in name
        or any(not part or part.startswith((".", "-")) or part.endswith((".lock", ".")) for part in parts)
        or parts[0] == "refs"
    ):
        raise Invalid(where, "a branch is named by A-Z a-z 0-9 _ . + / - as git allows, without refs/heads/ before it")
    return name


def tracked(updates: Iterable[RefUpdate], branch: str) -> RefUpdate | None:
    """The update of the branch that is rolled out, if the push has one."""
    return next((update for update in updates if update.ref == BRANCHES + branch), None)


def ref_faults(updates: Sequence[RefUpdate], branch: str, head: str | None, loses: Sequence[str]) -> tuple[Fault, ...]:
    """What may not happen to references.

    Args:
        branch: the one that is rolled out.
        head: its present commit.
        loses: commits, of those that may not be lost, from which its new one does not descend.
    """
    found: list[Fault] = []
    if len(updates) > MAX_UPDATES:
        found.append(("", f"{len(updates)} references at once; at most {MAX_UPDATES}"))
    for update in updates:
        if not update.ref.startswith((BRANCHES, TAGS)):
            found.append((_shown(update.ref), "only branches and tags are kept here"))
        elif not update.ref.isprintable():
            found.append((_shown(update.ref), "its name is not plain text"))
    ours = tracked(updates, branch)
    if ours is None:
        return tuple(found)
    if ours.new == ZERO:
        found.append((branch, "is what the applications are configured from; it cannot be deleted"))
    elif head is not None and head != ours.old:
        found.append((branch, f"moved to {short(head)} while you pushed: fetch, merge, push again"))
    elif loses:
        found.append((branch, f"would lose {short(loses[0])}, which is in force (a forced push): revert it instead"))
    return tuple(found)


def _shown(ref: str) -> str:
    return shown(ref.encode(errors="surrogateescape"))
