"""Which references of a repository of releases a push may bring, move and delete. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appserver.core import release_versions
from appserver.core.config_tree import Fault
from appserver.core.refs import TAGS, ZERO, RefUpdate, ref_faults, short

REPOSITORY = "releases"
"""Its name, of the one that is hosted here and of the mirror."""
BRANCH = "main"
PREFIXES = tuple(dict.fromkeys(f"{prefix}-" for prefix in release_versions.CHANNELS.values() if prefix))


def release_tags(updates: Sequence[RefUpdate]) -> Mapping[str, str]:
    """Name to object id, of the tags that a push brings and that are to be releases."""
    found = {update.ref.removeprefix(TAGS): update.new for update in updates if update.ref.startswith(TAGS)}
    return {name: id_ for name, id_ in found.items() if name.startswith(PREFIXES) and id_ != ZERO}


def faults(updates: Sequence[RefUpdate]) -> tuple[Fault, ...]:
    """What may not happen to references. Branches may be moved as people like: a release is its tag."""
    found = list(ref_faults(updates, "", None, ()))
    for update in updates:
        name = update.ref.removeprefix(TAGS)
        if not update.ref.startswith(TAGS) or not name.startswith(PREFIXES):
            continue
        if release_versions.tagged(name) is None:
            prefix = name.partition("-")[0]
            found.append((name, f"is no release: such a tag is called {prefix}-YYYY.MM.DD-ID"))
        elif update.new == ZERO:
            found.append((name, "is a release, and what was released is not deleted: put it aside instead"))
        elif update.old != ZERO:
            found.append((name, f"is a release already, of {short(update.old)}: take the next number instead"))
    return tuple(found)


def one_commit(tag: str, commit: str, others: Mapping[str, str]) -> Fault | None:
    """A version is one commit, by whatever tags it is known.

    Args:
        others: tag to commit, of those that are known.
    """
    known = release_versions.tagged(tag)
    for other, of in others.items():
        told = release_versions.tagged(other)
        if known and told and known[1] == told[1] and of != commit:
            return tag, f"is at {short(commit)}, and {other} at {short(of)}: one version is one commit"
    return None
