"""The app server's side of the hooks: two pipes that one git process and its hooks inherit, and nobody else has.

The words are those of `githooks/ask`. What a hook tells is believed only where git's own rules bind it: the object
directory is to lie within the repository.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event, Lock

from appserver.core.push_text import plain
from appserver.core.refs import RefUpdate
from appserver.errors import AppServerError, RepoError, UserError
from appserver.ports import Receiver

log = logging.getLogger(__name__)

MAX_ASKED = 1 << 20
_LISTENED_S = 30.0
"""How long a client may leave a line unread before it counts as gone."""


class Hooks:
    """One push. `gone` is set when nobody listens any more."""

    def __init__(self, repository: Path, receiver: Receiver) -> None:
        self._repository = repository
        self._receiver = receiver
        self._asked, hooks_ask = os.pipe()
        hooks_answer, self._answers = os.pipe()
        os.set_blocking(self._answers, False)
        self.inherited = (hooks_ask, hooks_answer)
        self.environment = {"MOORAGE_ASK": str(hooks_ask), "MOORAGE_ANSWER": str(hooks_answer)}
        self.gone = Event()
        self._lock = Lock()

    def __call__(self, line: str) -> None:
        """`ports.Say`."""
        self._send(f"+{plain(line)}\n".encode())

    def serve(self, process: subprocess.Popen[bytes], asked: Callable[[], None]) -> None:
        """Answer both hooks, until git has ended. `asked` is called when the first one speaks."""
        self._close(*self.inherited)
        try:
            for fields, lines in _requests(self._asked):
                asked()
                self._send(b"=ok\n" if self._answer(fields, lines) else b"=no\n")
        except RepoError as error:
            log.error("push repository=%s error=%r", self._repository.name, str(error))
            process.terminate()
        finally:
            with self._lock:
                self.gone.set()
                self._close(self._asked, self._answers)
            self._receiver.close()

    def abandon(self) -> None:
        """git was never started."""
        self._close(*self.inherited, self._asked, self._answers)
        self._receiver.close()

    def _answer(self, fields: list[str], lines: str) -> bool:
        """Whether the hook is to end well. Whatever goes wrong in a check refuses the push, in words."""
        try:
            updates = tuple(_update(line) for line in lines.splitlines())
            if fields[0] == "post-receive":
                self._receiver.accepted(updates, self)
                return True
            environment = _quarantine(self._repository, fields[1], fields[2])
            return self._receiver.check(updates, fields[4:], environment, self) and not self.gone.is_set()
        except AppServerError as error:
            self._tell(error)
        except Exception:
            log.exception("push repository=%s hook=%s", self._repository.name, fields[0])
            self("failed: a fault of the app server, whose log tells more")
        return False

    def _tell(self, error: AppServerError) -> None:
        word = "refused" if isinstance(error, UserError) else "failed"
        for line in str(error).splitlines():
            self(f"{word}: {line}")

    def _send(self, message: bytes) -> None:
        with self._lock:
            while message and not self.gone.is_set():
                try:
                    message = message[os.write(self._answers, message) :]
                except BlockingIOError:
                    ready = select.poll()
                    ready.register(self._answers, select.POLLOUT)
                    if not ready.poll(_LISTENED_S * 1000):
                        self.gone.set()
                except BrokenPipeError:
                    self.gone.set()

    def _close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            os.close(descriptor)


def _requests(source: int) -> Iterator[tuple[list[str], str]]:
    """Each hook's fields and its reference lines, until the last holder of the other end is gone.

    Raises:
        RepoError: it asks in other words, or without end.
    """
    held = b""
    while True:
        fields: list[bytes] = []
        while len(fields) < 5 + (_count(fields[3]) if len(fields) > 3 else 0):
            end = held.find(b"\0")
            if end >= 0:
                fields.append(held[:end])
                held = held[end + 1 :]
                continue
            more = os.read(source, 65536)
            if not more:
                return
            held += more
            if len(held) > MAX_ASKED:
                raise RepoError("a hook asked without end")
        *told, lines = [field.decode(errors="surrogateescape") for field in fields]
        yield told, lines


def _count(field: bytes) -> int:
    if not field.isdigit():
        raise RepoError(f"a hook told of {field[:20]!r} push options")
    return int(field)


def _update(line: str) -> RefUpdate:
    old, new, ref = line.split(" ", 2)
    return RefUpdate(ref, old, new)


def _quarantine(repository: Path, objects: str, alternates: str) -> Mapping[str, str]:
    """The variables under which the objects of an unaccepted push can be read.

    Raises:
        RepoError: they lead out of the repository.
    """
    if not objects:
        return {}
    for path in (objects, *alternates.split(":")):
        if path and not Path(path).resolve().is_relative_to(repository.resolve()):
            raise RepoError("the push is quarantined outside its repository")
    return {"GIT_OBJECT_DIRECTORY": objects, "GIT_ALTERNATE_OBJECT_DIRECTORIES": alternates}
