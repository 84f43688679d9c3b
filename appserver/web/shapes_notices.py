"""What answers about notices look like."""

from __future__ import annotations

from typing import Literal

from appserver.web.shapes import Shape


class Sending(Shape):
    """How far a notice is on a channel. `nobody`: none was configured when it came."""

    channel: Literal["slack", "webhook", "mail", "nobody"]
    state: Literal["pending", "sending", "sent", "failed", "unknown", "dropped"]
    attempts: int
    reason: str
    at: str


class Notice(Shape):
    """What was told of one event of an update. Without `sendings`, nobody has been told yet."""

    name: str
    run: int
    kind: Literal["begin", "success", "failure", "warning"]
    version: str
    servers: list[int]
    started_at: str
    at: str
    detail: str
    sendings: list[Sending]


class Tested(Shape):
    channel: Literal["slack", "webhook", "mail"]
    ok: bool
    reason: str
