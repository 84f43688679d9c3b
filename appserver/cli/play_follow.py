"""Following a play to its end, over restarts of the app server that is asked."""

from __future__ import annotations

import json
import time
from typing import Any

from appserver.cli import show
from appserver.cli.client import Client
from appserver.cli.follow import GIVE_UP_S
from appserver.cli.lazy import wants_json
from appserver.cli.problems import ServerFailed, Unreachable, from_response

_AGAIN_S = 0.5
_OVER = frozenset({"done", "failed", "cancelled", "lost"})


def follow(client: Client, number: int) -> dict[str, Any]:
    """Print what it says as it comes; the play at its end.

    Raises:
        Unreachable: the server was away for too long; the play goes on without it, or is ended by another.
    """
    try:
        return _followed(client, number)
    except KeyboardInterrupt:
        show.note(f"\nit goes on without you: moorage boot play output {number} --follow")
        raise


def ended(client: Client, number: int) -> dict[str, Any]:
    """The play once it is over."""
    while True:
        found: dict[str, Any] = client.get("plays", str(number))
        if found["state"] in _OVER:
            return found
        time.sleep(_AGAIN_S)


def _followed(client: Client, number: int) -> dict[str, Any]:
    after, heard = "", time.monotonic()
    while True:
        try:
            for event in client.events("plays", str(number), "output", after=after):
                heard = time.monotonic()
                if event is None:
                    continue
                after = event.id
                if event.name == "log":
                    if not wants_json():
                        show.log_line(event.data)
                    continue
                found: dict[str, Any] = json.loads(event.data)
                if event.name == "error":
                    raise from_response(found["status"], "json", event.data.encode())
                return found
        except (Unreachable, ServerFailed):
            if time.monotonic() - heard > GIVE_UP_S:
                raise
        time.sleep(_AGAIN_S)  # the server stops or starts: the stream is taken up where it broke off
