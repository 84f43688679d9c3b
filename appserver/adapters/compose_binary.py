"""Which Docker Compose is used: found once, its version known, the libraries it loads known."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appserver.errors import ComposeError

PLUGIN_DIRS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where the `docker` program itself looks for its plugins."""

OLDEST = (2, 23, 1)
"""The first with `content` of configs."""

_ASK_S = 10
_LIBRARY = re.compile(r"(?:=>\s*|^\s*)(/\S+) \(0x")


@dataclass(frozen=True, slots=True)
class Binary:
    """`libraries` are the files the program's loader opens; none for a static program."""

    path: str
    version: tuple[int, int, int]
    version_text: str
    libraries: tuple[str, ...] = ()


def find(setting: str = "", plugin_dirs: Sequence[str] = PLUGIN_DIRS) -> Binary:
    """The program of the setting, else the plugin of `docker`, else `docker-compose` in the path.

    Raises:
        ComposeError: there is none, or only one too old; says what to install.
    """
    if setting:
        return _checked(setting)
    in_path = shutil.which("docker-compose")
    candidates = [f"{directory}/docker-compose" for directory in plugin_dirs] + ([in_path] if in_path else [])
    too_old: ComposeError | None = None
    for path in candidates:
        if Path(path).is_file():
            try:
                return _checked(path)
            except ComposeError as error:
                too_old = too_old or error
    raise too_old or ComposeError(
        "Docker Compose v2 is not installed: install the package docker-compose of Debian 13 or docker-compose-plugin"
        " of Docker, or name the program in the setting `compose`"
    )


def _checked(path: str) -> Binary:
    text = _output((path, "version", "--short")).strip().removeprefix("v")
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    if found is None:
        raise ComposeError(f"{path} is not Docker Compose: asked for its version it says {text[:80]!r}")
    version = (int(found[1]), int(found[2]), int(found[3]))
    if version < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise ComposeError(f"{path} is Docker Compose {text}; {wanted} or newer is needed, and version 1 cannot serve")
    return Binary(path, version, text, _libraries(path))


def _libraries(path: str) -> tuple[str, ...]:
    """What `ldd` lists. It fails for a static program, which needs none."""
    try:
        listed = subprocess.run(("ldd", path), capture_output=True, text=True, timeout=_ASK_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(dict.fromkeys(found[1] for line in listed.splitlines() if (found := _LIBRARY.search(line))))


def _output(argv: Sequence[str]) -> str:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ComposeError(f"{argv[0]} cannot be run: {error}") from error
    return done.stdout.decode(errors="replace")
