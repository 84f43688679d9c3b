"""What is to become of the shared volume of GlusterFS: decided of what one of its servers knows, without touching it.

The volume is one set of replicas: a brick on each of the first hosts, up to the number of copies. Hosts beyond that
are peers that only mount it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wanted:
    """`hosts` are addresses, in the order in which they get bricks; `brick` is the same path on each."""

    volume: str
    hosts: tuple[str, ...]
    brick: str
    copies: int
    options: Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What the server at address `here` knows.

    members: address to the id of the server that answers there now, of the hosts that could be asked.
    unasked: names of hosts that may know the volume and could not be asked.
    peers: id to the name under which it is a peer; `here` is none of them.
    bricks: address to the id of the server that the brick belongs to. None of them: there is no volume.
    online: addresses whose bricks serve.
    pending: number of files that some brick has not got yet.
    """

    here: str
    members: Mapping[str, str] = field(default_factory=dict)
    unasked: Sequence[str] = ()
    peers: Mapping[str, str] = field(default_factory=dict)
    bricks: Mapping[str, str] = field(default_factory=dict)
    started: bool = False
    online: frozenset[str] = frozenset()
    pending: int = 0
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A command of gluster, without the program itself, and why it is given."""

    argv: tuple[str, ...]
    cause: str

    def __str__(self) -> str:
        return f"{' '.join(self.argv)}: {self.cause}\n"


@dataclass(frozen=True)
class Plan:
    """Steps in their order. With a refusal there are none."""

    steps: tuple[Step, ...] = ()
    refusal: str = ""
    warnings: tuple[str, ...] = ()


def decide(seen: Seen, wanted: Wanted) -> Plan:
    """Join, replace, leave, and what the volume is to be told; or why that would cost data."""
    replaced = tuple(a for a, was in seen.bricks.items() if a in wanted.hosts and seen.members.get(a, was) != was)
    gone = tuple(address for address in seen.bricks if address not in wanted.hosts)
    why = _against(seen, replaced, gone)
    if why:
        return Plan(refusal=why)
    left = {address: owner for address, owner in seen.bricks.items() if address not in (*replaced, *gone)}
    leaving = {seen.bricks[address] for address in (*replaced, *gone)}
    joining = tuple(
        a for a in wanted.hosts if a != seen.here and a in seen.members and seen.members[a] not in seen.peers
    )
    steps = [
        *_leave(seen, wanted, replaced, gone, len(left)),
        *(Step(("peer", "probe", address), "it is no peer yet") for address in joining),
        *_bricks(seen, wanted, left),
        *_options(seen, wanted),
    ]
    return Plan(tuple(steps), warnings=_warnings(seen, wanted, left, leaving))


def _against(seen: Seen, replaced: tuple[str, ...], gone: tuple[str, ...]) -> str:
    if not seen.bricks and seen.unasked:
        who = ", ".join(seen.unasked)
        return f"no host that was asked knows the volume, {who} cannot be asked and may know it: no second one is made"
    if not seen.bricks or not (replaced or gone):
        return ""
    left = [address for address in seen.bricks if address not in (*replaced, *gone)]
    away = [address for address in left if address not in seen.online]
    if not left:
        return "no brick with data would be left"
    if away:
        return f"{_and(replaced, gone)} cannot go while the bricks of {', '.join(away)} are away: they may lack data"
    if len(replaced) > len(seen.bricks) // 2:
        return f"{_and(replaced, ())} are new machines, more than half of the bricks: what is left may lack data"
    if len(gone) > 1:
        return f"{_and((), gone)} are not in the inventory: one copy at a time is given up, and not by a mistake in it"
    if gone and seen.pending:
        return f"{_and((), gone)} cannot go while {seen.pending} files are still being healed; run again later"
    return ""


def _leave(seen: Seen, wanted: Wanted, replaced: tuple[str, ...], gone: tuple[str, ...], left: int) -> list[Step]:
    cause = {
        **dict.fromkeys(replaced, "a new machine has this address"),
        **dict.fromkeys(gone, "it is not in the inventory"),
    }
    steps = []
    if cause:
        bricks = (f"{address}:{wanted.brick}" for address in cause)
        argv = ("volume", "remove-brick", wanted.volume, "replica", str(left), *bricks, "force")
        steps.append(Step(argv, "; ".join(f"{address}: {why}" for address, why in cause.items())))
    for address, why in cause.items():
        name = seen.peers.get(seen.bricks[address])
        if name:
            steps.append(Step(("peer", "detach", name, "force"), why))
    return steps


def _bricks(seen: Seen, wanted: Wanted, left: Mapping[str, str]) -> list[Step]:
    able = [address for address in wanted.hosts if address in seen.members and address not in left]
    added = able[: max(wanted.copies - len(left), 0)]
    bricks = tuple(f"{address}:{wanted.brick}" for address in added)
    count = len(left) + len(added)
    copies = ("replica", str(count)) if count > 1 else ()
    steps = []
    if not left and added:
        steps.append(Step(("volume", "create", wanted.volume, *copies, *bricks), "there is none"))
    elif added:
        steps.append(
            Step(("volume", "add-brick", wanted.volume, *copies, *bricks), f"{count} copies of {wanted.copies}")
        )
    if not seen.started:
        steps.append(Step(("volume", "start", wanted.volume), "it is not started"))
    if left and added:
        steps.append(Step(("volume", "heal", wanted.volume, "full"), "the new brick is empty"))
    return steps


def _options(seen: Seen, wanted: Wanted) -> list[Step]:
    steps = []
    if seen.options.get("features.quota") != "on":
        steps.append(Step(("volume", "quota", wanted.volume, "enable"), "quotas are off"))
    for name, value in wanted.options.items():
        was = seen.options.get(name, "unset")
        if was == value:
            continue
        limit = name.removeprefix("features.")
        quota = limit in ("soft-timeout", "hard-timeout")
        argv = ("quota", wanted.volume, limit, value) if quota else ("set", wanted.volume, name, value)
        steps.append(Step(("volume", *argv), f"{was} → {value}"))
    return steps


def _warnings(seen: Seen, wanted: Wanted, left: Mapping[str, str], leaving: set[str]) -> tuple[str, ...]:
    told = []
    if seen.unasked:
        told.append(
            f"{', '.join(seen.unasked)} could not be asked; what is to be done there is done when a play reaches it"
        )
    away = [address for address in left if address not in seen.online]
    if away:
        told.append(f"the bricks of {', '.join(away)} are away; they are healed when they are back")
    if min(wanted.copies, len(wanted.hosts)) == 2:
        told.append("with two copies, nothing can be written while the first is away: three hosts are better")
    strangers = sorted(
        name for owner, name in seen.peers.items() if owner not in {*seen.members.values(), *left.values(), *leaving}
    )
    if strangers and not seen.unasked:
        told.append(f"peers that are no hosts of ours: {', '.join(strangers)}")
    return tuple(told)


def _and(replaced: tuple[str, ...], gone: tuple[str, ...]) -> str:
    return ", ".join((*replaced, *gone))
