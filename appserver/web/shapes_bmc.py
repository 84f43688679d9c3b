"""What answers about the boards that manage hardware look like."""

from __future__ import annotations

from appserver.web.shapes import Shape
from appserver.web.shapes_fleet import InstalledBootServer


class BoardDrift(Shape):
    """A user who is otherwise than wanted; null where there is, or should be, none."""

    user: str
    before: str | None
    after: str | None


class Board(Shape):
    """`power` and `answers` are null before an app server has looked. `users` are those seen last, with privileges."""

    address: str
    protocol: str
    power: str | None
    answers: bool | None
    reason: str
    users: dict[str, str]
    drift: list[BoardDrift]


class BootServerInFull(InstalledBootServer):
    """With its board, where one is on record."""

    bmc: Board | None


class Switched(Shape):
    """What was asked for, and what the power was before."""

    action: str
    before: str
