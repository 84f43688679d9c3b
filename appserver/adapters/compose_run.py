"""Compose acting on the engine: one process at a time for a project, its text on standard input and on no disk.

A process outlives the agent that started it, and holds the project's lock until it ends: an agent that comes back
waits for it instead of starting things twice. It writes to a file in memory, since a pipe that nobody reads any more
would kill it in the middle.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from appserver.adapters.engine_state import printable
from appserver.errors import ComposeError

log = logging.getLogger(__name__)

_TAIL = 40
_TERM_S = 5.0
_LOOK_S = 0.1
_PATIENCE_S = 120.0
"""For a holder of a lock that does not say until when it may go on."""
_ASK_S = 30.0
_CHUNK = 1 << 16


class Running:
    """How `docker-compose` is started: which program, which engine, where locks are kept."""

    called = "docker compose"

    def __init__(self, program: str, engine: str, run_dir: Path) -> None:
        self._program = program
        self._engine = engine if "://" in engine else f"unix://{engine}"
        self._run_dir = run_dir

    def wait(self, project: str, stop: threading.Event) -> None:
        """Until nothing that an earlier agent started works on the project.

        Raises:
            ComposeError: stopped before that.
        """
        with self._lock(project, stop):
            return

    def lines(
        self, project: str, text: str, arguments: Sequence[str], stop: threading.Event, limit_s: float
    ) -> Iterator[str]:
        """What it says, line by line, while it runs. Without a text it goes by the labels of what is there.

        Raises:
            ComposeError: it ended badly, was stopped, or took longer than `limit_s`.
        """
        tail: deque[str] = deque(maxlen=_TAIL)
        why = ""
        with (
            self._lock(project, stop) as lock,
            _on_memory() as told,
            self._process(project, text, arguments, lock, told) as process,
        ):
            said = _lines(told)
            until = time.monotonic() + limit_s
            _sign(lock, process.pid, until)
            while not _ended(process, _LOOK_S):
                if why := _over(stop, until, limit_s):
                    _end(process)
                for line in said(False):
                    tail.append(line)
                    yield line
            for line in said(True):
                tail.append(line)
                yield line
        if process.returncode:
            why = why or (tail[-1] if tail else f"exit code {process.returncode}")
            raise ComposeError(f"{self.called} {_verb(arguments)}: {why}", tuple(tail))

    def output(self, project: str, text: str, arguments: Sequence[str]) -> str:
        """Standard output of a question that changes nothing."""
        with _on_memory(text) as given:
            try:
                done = subprocess.run(
                    self._argv(project, arguments, True),
                    stdin=given, capture_output=True, text=True, timeout=_ASK_S,
                    env=self._environment(), cwd="/", check=False,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                raise ComposeError(f"docker compose {_verb(arguments)}: {error}") from error
        if done.returncode:
            said = tuple(printable(done.stderr).strip().splitlines()[-_TAIL:])
            raise ComposeError(f"docker compose {_verb(arguments)}: {said[-1] if said else done.returncode}", said)
        return done.stdout

    @contextmanager
    def _process(
        self, project: str, text: str, arguments: Sequence[str], lock: IO[str], told: int
    ) -> Iterator[subprocess.Popen[bytes]]:
        with _on_memory(text) as given:
            try:
                process = subprocess.Popen(
                    self._argv(project, arguments, bool(text)),
                    stdin=given, stdout=told, stderr=told,
                    env=self._environment(), cwd="/", start_new_session=True, pass_fds=(lock.fileno(),),
                )  # fmt: skip
            except OSError as error:
                raise ComposeError(f"{self._program} cannot be run: {error}") from error
        with process:
            try:
                yield process
            finally:
                _end(process)

    @contextmanager
    def _lock(self, project: str, stop: threading.Event) -> Iterator[IO[str]]:
        """The project's lock, which the process inherits. Whoever holds it beyond all patience is ended."""
        folder = self._run_dir / "projects"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / f"{project}.lock").open("a+") as lock:
            began = time.monotonic()
            while not _locked(lock):
                if stop.wait(_LOOK_S):
                    raise ComposeError(f"stopped while an earlier docker compose still works on {project}")
                pid, until = _signed(lock)
                if time.monotonic() > (until + _TERM_S if until else began + _PATIENCE_S):
                    self._end_holder(pid, project)
                    began = time.monotonic()
            yield lock

    def _end_holder(self, pid: int, project: str) -> None:
        """The process that an agent before this one left behind, if it is still that program."""
        try:
            program = Path(f"/proc/{pid}/exe").readlink()
        except OSError:
            return
        if pid and program == Path(self._program).resolve():
            log.warning("event=compose_ended project=%s pid=%d reason=left_behind", project, pid)
            os.killpg(pid, signal.SIGKILL)

    def _argv(self, project: str, arguments: Sequence[str], with_text: bool) -> list[str]:
        given = ("-f", "-") if with_text else ()
        return [self._program, "--ansi", "never", "--progress", "plain", "-p", project, *given, *arguments]

    def _environment(self) -> Mapping[str, str]:
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/nonexistent",
            "DOCKER_HOST": self._engine,
            "COMPOSE_IGNORE_ORPHANS": "1",
        }


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(lock: IO[str], pid: int, until: float) -> None:
    """Say in the lock who works under it, and until when it may: the clock is the machine's, not the agent's."""
    lock.seek(0)
    lock.truncate()
    lock.write(f"{pid} {until:.1f}\n")
    lock.flush()


def _signed(lock: IO[str]) -> tuple[int, float]:
    """0 for what is not said."""
    lock.seek(0)
    pid, _, until = lock.read().strip().partition(" ")
    return int(pid or 0), float(until or 0)


@contextmanager
def _on_memory(text: str = "") -> Iterator[int]:
    """A file that has no name, at its beginning."""
    handle = os.memfd_create("compose")
    try:
        with os.fdopen(os.dup(handle), "wb") as file:
            file.write(text.encode())
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)


def _lines(handle: int) -> Callable[[bool], Iterator[str]]:
    """A function that gives what was written since it was last called, line by line; at the end, what is left too."""
    at = 0

    def more(at_end: bool) -> Iterator[str]:
        nonlocal at
        while chunk := os.pread(handle, _CHUNK, at):
            whole = chunk if at_end or len(chunk) == _CHUNK else chunk[: chunk.rfind(b"\n") + 1]
            if not whole:
                return
            at += len(whole)
            texts = (" ".join(printable(raw.decode(errors="replace")).split()) for raw in whole.splitlines())
            yield from filter(None, texts)

    return more


def _ended(process: subprocess.Popen[bytes], wait_s: float) -> bool:
    """Seen at once, unlike by `Popen.wait`, which looks now and then."""
    if process.poll() is None:
        handle = os.pidfd_open(process.pid)
        try:
            end = select.poll()
            end.register(handle, select.POLLIN)
            end.poll(wait_s * 1000)
        finally:
            os.close(handle)
    return process.poll() is not None


def _over(stop: threading.Event, until: float, limit_s: float) -> str:
    """Why the process is to end now; "" while it may go on."""
    if stop.is_set():
        return "stopped before it was through"
    return f"not through within {limit_s:.0f} s" if time.monotonic() >= until else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            _ended(process, _TERM_S)


def _verb(arguments: Sequence[str]) -> str:
    return next((word for word in arguments if not word.startswith("-")), "")
