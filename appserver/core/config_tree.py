"""What a tree of configuration may hold, and which of its files are read. Paths are bytes, as git has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAX_BLOB = 1 << 20
MAX_TOTAL = 64 << 20
"""Of the configuration files together, in bytes."""
MAX_FILES = 20_000
MAX_PATH = 512
MAX_DEPTH = 16
MAX_FAULTS = 50
"""More are counted, not listed."""
SUFFIXES = (".yml", ".yaml", ".properties")

Fault = tuple[str, str]
"""Where (a path, perhaps with `:line`), and why."""

_REGULAR = frozenset({"100644", "100755", "100664"})
_KINDS = {"120000": "a symbolic link", "160000": "a submodule", "040000": "a directory without files"}
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that some file systems leave out of names."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of `git ls-tree -r -l`. `size` is in bytes, 0 for what is no blob."""

    mode: str
    id: str
    size: int
    path: bytes


def faults(entries: Iterable[TreeEntry]) -> tuple[Fault, ...]:
    """Everything in a tree that refuses it, in the order of paths."""
    found: list[Fault] = []
    count = total = 0
    for entry in entries:
        count += 1
        total += entry.size if is_config(entry.path) else 0
        why = refusal(entry)
        if why:
            found.append((shown(entry.path), why))
    if count > MAX_FILES:
        found.append(("", f"{count} files; a repository of configuration holds at most {MAX_FILES}"))
    if total > MAX_TOTAL:
        found.append(("", f"{mib(total)} of configuration; at most {mib(MAX_TOTAL)} is read"))
    return tuple(found)


def refusal(entry: TreeEntry) -> str | None:
    """Why an entry may not be there, or None."""
    if entry.mode not in _REGULAR:
        kind = _KINDS.get(entry.mode, f"of mode {entry.mode}")
        return f"is {kind}; only regular files are read here"
    why = path_refusal(entry.path)
    if why:
        return why
    if entry.size > MAX_BLOB:
        return f"is {mib(entry.size)}; files over {mib(MAX_BLOB)} are refused"
    return None


def path_refusal(path: bytes) -> str | None:
    """Why a path may not be there, or None."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return "its name is not UTF-8"
    parts = text.split("/")
    if text.startswith("/") or ".." in parts or "." in parts or "" in parts:
        return "its path leads out of the repository or is not plain"
    if any(_is_git(part) for part in parts):
        return "its path holds a name that is git's own"
    if any(ord(char) < 32 or ord(char) == 127 for char in text) or "\\" in text:
        return "its path holds a control character or a backslash"
    if len(path) > MAX_PATH or len(parts) > MAX_DEPTH:
        return f"its path is over {MAX_PATH} bytes or {MAX_DEPTH} levels"
    return None


def is_config(path: bytes) -> bool:
    """Files with other endings may be there (a README, a licence) and are never read."""
    return path.endswith(tuple(suffix.encode() for suffix in SUFFIXES))


def texts(blobs: Mapping[str, bytes]) -> tuple[Mapping[str, str], tuple[Fault, ...]]:
    """Path to text, and the files that are no text."""
    found: dict[str, str] = {}
    bad: list[Fault] = []
    for path, blob in blobs.items():
        try:
            found[path] = blob.decode()
        except UnicodeDecodeError as error:
            line = blob.count(b"\n", 0, error.start) + 1
            bad.append((f"{path}:{line}", "is not UTF-8"))
    return found, tuple(bad)


def shown(path: bytes) -> str:
    """A path for people: whatever is no plain text in it is escaped."""
    text = path.decode(errors="backslashreplace")
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB".replace(".0 MiB", " MiB")


def _is_git(part: str) -> bool:
    """`.git` as any file system would take it: case, ignored characters, trailing dots and spaces, short names."""
    plain = _IGNORABLE.sub("", part).lower().rstrip(". ")
    return plain.split(":")[0] in (".git", "git~1")
