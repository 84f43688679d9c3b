"""Decide, commit, and decide again where others were quicker: the act of placement, for many groups at once.

One transaction holds the reservations of some nodes and the records of the containers that go there. It demands that
each of these nodes is as it was looked at, so any number of app servers may do this at once, and none overcommits.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from appserver.core.fleet import Node
from appserver.core.placement.manager import approve_all
from appserver.core.placement.placed import Asked, Placed, record
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Request
from appserver.core.placement.schedulers import strategy as strategy_of
from appserver.core.placement.together import Load, asks_who_is_there, decide, loads
from appserver.errors import Conflict, StoreError, TooLarge
from appserver.ports import KV, Clock
from appserver.services.placements_ground import Ground, Grounds
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import AT_ONCE

log = logging.getLogger(__name__)

TRIES = 12
"""Decisions on a fresh ground before the caller is told that the cluster is too busy."""
_MOST = 640
"""Keys for one transaction, where etcd takes so many: `AT_ONCE` where it does not."""
_SLOTS = "containerslots"
_PAUSE_S = 0.004
_LONGEST_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Group:
    """Containers of which each gets a place, or none does.

    `named`: the names are the caller's, so that somebody may have them already.
    """

    requests: tuple[Request, ...]
    asked: Asked
    strategy: Strategy | None = None
    named: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.requests) if self.named else ()


@dataclass(frozen=True, slots=True)
class Given:
    """Committed. `nodes` are those of the requests, in order."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A name is taken: by containers that were placed before, or by others."""

    records: Mapping[str, Placed]
    taken: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """Not all of it has room, on a ground that was read after it was asked.

    `sure`: what stood in its way is committed. Else it is looked at again, for as long as that is done.
    """

    ground: Ground
    sure: bool = True


Result = Given | Known | Refused | Exception
"""An error is for whoever asked for the group to raise: Conflict, or the store's."""


