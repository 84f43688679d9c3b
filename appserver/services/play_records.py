"""Plays on record: the waiting and running ones with the locks of their hosts, and what guards each change of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from appserver.core.play_queue import stood_on
from appserver.core.plays import MOST_WAITING, Play
from appserver.errors import Conflict, NotFound, TooMany
from appserver.ports import KV
from appserver.services.journal import Page, drop, read_back
from appserver.store import plays as keys
from appserver.store.codec import encode
from appserver.store.records import Stored, below, find, read

_TRIES = 10
_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Active:
    """Plays that wait or run, by their numbers, each with its store revision; host to the play that holds it."""

    plays: Mapping[int, Stored[Play]] = field(default_factory=dict)
    locks: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> tuple[Play, ...]:
        return tuple(stored.record for stored in self.plays.values())


class PlayRecords:
    def __init__(self, kv: KV) -> None:
        self._kv = kv

    def get(self, number: int) -> Stored[Play]:
        """
        Raises:
            NotFound
        """
        found = read(self._kv, keys.play(number), Play)
        if found is None:
            raise NotFound(f"there is no play {number}")
        return found

    def list(self, after: str, limit: int) -> Page[Play]:
        """Newest first."""
        return read_back(self._kv, "plays/", Play, lambda _: True, after, limit)

    def active(self) -> Active:
        seen = self._kv.snapshot("playqueue/", "playlocks/")
        queued = [int(key.rpartition("/")[2]) for key in seen.items if key.startswith("playqueue/")]
        locks = {
            key.removeprefix("playlocks/"): int(item.value)
            for key, item in seen.items.items()
            if key.startswith("playlocks/")
        }
        held = self._kv.snapshot(*(keys.play(number) for number in queued)) if queued else seen
        found = {number: find(held, keys.play(number), Play) for number in queued}
        return Active({number: one for number, one in found.items() if one and not one.record.is_over}, locks)

    def add(self, play: Play) -> Play:
        """Put a play into the queue; it gets the next number.

        Raises:
            TooMany: enough plays wait already.
            Conflict: others were quicker, again and again.
        """
        for _ in range(_TRIES):
            seen = self._kv.snapshot("plays/", "playqueue/")
            if sum(key.startswith("playqueue/") for key in seen.items) >= MOST_WAITING:
                raise TooMany(f"{MOST_WAITING} plays wait or run already", _WAIT_S)
            last = max((key for key in seen.items if key.startswith("plays/")), default="plays/0")
            new = replace(play, number=int(last.rpartition("/")[2]) + 1)
            where = keys.play(new.number)
            if self._kv.commit({where: 0}, {where: encode(new), keys.queue(new.number): ""}):
                return new
        raise Conflict("other plays were asked for at the same moment; ask again")

    def change(self, stored: Stored[Play], play: Play, fence: Mapping[str, int] | None = None) -> Stored[Play] | None:
        """Write a play anew; None when it was changed meanwhile, or `fence` no longer holds."""
        where = keys.play(play.number)
        revision = self._kv.commit({where: stored.revision, **(fence or {})}, {where: encode(play)})
        return Stored(play, revision) if revision else None

    def lock(self, play: Play, active: Active, lease: int) -> Mapping[str, int]:
        """Take the hosts of a play, under a lease, if all it was decided on still holds: the guard of what follows.

        Empty when somebody was quicker.
        """
        expect = {keys.play(number): active.plays[number].revision for number in stood_on(play, active.records)}
        locks = {keys.lock(host): str(play.number) for host in play.hosts}
        revision = self._kv.commit({**expect, **dict.fromkeys(locks, 0)}, locks, lease=lease)
        return {next(iter(locks)): revision} if revision else {}

    def end(self, stored: Stored[Play], play: Play, fence: Mapping[str, int]) -> bool:
        """Write how it ended, and let its hosts go; False when it was changed meanwhile."""
        number = play.number
        puts = {keys.play(number): encode(play), keys.end(number): play.state}
        gone = [keys.queue(number), *(keys.lock(host) for host in play.hosts if fence)]
        return bool(self._kv.commit({keys.play(number): stored.revision, **fence}, puts, gone))

    def prune(self, kept: int) -> int:
        """Forget all but the newest, with what they said; how many went. What waits or runs stays."""
        found = sorted(below(self._kv.snapshot("plays/"), "plays/", Play), key=lambda one: one[1].record.number)
        old = [one.record for _, one in found[:-kept] if one.record.is_over] if kept else []
        for play in old:
            said = list(self._kv.snapshot(keys.output(play.number)).items)
            drop(self._kv, [keys.play(play.number), *said])
        return len(old)
