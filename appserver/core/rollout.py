"""The updater: from one snapshot to the next action. Pure.

Source: Neco's eight checks, in its order, and its names of actions. What it adds: each action says why; time is
etcd's, as a deadline that has passed or not; a site may be frozen; a server whose agent is gone is named with what
takes it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from appserver.core.rollout_record import ABORTED, COMPLETED, Request, Status

ActionKind = Literal[
    "wait-for-info", "request-update", "wait-for-user-recovery", "request-stop", "wait-for-workers", "reconfigure"
]
WRITES: tuple[ActionKind, ...] = ("request-update", "request-stop", "reconfigure")


@dataclass(frozen=True, slots=True)
class Seen:
    """All of one store revision. `servers` are those that are registered; by number, as everywhere here."""

    servers: tuple[int, ...] = ()
    release: str = ""
    request: Request | None = None
    statuses: Mapping[int, Status] = field(default_factory=dict)
    overdue: bool = False
    """The deadline of the request has passed, by etcd's clock."""
    timeout_s: float = 0.0
    dead: Mapping[int, str] = field(default_factory=dict)
    """Registered, and without an agent; each with its node's name, "" where none is on record."""
    frozen: str = ""
    """Why no new release is begun with; "" where one may be."""


@dataclass(frozen=True, slots=True)
class Action:
    """`request` is to be written, with all statuses deleted where `clear`; None for one that waits."""

    kind: ActionKind
    reason: str
    request: Request | None = None
    clear: bool = False


def followed(lrn: int, message: str) -> str:
    """What a server says that aborts since another one did."""
    return f"server {lrn} aborted: {message}"


_FOLLOWED = re.compile(r"server \d+ aborted: ")


def decide(seen: Seen, now: datetime) -> Action:
    """`now` is put down as the time of a new request, and decides nothing."""
    asked = seen.request
    if not seen.release:
        return Action("wait-for-info", "no release is known yet")
    if asked is None and not seen.servers:
        return Action("wait-for-info", "no boot server is registered")
    if asked is None:
        return _update(seen, now, "no update was asked for yet")
    if asked.stop:
        return Action(
            "wait-for-user-recovery", "the update ended early: `moorage update retry`, `recover` or `undo` goes on"
        )
    if aborted := _aborted(asked, seen.statuses):
        return Action("request-stop", aborted, _stopped(asked))
    if late := [lrn for lrn in asked.servers if not completed(asked, seen.statuses.get(lrn))]:
        if seen.overdue:
            return Action("request-stop", f"workers take too long for update: {told(seen.timeout_s)}", _stopped(asked))
        return Action("wait-for-workers", _awaited(seen, late))
    if not seen.servers:
        return Action("wait-for-info", "no boot server is registered")
    if numbers(asked.servers) != numbers(seen.servers):
        if seen.frozen:
            return Action(
                "wait-for-info", f"{_members(asked.servers, seen.servers)}; {asked.version} waits: {seen.frozen}"
            )
        request = Request(asked.version, numbers(seen.servers), False, now)
        return Action("reconfigure", _members(asked.servers, seen.servers), request, clear=True)
    if asked.version != seen.release:
        return _update(seen, now, f"{seen.release} follows {asked.version}")
    return Action("wait-for-info", f"all servers are at {asked.version}")


def completed(asked: Request, status: Status | None) -> bool:
    return status is not None and status.version == asked.version and status.cond == COMPLETED


def numbers(servers: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(set(servers)))


def listed(servers: Sequence[int]) -> str:
    """For people: `server 2`, `servers 0, 2 and 10`."""
    words = [str(lrn) for lrn in numbers(servers)]
    return f"server {words[0]}" if len(words) == 1 else f"servers {', '.join(words[:-1])} and {words[-1]}"


def told(seconds: float) -> str:
    """As Go writes a duration: `1h0m0s`, in Neco's message."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _update(seen: Seen, now: datetime, why: str) -> Action:
    if seen.frozen:
        return Action("wait-for-info", f"{seen.release} waits: {seen.frozen}")
    stale = any(status.version == seen.release for status in seen.statuses.values())
    return Action("request-update", why, Request(seen.release, numbers(seen.servers), False, now), clear=stale)


def _stopped(asked: Request) -> Request:
    return Request(asked.version, asked.servers, True, asked.started_at)


def _aborted(asked: Request, statuses: Mapping[int, Status]) -> str:
    """By the server that was the first; the others have only followed it."""
    known = {lrn: statuses[lrn] for lrn in numbers(tuple(statuses))}
    found = {lrn: one for lrn, one in known.items() if one.version == asked.version and one.cond == ABORTED}
    causes = [lrn for lrn, one in found.items() if not _FOLLOWED.match(one.message)] or list(found)
    for lrn in causes[:1]:
        return f"update request was aborted: server {lrn}: {found[lrn].message or 'no reason was given'}"
    return ""


def _awaited(seen: Seen, late: Sequence[int]) -> str:
    retired = [lrn for lrn in late if lrn not in seen.servers]
    dead = {lrn: seen.dead[lrn] for lrn in late if lrn in seen.dead and lrn not in retired}
    without = "`moorage update stop` and `moorage update recover` go on without"
    told = [f"waiting for {listed(late)}", *([gone(dead)] if dead else [])]
    return "; ".join([*told, *([f"{listed(retired)} left the site: {without}"] if retired else [])])


def gone(dead: Mapping[int, str]) -> str:
    """What is told of servers whose agents are gone, with what takes them out: a host by the playbook for that."""
    hosts = ",".join(dead[lrn] for lrn in sorted(dead) if dead[lrn])
    commands = [f"`ansible-playbook playbooks/retire.yml -e retire={hosts}`"] if hosts else []
    commands += [f"`moorage boot retire {lrn}`" for lrn in sorted(dead) if not dead[lrn]]
    them = "its agent is" if len(dead) == 1 else "their agents are"
    return f"{listed(tuple(dead))}: {them} gone; when that is for good: {', '.join(commands)}"


def _members(before: Sequence[int], after: Sequence[int]) -> str:
    joined, left = set(after) - set(before), set(before) - set(after)
    told = [f"{listed(tuple(some))} {verb}" for some, verb in ((joined, "joined"), (left, "left")) if some]
    return "; ".join(told)