class Placing:
    """Usable from any thread."""

    def __init__(
        self, *, kv: KV, clock: Clock, grounds: Grounds, own: str, chance: Callable[[], float] = random.random
    ) -> None:
        """
        Args:
            own: this app server, as it stands for election.
        """
        self._kv = kv
        self._clock = clock
        self._grounds = grounds
        self._own = own
        self._chance = chance
        self._held: dict[str, Ground] = {}
        self._most = _MOST

    def __call__(self, cluster: str, groups: Sequence[Group]) -> list[Result]:
        """By group. A Conflict is one that found others quicker, every time.

        Raises:
            NotFound: there is no such cluster. Conflict: it is being deleted.
            Invalid: an expression or a type that nobody can evaluate.
            StoreError: the store cannot be read.
        """
        asked = self._grounds.now()
        found: dict[int, Result] = {}
        for tries in range(TRIES):
            waiting = {number: group for number, group in enumerate(groups) if _is_open(found.get(number))}
            if not waiting:
                break
            if tries > 1:
                self._pause(tries)
            ground = self._ground(cluster, waiting.values(), again=tries > 0)
            found.update(_known(ground, waiting))
            rest = _one_of_a_name({n: group for n, group in waiting.items() if _is_open(found.get(n))})
            try:
                kept = self._all(ground, rest, asked, tries > 0 or len(rest) > 1, found)
            except (StoreError, TooLarge) as error:  # what was committed before has been answered for
                found.update({number: error for number in rest if _is_open(found.get(number))})
                continue
            if kept:
                self._held[cluster] = ground
        busy = Conflict(f"reservations on {cluster} keep changing; try again")
        return [found.get(number, busy) for number in range(len(groups))]

    def _all(
        self, ground: Ground, groups: Mapping[int, Group], asked: float, crowded: bool, found: dict[int, Result]
    ) -> bool:
        """One strategy after the other, each on what those before it committed. False where the ground is not true."""
        return all(
            self._round(ground, strategy, some, asked, crowded, found)
            for strategy, some in _by_strategy(groups, ground.cluster.strategy).items()
        )

    def _ground(self, cluster: str, groups: Collection[Group], again: bool) -> Ground:
        """One that was held is used by whoever takes it, and by nobody else at that time."""
        names = [name for group in groups for name in group.names]
        full = any(asks_who_is_there(one, group.strategy or "spread") for group in groups for one in group.requests)
        held = self._held.pop(cluster, None)
        if held and not again and not names and self._grounds.now() < held.until and (held.full or not full):
            return held
        ground = self._grounds(cluster, full, names)
        if not full and _counts_containers(ground):
            ground = self._grounds(cluster, True, names)
        if held and not again:
            ground.follows(held)
        return ground

    def _round(
        self,
        ground: Ground,
        strategy: Strategy,
        groups: Mapping[int, Group],
        asked: float,
        crowded: bool,
        found: dict[int, Result],
    ) -> bool:
        """Decides and commits once. False where the ground is not true any more."""
        numbers = list(groups)
        requests = [groups[number].requests for number in numbers]
        plain = not any(asks_who_is_there(one, strategy) for group in requests for one in group)
        # Nodes of one's own keep app servers out of each other's way; who looks at neighbours has to see all.
        own = self._own if crowded and plain else ""
        nodes = decide(lambda: ground.indexes(strategy, own), requests)
        decided = {n: one for n, one in enumerate(nodes) if one is not None}
        lost: set[str] = set()
        for load in loads(decided, requests, self._fits):
            some = {n: groups[numbers[n]] for n in load.groups}
            if lost.isdisjoint(load.nodes) and self._commit(ground, load, some, decided):
                found.update({numbers[n]: Given(tuple(ground.nodes[node] for node in decided[n])) for n in some})
            else:
                lost.update(load.nodes)
        if ground.at >= asked:
            found.update({numbers[n]: Refused(ground, not lost) for n, one in enumerate(nodes) if one is None})
        return not lost

    def _commit(
        self, ground: Ground, load: Load, groups: Mapping[int, Group], decided: Mapping[int, tuple[str, ...]]
    ) -> bool:
        """One transaction, if the manager says yes and nobody else was quicker."""
        verdicts = approve_all(load.nodes, {node: ground.candidate(node) for node in load.nodes})
        if not all(one.yes for one in verdicts.values()):
            return False
        cluster = ground.cluster.name
        expect = {key: revision for node in load.nodes for key, revision in ground.fence(node).items()}
        puts = {keys.reservation(node): encode(one.reservation) for node, one in verdicts.items()}
        for number, group in groups.items():
            for node, wanted in zip(decided[number], group.requests, strict=True):
                key = keys.placement(cluster, wanted.name)
                puts[key] = encode(record(wanted, node, group.asked))
                if group.named:
                    expect[key] = expect[keys.container(cluster, wanted.name)] = 0
        try:
            revision = self._kv.commit(expect, puts)
        except TooLarge:
            if len(groups) == 1:
                raise
            self._most = AT_ONCE
            return False
        if not revision:
            log.info("event=placement_conflict cluster=%s nodes=%d", cluster, len(load.nodes))
            return False
        for node, one in verdicts.items():
            ground.wrote(node, one.reservation, load.nodes[node], revision)
        return True

    def _fits(self, nodes: int, containers: int) -> bool:
        """Of a node three keys are looked at and one is written; of a container one is written, and two looked at.

        And the cluster is looked at.
        """
        return max(1 + 3 * nodes + 2 * containers, nodes + containers) <= self._most

    def _pause(self, tries: int) -> None:
        self._clock.sleep(min(_PAUSE_S * 2**tries, _LONGEST_PAUSE_S) * self._chance())


def _is_open(result: Result | None) -> bool:
    return result is None or (isinstance(result, Refused) and not result.sure)


def _known(ground: Ground, groups: Mapping[int, Group]) -> dict[int, Result]:
    """Groups one of whose names somebody has."""
    found: dict[int, Result] = {}
    for number, group in groups.items():
        there = {name: ground.names[name] for name in group.names if name in ground.names}
        taken = ground.taken & set(group.names)
        if there or taken:
            found[number] = Known(there, frozenset(taken))
    return found


def _one_of_a_name(groups: Mapping[int, Group]) -> dict[int, Group]:
    """Of those that want the same name the first; the others are to see what becomes of it."""
    seen: set[str] = set()
    found: dict[int, Group] = {}
    for number, group in groups.items():
        if seen.isdisjoint(group.names):
            found[number] = group
            seen.update(group.names)
    return found


def _by_strategy(groups: Mapping[int, Group], of_cluster: Strategy) -> Mapping[Strategy, dict[int, Group]]:
    found: dict[Strategy, dict[int, Group]] = {}
    for number, group in groups.items():
        chosen = strategy_of(group.requests[0].type, group.strategy, of_cluster)
        found.setdefault(chosen, {})[number] = group
    return found


def _counts_containers(ground: Ground) -> bool:
    return any(_SLOTS in node.labels for node in ground.nodes.values())
