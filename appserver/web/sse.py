"""Server-sent events: a generator of messages as a response that beats, resumes, and ends when the server stops.

An event's id is the store revision it stands for; whoever comes back with `Last-Event-ID` is told what came later.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Response, request

from appserver.core.access import Caller
from appserver.errors import AppServerError, Invalid
from appserver.web.context import context
from appserver.web.errors import problem

HEARTBEAT = ":\n\n"
LONGEST_S = 900.0


@dataclass(frozen=True, slots=True)
class Message:
    """`id` 0 leaves the client's last id as it is. `data` is JSON, or text as it stands."""

    event: str
    data: object
    id: int = 0

    def __str__(self) -> str:
        text = self.data if isinstance(self.data, str) else json.dumps(self.data, ensure_ascii=False)
        data = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
        known_as = f"id: {self.id}\n" if self.id else ""
        return f"{known_as}event: {self.event}\n{data}\n"


def wanted() -> bool:
    """Whether the client asks for a stream rather than one answer."""
    return request.accept_mimetypes.best_match(["application/json", "text/plain", "text/event-stream"]) == (
        "text/event-stream"
    )


def last_event_id() -> int:
    """The revision from which to go on; 0 at the first time."""
    text = request.headers.get("Last-Event-ID", "") or request.args.get("after", "")
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 18:
        raise Invalid("Last-Event-ID", "is the id of an event: a number")
    return int(text)


def stream(caller: Caller, messages: Iterable[Message | None]) -> Response:
    """None in `messages` is a heartbeat. An error after the first byte becomes an event `error`, and the end."""

    def text() -> Iterator[str]:
        yield HEARTBEAT  # so that the client knows at once that it is connected
        try:
            for message in messages:
                yield HEARTBEAT if message is None else str(message)
        except AppServerError as error:
            yield str(Message("error", problem(error)[0]))

    response = _open(caller, text(), "text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    return response


def lines(caller: Caller, texts: Iterable[str | None]) -> Response:
    """Lines of plain text as they come, for as long as they come. For None nothing is sent; time is looked at."""
    return _open(caller, ("" if text is None else f"{text}\n" for text in texts), "text/plain")


def _open(caller: Caller, parts: Iterator[str], mimetype: str) -> Response:
    """Counted while it is open. It ends after a while: whoever comes back shows anew that they still may listen."""
    streams = context().streams
    streams.enter(caller.name)
    until = time.monotonic() + LONGEST_S
    response = Response(itertools.takewhile(lambda _: time.monotonic() < until, parts), mimetype=mimetype)
    response.headers["Cache-Control"] = "no-store"
    response.call_on_close(lambda: streams.leave(caller.name))
    return response
