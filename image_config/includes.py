"""Files that include others: which one a name means, what a file consists of, and circles."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from image_config import lookup

Included = Callable[[str], tuple[str, ...]]
"""A file's includes that exist, in order."""


def meant(path: str, name: str, by_stem: Mapping[str, tuple[str, ...]]) -> str:
    """The path that `name` means in the file `path`; empty where it leads out of the repository.

    A colon may be written `@` here too.
    """
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    if not name or name.startswith("/") or "\\" in name or "\0" in name or joined.split("/")[0] in ("..", "."):
        return ""
    extension = posixpath.splitext(joined)[1]
    known = by_stem.get(lookup.stem(joined), ())
    same = [other for other in known if posixpath.splitext(other)[1] == extension]
    return joined if joined in same or not same else same[0]


def closure(path: str, included: Included) -> tuple[str, ...]:
    """The files a file consists of, each once, what is included before what includes it; the file itself last."""
    entered: set[str] = set()
    done: dict[str, None] = {}
    waiting = [path]
    while waiting:
        here = waiting[-1]
        if here in entered:
            done[waiting.pop()] = None
            continue
        entered.add(here)
        waiting.extend(inner for inner in reversed(included(here)) if inner not in entered)
    return tuple(done)


def chain(start: str, end: str, included: Included) -> tuple[str, ...]:
    """The shortest way of includes from `start` to `end`, both named; empty where there is none."""
    before: dict[str, str] = {start: ""}
    waiting = [start]
    for here in waiting:
        if here == end:
            way = [here]
            while before[way[-1]]:
                way.append(before[way[-1]])
            return tuple(reversed(way))
        for inner in included(here):
            if inner not in before:
                before[inner] = here
                waiting.append(inner)
    return ()
