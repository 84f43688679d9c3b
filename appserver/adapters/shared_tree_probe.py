"""One look at a shared tree, as a program: asked by a line of JSON, answers by one. The standard library alone.

Nothing is written into a tree before it has proven to be this cluster's.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
from pathlib import Path

_MARK = "token"
_PLACE = ".moorage-probe"
"""Directory of what hosts write to prove that they can, as the storage role has it."""
_LONGEST = 64
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Bad(Exception):
    """The tree answers, and is not as it is to be."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    path = Path(asked["path"])
    try:
        if asked["verb"] == "mark":
            _mark(path, asked["token"])
        _compare(path, asked["token"])
        if asked["verb"] == "prove":
            _write(path, asked["name"])
        told = {"kind": "proven", "reason": f"{path} is the tree of this cluster"}
    except Bad as bad:
        told = {"kind": bad.kind, "reason": str(bad)}
    except OSError as error:
        told = {"kind": "broken", "reason": f"{error.filename or path}: {error.strerror}"}
    sys.stdout.write(json.dumps(told))


def _compare(path: Path, token: str) -> None:
    found = _token(path)
    if found is None:
        raise Bad("missing", f"{path} has no file {_MARK}: the shared tree is not mounted there, or not made yet")
    if found != token:
        raise Bad("foreign", f"{path} is not the tree of this cluster: its file {_MARK} says something else")


def _token(path: Path) -> str | None:
    """What the tree says of itself; None where it says nothing.

    Raises:
        Bad: there is no directory, or what should be a file is none.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise Bad("missing", f"{path} is not there") from error
    if not stat.S_ISDIR(found.st_mode):
        raise Bad("missing", f"{path} is no directory")
    try:
        return _read(path / _MARK).strip()
    except FileNotFoundError:
        return None


def _mark(path: Path, token: str) -> None:
    """Whole or not at all; whoever is quicker wins, and is compared with then."""
    if _token(path) is not None:
        return
    new = path / f".{_MARK}.{secrets.token_hex(8)}"
    try:
        _put(new, token, 0o640)
        (path / _MARK).hardlink_to(new)
    except FileExistsError:
        return
    finally:
        new.unlink(missing_ok=True)


def _write(path: Path, name: str) -> None:
    """What is written is read back as it was."""
    place, text = path / _PLACE, secrets.token_hex(16)
    place.mkdir(mode=0o700, exist_ok=True)
    where, new = place / f"agent-{name}", place / f"agent-{name}.{secrets.token_hex(4)}"
    try:
        _put(new, text, 0o600)
        new.replace(where)
    finally:
        new.unlink(missing_ok=True)
    if _read(where) != text:
        raise Bad("broken", f"{path} does not give back what was written")


def _read(path: Path) -> str:
    held = os.open(path, _READ)
    try:
        if not stat.S_ISREG(os.fstat(held).st_mode):
            raise Bad("broken", f"{path} is no file")
        return os.read(held, _LONGEST).decode(errors="replace")
    finally:
        os.close(held)


def _put(path: Path, text: str, mode: int) -> None:
    held = os.open(path, _MAKE, mode)
    try:
        os.fchmod(held, mode)  # whatever the umask
        os.write(held, text.encode())
        os.fsync(held)
    finally:
        os.close(held)


if __name__ == "__main__":
    main()
