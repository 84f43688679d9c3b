"""Reading a person's files before they are sent: regular files of a bounded size, reached by no link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from appserver.core.config_tree import MAX_BLOB, MAX_FILES, TreeEntry, is_config, mib
from appserver.errors import Invalid

_GIT_MODE = {stat.S_IFREG: "100644", stat.S_IFLNK: "120000", stat.S_IFDIR: "040000"}


def read_text(path: Path, shown: str, limit: int = MAX_BLOB) -> str:
    """The text of one file.

    Args:
        shown: how its author knows it, for errors.
    Raises:
        Invalid: it is not there, no regular file, too large, or not UTF-8. A FIFO or a device is never waited for.
    """
    raw = read_bytes(path, shown, limit)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Invalid(f"{shown}:{line}", "is not UTF-8 text") from error


def read_bytes(path: Path, shown: str, limit: int = MAX_BLOB) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = "is a symbolic link" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise Invalid(shown, why) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Invalid(shown, "is not a regular file")
        raw = b""
        while len(raw) <= limit and (part := os.read(descriptor, limit + 1 - len(raw))):
            raw += part
    finally:
        os.close(descriptor)
    if len(raw) > limit:
        raise Invalid(shown, f"is over {mib(limit)}")
    return raw


def inside(root: Path, path: str, shown: str) -> Path:
    """The file of a project, by its path in it.

    Raises:
        Invalid: absolute, out of the project's directory, or reached over a symbolic link.
    """
    plain = os.path.normpath(path)
    if path.startswith(("/", "~")) or plain.split("/")[0] == "..":
        raise Invalid(shown, f"{path} is outside the project's directory {root}; only files inside it are sent")
    found = root / plain
    if found.parent.resolve() != (root.resolve() / plain).parent or found.is_symlink():
        raise Invalid(shown, f"{path} is reached over a symbolic link; only the project's own files are sent")
    return found


def tree(directory: Path) -> Iterator[TreeEntry]:
    """Everything below a directory, as git would list it at a commit; nothing is opened, no link is followed."""
    if not directory.is_dir():
        raise Invalid(str(directory), "is not a directory")
    root = os.fsencode(directory)
    count = 0
    for folder, folders, files in os.walk(root, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not (folder == root and name == b".git"))
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in sorted([*files, *linked]):
            count += 1
            if count > MAX_FILES:
                raise Invalid(str(directory), f"holds over {MAX_FILES} files")
            path = os.path.join(folder, name)  # noqa: PTH118  # paths stay bytes, as git has them
            found = os.lstat(path)
            mode = _GIT_MODE.get(stat.S_IFMT(found.st_mode), oct(found.st_mode)[2:])
            yield TreeEntry(mode, "", found.st_size if stat.S_ISREG(found.st_mode) else 0, os.path.relpath(path, root))


def config_blobs(directory: Path, entries: Iterator[TreeEntry]) -> dict[str, bytes]:
    """Path to content of the configuration files among entries that `config_tree.faults` let pass."""
    paths = (os.fsdecode(entry.path) for entry in entries if is_config(entry.path))
    return {path: read_bytes(directory / path, path) for path in paths}


def _refuse(error: OSError) -> None:
    raise Invalid(str(error.filename), f"cannot be read: {error.strerror}") from error
