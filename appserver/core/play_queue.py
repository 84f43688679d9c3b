"""Which play may begin: in the order they came, never two on one host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from appserver.core.plays import Play

Locks = Mapping[str, int]
"""Host to the number of the play that holds it."""


def waits_for(play: Play, active: Sequence[Play], locks: Locks) -> str:
    """Why a queued play does not begin, by what is before it; empty when its hosts are free.

    Args:
        active: plays that are queued or running, in any order. A running one holds its hosts also when its lock is
            gone, since what it left on them has yet to be ended.
    """
    mine = frozenset(play.hosts)
    for other in sorted(active, key=lambda one: (one.state == "queued", one.number)):
        ahead = other.state == "running" or other.number < play.number
        if other.number != play.number and ahead and (shared := mine.intersection(other.hosts)):
            return _told(other.number, shared)
    held = {host: locks[host] for host in mine if locks.get(host, play.number) != play.number}
    return _told(min(held.values()), held) if held else ""


def next_play(
    active: Sequence[Play], locks: Locks, running_here: int, at_once: int, can: Callable[[Play], bool]
) -> Play | None:
    """The play that this app server is to begin now.

    Args:
        running_here: how many it runs already; at_once: how many it may.
        can: whether it has the playbook as it was asked for.
    """
    if running_here >= at_once:
        return None
    waiting = sorted((one for one in active if one.state == "queued"), key=lambda one: one.number)
    return next((one for one in waiting if not waits_for(one, active, locks) and can(one)), None)


def stood_on(play: Play, active: Iterable[Play]) -> tuple[int, ...]:
    """The plays whose records the beginning of this one depends on: itself, and all that want one of its hosts."""
    mine = frozenset(play.hosts)
    return tuple(sorted(one.number for one in active if mine.intersection(one.hosts)))


def orphans(active: Iterable[Play], locks: Locks) -> tuple[Play, ...]:
    """Running plays that no app server holds any more: its lease has ended, and the locks with it."""
    return tuple(
        one
        for one in sorted(active, key=lambda one: one.number)
        if one.state == "running" and not any(locks.get(host) == one.number for host in one.hosts)
    )


def _told(number: int, hosts: Iterable[str]) -> str:
    named = sorted(hosts)
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return f"waits for play {number} on {', '.join(named[:3])}{more}"
