"""What the tree of a release may hold: regular files of text, so many and no more. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from appserver.core.config_tree import Fault, TreeEntry, mib, refusal, shown

MAX_FILES = 2_000
MAX_TOTAL = 8 << 20
"""Bytes of all files together."""
BINARY = "is not text in UTF-8; what is binary comes in an image, a package, or from a URL with its checksum"
"""Of a file that no playbook of a release may bring along: a release is to be read by people, whole."""


def faults(entries: Sequence[TreeEntry]) -> tuple[Fault, ...]:
    """Everything in a tree that refuses it, in the order of paths; not yet what its files say."""
    found = [(shown(entry.path), why) for entry in entries if (why := refusal(entry))]
    if len(entries) > MAX_FILES:
        found.append(("", f"{len(entries)} files; a release holds at most {MAX_FILES}"))
    if (total := sum(entry.size for entry in entries)) > MAX_TOTAL:
        found.append(("", f"{mib(total)} of files; a release holds at most {mib(MAX_TOTAL)}"))
    return tuple(found)


def texts(blobs: Sequence[tuple[str, bytes]]) -> tuple[dict[str, str], tuple[Fault, ...]]:
    """Path to text, and the files that are no text."""
    found: dict[str, str] = {}
    bad: list[Fault] = []
    for path, blob in blobs:
        try:
            text = blob.decode()
        except UnicodeDecodeError:
            bad.append((path, BINARY))
            continue
        if "\0" in text:
            bad.append((path, BINARY))
        else:
            found[path] = text
    return found, tuple(bad)
