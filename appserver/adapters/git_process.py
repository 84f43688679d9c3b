"""How git is started here: a bare environment, settings that no repository can overrule, limits on what it may use."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from appserver.errors import RepoError

HOOKS = Path(__file__).parent / "githooks"
MAX_INPUT = "20m"
"""Of a pushed pack."""
CPU_S = 120
FILE_BYTES = 256 << 20
TIMEOUT_S = 60.0

_SETTINGS = {
    "core.hooksPath": str(HOOKS),
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "2m",
    "gc.auto": "0",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
    "protocol.allow": "never",
    "receive.advertisePushOptions": "true",
    "receive.autogc": "false",
    "receive.fsckObjects": "true",
    "receive.maxInputSize": MAX_INPUT,
    "transfer.hideRefs": "refs/moorage/",
}
"""Of every git process. Forced pushes and deletions are decided by `core.refs`, per branch and with a reason."""


def environment(repository: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """All of a git process's environment: nothing is inherited, no file of the system or of a user is read."""
    settings = {**_SETTINGS, "safe.directory": str(repository)}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        **configured(settings),
        **(extra or {}),
    }


def configured(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as the environment variables that rank with `git -c`, and stay out of the argument list."""
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings.items()):
        found[f"GIT_CONFIG_KEY_{number}"] = name
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def argv(repository: Path, *words: str) -> list[str]:
    return ["git", f"--git-dir={repository}", *words]


def run(
    repository: Path,
    words: Sequence[str],
    *,
    stdin: bytes = b"",
    extra: Mapping[str, str] | None = None,
    allowed: tuple[int, ...] = (0,),
    timeout_s: float = TIMEOUT_S,
) -> subprocess.CompletedProcess[bytes]:
    """
    Args:
        words: fixed words, object ids and reference names that were checked; never a user's text.
        allowed: exit codes that are answers.
    Raises:
        RepoError: git is not there, took too long, or ended otherwise.
    """
    try:
        done = subprocess.run(
            argv(repository, *words),
            input=stdin,
            capture_output=True,
            env=environment(repository, extra),
            cwd="/",
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise RepoError("git is not installed on the app server: apt-get install git") from error
    except subprocess.TimeoutExpired as error:
        raise RepoError(f"git {words[0]} took longer than {timeout_s:.0f} s") from error
    if done.returncode not in allowed:
        raise RepoError(f"git {words[0]}: {last_words(done.stderr) or f'ended with {done.returncode}'}")
    return done


def confine(pid: int, cpu_s: int = CPU_S, file_bytes: int = FILE_BYTES) -> None:
    """Limit a process just started, and all it starts, in processor time and in the size of what it writes."""
    try:
        resource.prlimit(pid, resource.RLIMIT_CPU, (cpu_s, cpu_s))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    except ProcessLookupError:
        return  # it is over already


def last_words(stderr: bytes) -> str:
    """The last line that says something, for a sentence of ours."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("fatal: ")[:300] if lines else ""
