"""`docker compose config` in a sandbox that holds the project's files, the program, and nothing else.

Whatever a project names by path (`env_file`, `include`, `extends`, `configs`, a link, a device) can only be one of its
own files: the host's are not there to be read. No network, no environment, bounded time, memory and output.
"""

from __future__ import annotations

import json
import os
import posixpath
import secrets
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import cast

from appserver.adapters import compose_input
from appserver.adapters.compose_binary import Binary
from appserver.adapters.compose_faults import invalid
from appserver.adapters.compose_portable import Json, Place, portable, variables
from appserver.core.entities import ProjectFiles
from appserver.errors import ComposeError, Invalid

_MEMORY = 1 << 30
_CPU_S = 8
_WALL_S = 10.0
_OUTPUT = 4 << 20
_DEPTH = "/d" * 24
"""The files stand this deep, so that `../` is seen to leave them and does not become a path of the node."""
_AT_ONCE = BoundedSemaphore(4)
_NO_BWRAP = (
    "bubblewrap is needed to read compose files safely: install the package bubblewrap, and allow user namespaces"
    " (sysctl kernel.unprivileged_userns_clone=1) where this program does not run as root"
)


def render(binary: Binary, files: ProjectFiles, directory: str = "") -> Mapping[str, object]:
    """The canonical project, as `compose_portable` describes it.

    Args:
        directory: where the project lives on its own host; then binds of its paths stay as they are, absolute.
    Raises:
        Invalid: what Compose says against the files, or a limit that was passed.
        ComposeError: there is no sandbox.
    """
    compose_input.check(files)
    if directory and (posixpath.normpath(directory) != directory or not posixpath.isabs(directory) or directory == "/"):
        raise Invalid("directory", f"{directory[:80]!r} is not an absolute path")
    nonce = secrets.token_hex(8)
    top = "" if directory else f"/p-{nonce}"
    place = Place(directory or top + _DEPTH, top, f"/home-{nonce}")
    with _AT_ONCE, _on_disk(files) as disk:
        argv = [*_sandbox(binary, disk, place), *_arguments(files)]
        project = _project(_run(argv, place, files))
        named = variables(project)
        values = _values(argv, disk, place, files, named, nonce) if named else {}
    if (count := len(project.get("services") or {})) > compose_input.MOST_SERVICES:
        raise Invalid("services", f"{count} services; at most {compose_input.MOST_SERVICES}")
    return portable(project, files, place, values)


def _arguments(files: ProjectFiles) -> list[str]:
    argv = ["--ansi", "never", "-p", files.name]
    for path in files.compose_files:
        argv += ["-f", f"./{path}"]
    if files.env_file:
        argv += ["--env-file", "./.env"]
    for profile in files.profiles:
        argv += ["--profile", profile]
    return [*argv, "config", "--format", "json"]


def _sandbox(binary: Binary, disk: Path, place: Place) -> list[str]:
    bwrap, prlimit = shutil.which("bwrap"), shutil.which("prlimit")
    if bwrap is None or prlimit is None:
        raise ComposeError(_NO_BWRAP)
    mounts = [part for path in binary.libraries for part in ("--ro-bind", path, path)]
    return [
        *(prlimit, f"--data={_MEMORY}", f"--cpu={_CPU_S}", "--fsize=0", "--core=0", "--nofile=1024"),
        *(bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        *("--setenv", "HOME", place.home, *mounts, "--ro-bind", binary.path, "/compose"),
        *("--ro-bind", str(disk), place.root, "--chdir", place.root, "/compose"),
    ]


def _values(
    argv: Sequence[str], disk: Path, place: Place, files: ProjectFiles, named: Sequence[str], nonce: str
) -> Mapping[str, str | None]:
    """What Compose itself makes of variables: a file of ours asks it to interpolate them."""
    asked = f"x-{nonce}.json"
    (disk / asked).write_text(json.dumps({f"x-{nonce}": {name: f"${{{name}-{nonce}}}" for name in named}}))
    at = argv.index("config")
    found = _project(_run([*argv[:at], "-f", f"./{asked}", *argv[at:]], place, files))
    given = cast(Mapping[str, str], found[f"x-{nonce}"])
    return {name: None if given[name] == nonce else given[name] for name in named}


def _run(argv: Sequence[str], place: Place, files: ProjectFiles) -> bytes:
    code, output, said = _bounded(argv)
    if code == 0:
        return output
    if said.startswith(("bwrap:", "prlimit:")):
        raise ComposeError(f"{_NO_BWRAP}: {said.strip()[:300]}")
    if code is None:
        raise Invalid(files.compose_files[0], f"took more than {_WALL_S:.0f} s or {_OUTPUT} bytes to render")
    if code in (137, 152, -9) or "out of memory" in said[:500]:
        raise Invalid(files.compose_files[0], f"takes more than {_CPU_S} s of processor or 1 GiB of memory to render")
    raise invalid(said, place.root, place.top, files)


def _bounded(argv: Sequence[str]) -> tuple[int | None, bytes, str]:
    """Exit code (None: killed for its time or its output), standard output, standard error."""
    deadline = time.monotonic() + _WALL_S
    got: dict[str, bytes] = {"out": b"", "err": b""}
    with (
        subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            start_new_session=True,
        ) as process,
        selectors.DefaultSelector() as waiting,
    ):
        waiting.register(cast(int, process.stdout), selectors.EVENT_READ, "out")
        waiting.register(cast(int, process.stderr), selectors.EVENT_READ, "err")
        while waiting.get_map():
            ready = waiting.select(max(0.0, deadline - time.monotonic()))
            if not ready or len(got["out"]) > _OUTPUT or len(got["err"]) > _OUTPUT:
                process.kill()
                return None, b"", ""
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                got[key.data] += chunk
                if not chunk:
                    waiting.unregister(key.fileobj)
        try:
            code = process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            return None, b"", ""
    return code, got["out"], got["err"].decode(errors="replace")


def _project(output: bytes) -> Json:
    return cast(Json, json.loads(output))


@contextmanager
def _on_disk(files: ProjectFiles) -> Iterator[Path]:
    """The files in a directory for this user alone, in memory where the system offers that."""
    memory = "/dev/shm"  # noqa: S108  # the directory made below it is new and for this user alone
    within = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="moorage-", dir=within) as folder:
        disk = Path(folder) / "project"
        disk.mkdir(mode=0o700)
        compose_input.write(files, disk)
        yield disk
