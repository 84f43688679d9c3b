"""One run of Ansible, followed line by line: `playbooks_process.py` on the other side, killed with whoever listens."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from appserver.adapters.playbooks_room import contained, private
from appserver.core.plays import PlayNews, Tally, last_words
from appserver.errors import PlaybookError

_LOOK_S = 0.2
_END_S = 3.0
_MOST_SAID = 4 << 20
"""Bytes of one line of the process: one event's text."""


def talk(
    room: Path,
    environment: Mapping[str, str],
    cwd: Path,
    given: Mapping[str, object],
    limit_s: float,
    stopped: Callable[[], bool],
    argv: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """Line by line what a run says, its end last; empty while it is silent. Closed or stopped, it is killed.

    Args:
        room: a directory for this run alone.
        environment: all of it.
        given: what `ansible_runner.run` is called with.
        argv: what runs it instead, and ends all of it on SIGTERM.
    Raises:
        PlaybookError: it could not be run, or not to its end.
    """
    job = {"run": {name: value for name, value in given.items() if value}, "limit_s": limit_s, "env": environment}
    private(room / "job.json", json.dumps(job))
    with (room / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            argv or contained([sys.executable, "-m", "appserver.adapters.playbooks_process", str(room)]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=cwd,
            start_new_session=True,
        )
        ended = False
        try:
            for line in _lines(process, stopped):
                if not ended:  # after its end it takes its time to go
                    said = cast(dict[str, Any], json.loads(line)) if line else {}
                    ended = said.get("kind") == "end"
                    yield said
        finally:
            if argv:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_END_S)
            process.kill()
            process.wait()
            cast(Any, process.stdout).close()
        if not ended and not stopped():
            errors.seek(0)
            raise PlaybookError(f"Ansible ended without a word: {last_words(errors.read().decode(errors='replace'))}")


def news_of(said: Mapping[str, Any]) -> PlayNews:
    return PlayNews(
        str(said.get("kind", "")),
        str(said.get("host", "")),
        str(said.get("task", "")),
        bool(said.get("changed")),
        str(said.get("text", "")),
        {host: Tally(**counts) for host, counts in (said.get("tallies") or {}).items()},
        said.get("rc"),
        str(said.get("why", "")),
    )


def _lines(process: subprocess.Popen[bytes], stopped: Callable[[], bool]) -> Iterator[bytes]:
    """Until the process closes its output, or is to be stopped; an empty one whenever it is silent."""
    out = cast(Any, process.stdout).fileno()
    rest = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(out, selectors.EVENT_READ)
        while not stopped():
            if not waiting.select(_LOOK_S):
                yield b""
                continue
            part = os.read(out, 1 << 16)
            if not part:
                return
            *whole, rest = (rest + part).split(b"\n")
            if len(rest) > _MOST_SAID:
                raise PlaybookError("Ansible says more at once than a play may")
            yield from whole
