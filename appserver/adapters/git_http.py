"""Smart HTTP: what the wire carries to `git upload-pack` and `git receive-pack`, and what their hooks ask us.

The body is spooled before git is started, so a slow client holds no process, and its size is known first.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from threading import Event, Thread, Timer
from typing import IO, cast

from appserver.adapters.git_hooks import Hooks
from appserver.adapters.git_process import HOOKS, argv, confine, environment, last_words
from appserver.errors import Invalid, RepoError, TooLarge
from appserver.ports import Receiver

log = logging.getLogger(__name__)

SERVICES = ("git-upload-pack", "git-receive-pack")
SPOOLED = 22 << 20
"""Bytes of a request that git sees: a little over `receive.maxInputSize`, so that git itself says what is too much."""
DRAINED = 256 << 20
"""Bytes read at all; a client that sends more is cut off."""
UNPACK_S = 180.0
"""How long git may take from its start to its first question."""
_CHUNK = 1 << 16
_PROTOCOL = re.compile(r"[\w=:.,-]{1,64}")


def advertise(repository: Path, service: str, protocol: str) -> Iterator[bytes]:
    """See `ports.Repositories.advertise`."""
    if service not in SERVICES:
        raise Invalid("service", "is git-upload-pack or git-receive-pack")
    process = _start(repository, service, ["--advertise-refs"], protocol, None)
    if service == "git-receive-pack" or "version=2" not in protocol:
        yield _packet(f"# service={service}\n") + b"0000"
    yield from _output(process)


def upload(repository: Path, body: Iterable[bytes], protocol: str) -> Iterator[bytes]:
    """See `ports.Repositories.upload`."""
    with _spooled(body) as request:
        process = _start(repository, "git-upload-pack", [], protocol, request)
    yield from _output(process)


def receive(repository: Path, body: Iterable[bytes], protocol: str, receiver: Receiver) -> Iterator[bytes]:
    """See `ports.Repositories.receive`.

    When the client goes away, git ends by itself at its next word to it; what was accepted is carried out.
    """
    for hook in ("pre-receive", "post-receive"):
        if not os.access(HOOKS / hook, os.X_OK):
            raise RepoError(f"the hook {hook} cannot be run: nothing would be checked, so nothing is accepted")
    with _spooled(body) as request:
        hooks = Hooks(repository, receiver)
        try:
            process = _start(repository, "git-receive-pack", [], protocol, request, hooks)
        except RepoError:
            hooks.abandon()
            raise
    slow = Timer(UNPACK_S, process.terminate)
    slow.daemon = True
    slow.start()
    Thread(target=hooks.serve, args=(process, slow.cancel), name=f"push {repository.stem}", daemon=True).start()
    try:
        yield from _output(process, hooks.gone)
    finally:
        slow.cancel()


def _start(
    repository: Path,
    service: str,
    options: list[str],
    protocol: str,
    request: IO[bytes] | None,
    hooks: Hooks | None = None,
) -> subprocess.Popen[bytes]:
    if not repository.is_dir():
        raise RepoError(f"{repository.name} is not on this app server")
    extra = {"GIT_PROTOCOL": protocol} if _PROTOCOL.fullmatch(protocol) else {}
    try:
        process = subprocess.Popen(
            argv(repository, service.removeprefix("git-"), "--stateless-rpc", *options, str(repository)),
            stdin=request or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(repository, {**extra, **(hooks.environment if hooks else {})}),
            cwd="/",
            pass_fds=hooks.inherited if hooks else (),
        )
    except OSError as error:
        raise RepoError(f"git cannot be started: {error.strerror}") from error
    confine(process.pid)
    return process


def _output(process: subprocess.Popen[bytes], gone: Event | None = None) -> Iterator[bytes]:
    """What git says, as it says it; `gone` is set when nobody reads on.

    Closed early, git learns it by its next word failing; it is never killed in the middle of a write.
    """
    stdout, stderr = cast(BufferedReader, process.stdout), cast(BufferedReader, process.stderr)
    said: list[bytes] = []
    complaints = Thread(target=_collect, args=(stderr, said), daemon=True)
    complaints.start()
    try:
        while chunk := stdout.read1(_CHUNK):
            yield chunk
    finally:
        if gone:
            gone.set()
        stdout.close()
        if process.wait() and said:
            complaints.join(1.0)
            log.warning("git pid=%s ended=%s said=%r", process.pid, process.returncode, last_words(b"".join(said)))


def _collect(stderr: IO[bytes], said: list[bytes]) -> None:
    with stderr:
        for line in stderr:
            if len(said) < 100:
                said.append(line[:1000])


def _spooled(body: Iterable[bytes]) -> IO[bytes]:
    """The request in a file without a name. What is over `SPOOLED` is read and dropped, so that the answer is heard.

    Raises:
        TooLarge: over `DRAINED`.
    """
    request = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    size = 0
    try:
        for chunk in body:
            if size < SPOOLED:
                request.write(chunk[: SPOOLED - size])
            size += len(chunk)
            if size > DRAINED:
                raise TooLarge(f"a push is at most {SPOOLED >> 20} MiB")
        request.seek(0)
    except BaseException:
        request.close()
        raise
    return request


def _packet(text: str) -> bytes:
    return f"{len(text) + 4:04x}{text}".encode()
