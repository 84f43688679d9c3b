"""The shared tree on real file systems: proven, foreign, not there, full of strange things, and hanging."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appserver.adapters.shared_tree import SharedDirectory
from appserver.core.handshake import Proof
from tests.lab.hung import hung
from tests.lab.kv import takes

TOKEN = "12345-67890"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    path = tmp_path / "global"
    path.mkdir()
    return path


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, thawed at the end."""
    image, path = tmp_path / "disk", tmp_path / "frozen"
    path.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(("mkfs.ext4", "-q", str(image)), check=True)
    subprocess.run(("mount", "-o", "loop", str(image), str(path)), check=True)
    try:
        yield path
    finally:
        subprocess.run(("fsfreeze", "-u", str(path)), check=False, capture_output=True)
        subprocess.run(("umount", "-l", str(path)), check=True)


def prove(path: Path, token: str = TOKEN) -> Proof:
    return SharedDirectory(str(path)).prove(token, "n1")


def test_a_marked_tree_is_proven_and_the_mark_stays(tree: Path) -> None:
    """Marked once, read by owner and group alone; marked again nothing changes. Only files of ours are left."""
    shared = SharedDirectory(str(tree))
    assert shared.prove(TOKEN, "n1").kind == "missing"
    assert not list(tree.iterdir()), "nothing is written into a tree that is not proven"
    assert shared.mark(TOKEN).ok
    before = (tree / "token").stat()
    assert (tree / "token").read_text() == TOKEN
    assert before.st_mode & 0o777 == 0o640
    assert shared.mark(TOKEN).ok
    assert (tree / "token").stat() == before
    assert prove(tree).ok
    assert sorted(str(path.relative_to(tree)) for path in tree.rglob("*")) == [
        ".moorage-probe", ".moorage-probe/agent-n1", "token",
    ]  # fmt: skip


def test_the_mark_of_another_cluster_is_left(tree: Path) -> None:
    """By app server and agent; neither text is told."""
    (tree / "token").write_text("99999-99999\n")
    for found in (SharedDirectory(str(tree)).mark(TOKEN), prove(tree)):
        assert found.kind == "foreign"
        assert "99999" not in found.reason
        assert TOKEN not in found.reason
    assert (tree / "token").read_text() == "99999-99999\n"
    assert [path.name for path in tree.iterdir()] == ["token"]


def test_space_around_the_token_does_not_matter(tree: Path) -> None:
    """People write files with editors."""
    (tree / "token").write_text(f"{TOKEN}\n")
    assert prove(tree).ok


@pytest.mark.parametrize(
    ("make", "kind", "told"),
    [
        (lambda path: path.rmdir(), "missing", "is not there"),
        (lambda path: (path.rmdir(), path.write_text("")), "missing", "is no directory"),
        (lambda path: os.mkfifo(path / "token"), "broken", "is no file"),
        (lambda path: (path / "token").mkdir(), "broken", "is no file"),
        (lambda path: (path / "token").symlink_to("/etc/hostname"), "broken", "symbolic links"),
        (lambda path: (path / "token").write_text(""), "foreign", "says something else"),
        (lambda path: (path / "token").write_bytes(b"\xff" * 5000), "foreign", "says something else"),
        (lambda path: ((path / "token").write_text(TOKEN), (path / ".moorage-probe").write_text("")),
         "broken", "File exists"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_tree_is_told(tree: Path, make, kind: str, told: str) -> None:
    """A FIFO does not hang, a link is not followed, a long file is not read."""
    make(tree)
    with takes(0.0, 4.0):
        found = prove(tree)
    assert (found.kind, told in found.reason) == (kind, True), found


def test_a_tree_that_cannot_be_written_is_broken(tree: Path) -> None:
    """It is read, and reading is not enough."""
    (tree / "token").write_text(TOKEN)
    subprocess.run(("mount", "--bind", str(tree), str(tree)), check=True)
    try:
        subprocess.run(("mount", "-o", "remount,bind,ro", str(tree)), check=True)
        found = prove(tree)
    finally:
        subprocess.run(("umount", str(tree)), check=True)
    assert found.kind == "broken"
    assert "Read-only" in found.reason


def test_a_mount_that_hangs_is_told_in_time_and_forgotten_when_it_answers(tree: Path) -> None:
    """Neither this process nor a child of it hangs; when the server is back the tree is proven at the next look."""
    shared = SharedDirectory(str(tree), timeout_s=1.0)
    assert shared.mark(TOKEN).ok
    with hung(tree):
        for _ in range(3):
            with takes(0.0, 3.0):
                assert shared.prove(TOKEN, "n1").kind == "hung"
    assert shared.prove(TOKEN, "n1").ok
    assert not probes()


def test_a_write_that_no_signal_ends_is_left_alone(frozen: Path) -> None:
    """A frozen file system reads well and holds writers beyond kill -9: one is left in it, not one for every look."""
    shared = SharedDirectory(str(frozen), timeout_s=1.0)
    assert shared.mark(TOKEN).ok
    subprocess.run(("fsfreeze", "-f", str(frozen)), check=True)
    assert shared.prove(TOKEN, "n1").kind == "hung"
    with takes(0.0, 0.5):
        assert shared.prove(TOKEN, "n1").kind == "hung", "known without another look"
    assert len(probes()) == 1
    subprocess.run(("fsfreeze", "-u", str(frozen)), check=True)
    deadline = time.monotonic() + 10
    while not (found := shared.prove(TOKEN, "n1")).ok and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found.ok
    assert not probes()


def probes() -> list[int]:
    """Processes of ours that look at a tree."""
    own = f"{os.getpid()}"
    found = []
    for path in Path("/proc").iterdir():
        if not path.name.isdecimal():
            continue
        try:
            argv = (path / "cmdline").read_bytes()
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if b"shared_tree_probe" in argv and parent == own:
            found.append(int(path.name))
    return found


def test_the_program_needs_the_standard_library_alone() -> None:
    """It is started for every look: without site packages, and in no time."""
    path = Path(sys.modules[SharedDirectory.__module__].__file__ or "").with_name("shared_tree_probe.py")
    done = subprocess.run(
        (sys.executable, "-I", "-S", str(path)), input='{"verb": "prove", "path": "/nowhere", "token": "x"}',
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == '{"kind": "missing", "reason": "/nowhere is not there"}'
