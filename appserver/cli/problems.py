"""What the app server answers when it refuses or fails, as errors of the one tree: their branch is the exit code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from appserver.cli.show import clean
from appserver.errors import AppServerError, BackendError, UserError

LONGEST = 2000


class Refused(UserError):
    """4xx. `status` tells a stale plan (409) from a name nobody has (404)."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class ServerFailed(BackendError):
    """5xx, or an answer that is none."""


class Unreachable(BackendError):
    """Nothing answers there. `refused`: nothing listens, which passes when the server is being restarted."""

    def __init__(self, why: str, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


def from_response(status: int, kind: str, body: bytes) -> AppServerError:
    """The error that a response of 300 and over stands for.

    Args:
        kind: its content type.
    """
    why = _told(kind, body) or (_phrase(status), ())
    lines = [": ".join(filter(None, fault)) for fault in why[1]] if status == 422 else []
    text = "\n".join(clean(line[:LONGEST]) for line in lines or why[0].splitlines() or [_phrase(status)])
    if status == 401:
        return Refused(status, f"{text}\nrun `moorage login` to be known to the server")
    if 400 <= status < 500:
        return Refused(status, text)
    if status < 400:
        return ServerFailed(f"the server sends us elsewhere ({status}); is its address right?")
    return ServerFailed(text)


def exit_code(error: Exception) -> int:
    """2: the caller can mend it; 1: something we stand on failed."""
    return 2 if isinstance(error, UserError) else 1


def _told(kind: str, body: bytes) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """The detail and the faults of problem+json; None when it is something else."""
    if "json" not in kind:
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return None
    if not isinstance(found, Mapping):
        return None
    faults = found.get("errors") or []
    told = tuple((str(f.get("where", "")), str(f.get("why", ""))) for f in faults if isinstance(f, Mapping))
    return str(found.get("detail") or found.get("title") or ""), told


def _phrase(status: int) -> str:
    try:
        return f"the server answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"the server answered {status}"
