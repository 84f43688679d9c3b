"""Compose projects that somebody else started on this host, and their files, so that they can be taken over."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from appserver.core.compose import APPLICATION
from appserver.core.containers import ContainerState, StrayProject

_FILE_LIMIT = 1 << 20
_TOTAL_LIMIT = 4 << 20
_MOST_FILES = 200
_MOST_SEEN = 5_000
_CONFIG_FILES = "com.docker.compose.project.config_files"
_WORKING_DIR = "com.docker.compose.project.working_dir"


def stray_projects(containers: Sequence[ContainerState]) -> tuple[StrayProject, ...]:
    """Projects none of whose containers carries our label, in the order of names."""
    found = []
    for name, group in groupby(sorted(containers, key=lambda c: (c.project, c.service)), key=lambda c: c.project):
        members = tuple(group)
        if any(APPLICATION in c.labels for c in members):
            continue
        labels = members[0].labels
        directory = labels.get(_WORKING_DIR, "")
        config_files = tuple(path for path in labels.get(_CONFIG_FILES, "").split(",") if path.startswith("/"))
        services = tuple(sorted({c.service for c in members}))
        found.append(StrayProject(name, config_files, directory, services, _texts(directory, config_files)))
    return tuple(found)


def _texts(directory: str, config_files: Sequence[str]) -> Mapping[str, str]:
    """The compose files, `.env`, and every file of the project's directory that one of them names.

    Keys are relative to the directory. Nothing is sent that the project's own files do not name.
    """
    root = Path(directory)
    if not directory.startswith("/") or not root.is_dir():
        return {}
    texts: dict[str, str] = {}
    wanted = [os.path.relpath(path, directory) for path in config_files] + [".env"]
    others = tuple(_below(root))
    while wanted:
        path = wanted.pop(0)
        if path in texts or path.startswith("..") or (text := _read(root, path)) is None:
            continue
        if sum(map(len, texts.values())) + len(text) > _TOTAL_LIMIT or len(texts) >= _MOST_FILES:
            break
        texts[path] = text
        wanted += [other for other in others if other not in texts and _names(text, other)]
    return texts


def _names(text: str, path: str) -> bool:
    return path in text and any(mark + path in text for mark in ("./", " ", '"', "'", "[", "/", ":", "=", "-"))


def _below(root: Path) -> Iterable[str]:
    """Regular files, three directories deep at most, hidden directories left out."""

    def walk(directory: str, depth: int) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(root / directory), key=lambda e: e.name)
        except OSError:
            return
        for entry in entries:
            path = f"{directory}/{entry.name}" if directory else entry.name
            if entry.is_file(follow_symlinks=False):
                yield path
            elif depth and entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from walk(path, depth - 1)

    for count, path in enumerate(walk("", 3)):
        if count >= _MOST_SEEN:
            return
        yield path


def _read(root: Path, name: str) -> str | None:
    """None for what is not a regular file of text within the limit, or leads out of the project."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        return None
    try:
        handle = os.open(path, os.O_NOFOLLOW | os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        kind = os.fstat(handle)
        if not stat.S_ISREG(kind.st_mode) or kind.st_size > _FILE_LIMIT:
            return None
        try:
            return file.read(_FILE_LIMIT).decode()
        except UnicodeDecodeError:
            return None
