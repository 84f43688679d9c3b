"""Tiny images for tests: static busybox and nothing else, made on the spot and named by what is in them."""

from __future__ import annotations

import fcntl
import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import gettempdir

import pytest

LABEL = "moorage.test"
_LOCK = Path(gettempdir()) / "moorage-images.lock"
APPLETS = ("cat", "date", "echo", "env", "false", "grep", "httpd", "ls", "mkdir", "nc", "sh", "sleep", "stat", "true")
SLEEP = ("/bin/busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done")
"""Sleeps, and ends at once and well when it is told to."""


def busybox(
    labels: Mapping[str, str] | None = None, command: Sequence[str] = SLEEP, files: Mapping[str, str] | None = None
) -> str:
    """The name of an image of busybox with these labels; made now if the engine has not got it."""
    program = _program()
    told = sorted({LABEL: "image", **(labels or {})}.items())
    parts = [program.read_bytes().hex(), repr(told), repr(tuple(command)), repr(sorted((files or {}).items()))]
    name = f"moorage-test:{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
    with _LOCK.open("w") as lock:  # two at once would make two images, and one of them would lose its name
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = subprocess.run(("docker", "image", "inspect", name), capture_output=True, check=False)
        if known.returncode:
            changes = [f"LABEL {key}={_quoted(value)}" for key, value in told]
            changes.append(f"CMD [{', '.join(map(_quoted, command))}]")
            argv = ["docker", "import", *(part for change in changes for part in ("-c", change)), "-", name]
            subprocess.run(argv, input=_tree(program, files or {}), capture_output=True, check=True)
    return name


@pytest.fixture(scope="session")
def test_image() -> str:
    """An image that sleeps until it is told to end."""
    return busybox()


def _program() -> Path:
    found = shutil.which("busybox")
    if found is None:
        raise RuntimeError("the tests make their images of busybox: install the package busybox-static")
    return Path(found)


def _tree(program: Path, files: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tree:
        for folder in ("bin", "etc", "tmp", "data"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tree.addfile(entry)
        _add(tree, "bin/busybox", program.read_bytes(), 0o755)
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tree.addfile(link)
        for path, text in files.items():
            _add(tree, path, text.encode(), 0o755)
    return out.getvalue()


def _add(tree: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tree.addfile(entry, io.BytesIO(content))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
