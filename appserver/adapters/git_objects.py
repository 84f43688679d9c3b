"""What is in a commit of a bare repository: its listing, bounded while it is read, and the blobs that are asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer
from typing import IO, cast

from appserver.adapters.git_process import TIMEOUT_S, argv, environment, last_words, run
from appserver.core.config_tree import MAX_PATH, TreeEntry
from appserver.errors import Invalid, RepoError

_LINE = 80 + MAX_PATH
"""Bytes of an entry, and a little more."""


def listing(repository: Path, commit: str, most: int, extra: Mapping[str, str] | None = None) -> Sequence[TreeEntry]:
    """Every file of a commit, by path.

    Args:
        most: files that there may be. A tree of few objects can name millions of them, so git is not let go on.
    Raises:
        Invalid: there are more, by far.
        RepoError: the repository does not hold the commit.
    """
    words = argv(repository, "ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(repository, extra),
            cwd="/",
        )
    except FileNotFoundError as error:
        raise RepoError("git is not installed on the app server: apt-get install git") from error
    slow = Timer(TIMEOUT_S, process.kill)
    slow.daemon = True
    slow.start()
    with process:
        stdout, stderr = cast(IO[bytes], process.stdout), cast(IO[bytes], process.stderr)
        text = stdout.read(most * _LINE + 1)
        if over := len(text) > most * _LINE:
            process.kill()
        said = b"" if over else stderr.read()
        process.wait()
        slow.cancel()
    if over:
        raise Invalid("", f"over {most} files; a repository of this kind holds at most so many")
    if process.returncode:
        raise RepoError(f"git ls-tree: {last_words(said) or f'ended with {process.returncode}'}")
    return [_entry(line) for line in text.split(b"\0")[:-1]]


def blobs(repository: Path, ids: Sequence[str], extra: Mapping[str, str] | None = None) -> Mapping[str, bytes]:
    """
    Raises:
        RepoError: one of them cannot be read.
    """
    if not ids:
        return {}
    asked = "".join(f"{id_}\n" for id_ in ids).encode()
    text = run(repository, ["cat-file", "--batch", "--buffer"], stdin=asked, extra=extra).stdout
    found: dict[str, bytes] = {}
    at = 0
    for id_ in ids:
        end = text.find(b"\n", at)
        told = text[at:end].split()
        if len(told) != 3 or told[1] != b"blob":
            raise RepoError(f"object {id_} cannot be read")
        size = int(told[2])
        found[id_] = text[end + 1 : end + 1 + size]
        at = end + size + 2
    return found


def _entry(line: bytes) -> TreeEntry:
    meta, _, path = line.partition(b"\t")
    mode, _, id_, size = meta.decode().split()
    return TreeEntry(mode, id_, int(size) if size.isdecimal() else 0, path)
