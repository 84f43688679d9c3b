"""A source, a value it gave, a layer of such values, and the container they are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Scalar = None | bool | int | float | str
Value = Scalar | tuple["Value", ...] | Mapping[str, "Value"]
Path = tuple[str, ...]
"""An option, then what is below it: `("mem_limit",)`, `("environment", "FOO")`, `("ports", "80/tcp")`."""

Kind = Literal["image", "git", "compose", "form"]
KINDS: tuple[Kind, ...] = ("image", "git", "compose", "form")
"""Weakest first."""

SHORT_COMMIT = 6
SHORT_DIGEST = len("sha256:") + 12


@dataclass(frozen=True, slots=True)
class Source:
    """Who said it. `str()` is what plans and pages print; the fields hold the whole ids."""

    kind: Kind
    image: str = ""
    digest: str = ""
    commit: str = ""
    file: str = ""
    line: int = 0
    user: str = ""
    at: str = ""

    def __str__(self) -> str:
        if self.kind == "image":
            known = f"{self.digest[:SHORT_DIGEST]}…" if len(self.digest) > SHORT_DIGEST else self.digest
            return f"image {known or self.image}"
        if self.kind == "form":
            return f"{self.user} {self.at}".strip()
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.commit[:SHORT_COMMIT]}:{place}" if self.commit else place

    def to_json(self) -> dict[str, object]:
        """The fields that are set, and the printed form as `text`."""
        said = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        return {**said, "text": str(self)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One value that one source gave.

    `path` is canonical; `spelled` is the path as written where one option has two places in Compose
    (`deploy.resources.limits.memory` and `mem_limit`), else empty. A `removed` entry says that the
    weaker values do not count.
    """

    path: Path
    value: Value
    source: Source
    spelled: tuple[Path, ...] = ()
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """`!reset` or `!override`: what weaker layers say at or below `path` does not count."""

    path: Path
    source: Source


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that was ignored, and why. `key` is as its author wrote it."""

    key: str
    why: str
    source: Source

    def __str__(self) -> str:
        return f"{self.source}: {self.key}: {self.why}"


@dataclass(frozen=True, slots=True)
class Layer:
    """All that one source says: one image, one file, one compose service, one form.

    `defaults` count where no layer says anything of their option, or of one that excludes it.
    """

    source: Source
    entries: tuple[Entry, ...] = ()
    marks: tuple[Mark, ...] = ()
    warnings: tuple[Notice, ...] = ()
    defaults: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The container that is configured. `image` is a reference as in a compose file (`host:5000/a/web:1.2@sha256:…`).

    What is empty is not looked up.
    """

    image: str
    cluster: str = ""
    application: str = ""
    service: str = ""
    container_name: str = ""


def thaw(value: Value) -> object:
    """As JSON has it: lists for tuples, a dict of one's own for each mapping."""
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    return value


def freeze(value: object) -> Value:
    """The reverse of `thaw`, names sorted.

    Raises:
        TypeError: neither JSON nor YAML has such a value.
    """
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, Mapping):
        return {str(key): freeze(value[key]) for key in sorted(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} is not a configuration value")
