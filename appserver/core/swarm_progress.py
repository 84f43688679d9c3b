"""How far Swarm is with what it was told of a service, and whether that is the end of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_MOVING = frozenset({"updating", "rollback_started"})
_STUCK = {"paused": "its update was paused", "rollback_completed": "Swarm put back what was before"}


@dataclass(frozen=True, slots=True)
class Progress:
    """`state` is that of the service's update (`updating`, `paused`, …), "" for none."""

    state: str
    message: str
    old: int
    """Tasks that are still of what was before."""
    tasks: int
    begun: bool = True
    """False while all that it ever ran is of what was before: Swarm answers first, and looks at it then."""

    def __str__(self) -> str:
        return f"{self.tasks - self.old} of {self.tasks} updated"


def is_moving(one: Progress) -> bool:
    """Whoever asked for it."""
    return one.state in _MOVING


def is_under_way(one: Progress) -> bool:
    """Of a service that was changed just now: what is stuck is not."""
    return one.state == "updating" or one.old > 0 or not one.begun


def stuck(one: Progress) -> str:
    """Why it came to no good end; empty where it did, or may still."""
    why = _STUCK.get(one.state) or (one.state.startswith("rollback") and "Swarm puts back what was before")
    return f"{why}: {one.message}" if why else ""
