"""Which of the releases on record stay, and by which tags they are known. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from appserver.core.release import Kept
from appserver.core.release_versions import CHANNELS, parse, tagged

KEPT = 10
"""Of each kind of tag: what one channel has in force is not pushed out by another's haste."""
_WEIGHT = {prefix: at for at, prefix in enumerate(CHANNELS.values())}


def surplus(kept: Sequence[Kept], in_use: Collection[str], most: int = KEPT) -> tuple[str, ...]:
    """Versions that are no longer among the newest, and that nothing uses."""
    newest_first = sorted(kept, key=lambda one: parse(one.release.version), reverse=True)
    stay = set(in_use)
    for prefix in set(CHANNELS.values()):
        of = [one.release.version for one in newest_first if prefix in {tag.partition("-")[0] for tag in _tags(one)}]
        stay.update(of[:most])
    return tuple(one.release.version for one in newest_first if one.release.version not in stay)


def tags_of(kept: Sequence[Kept], source: str) -> Mapping[str, str]:
    """Tag to commit, of those that came from there: also such as were pushed to another app server."""
    return {tag: one.commit for one in kept if one.source == source for tag in _tags(one)}


def best(tags: Collection[str], version: str) -> str | None:
    """The tag of a version that is nearest to prod; None where it has none."""
    of = [tag for tag in tags if (known := tagged(tag)) and str(known[1]) == version]
    return max(of, key=lambda tag: _WEIGHT[tag.partition("-")[0]], default=None)


def aside(kept: Sequence[Kept], tags: Iterable[str] = ()) -> frozenset[str]:
    """Versions that are not to be taken: what was put aside, and all up to what somebody went back from.

    Args:
        tags: of the repository.
    """
    left = [parse(one.release.version) for one in kept if one.back]
    before = (known[1] for tag in tags if (known := tagged(tag)) and any(known[1] <= one for one in left))
    return frozenset((*(one.release.version for one in kept if one.aside), *map(str, before)))


def _tags(one: Kept) -> tuple[str, ...]:
    return one.tags or (one.tag,)
