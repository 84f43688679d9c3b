"""Members of an etcd cluster: what is to happen so that a host is one, is restarted, or is one no more. Pure.

The rules that keep the data: a majority stays healthy through every step, a cluster is founded once, members come and
go one at a time, and data are moved aside, never deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Refused(Exception):
    """The step would cost the quorum, or nobody can know what is right. The text is a sentence for the reader."""


@dataclass(frozen=True)
class Member:
    """One member as the cluster lists it. `id` is in hexadecimal; the name is empty until it has started once."""

    id: str
    name: str
    peer_url: str
    healthy: bool
    learner: bool = False


@dataclass(frozen=True)
class Seen:
    """One look at the cluster, from the host that is to be a member.

    Attributes:
        members: as a healthy member lists them; empty when none answers.
        has_data: this host holds the data of a member.
        runs: etcd is active here.
    """

    members: tuple[Member, ...]
    has_data: bool
    runs: bool


@dataclass(frozen=True)
class Wanted:
    """This host as a member. `may_found`: it makes the cluster if there is none, which one host alone may."""

    name: str
    peer_url: str
    may_found: bool


@dataclass(frozen=True)
class Step:
    """`verb` is one of found, set_aside, remove, add, start, stop, restart, await, promote, hand_over."""

    verb: str
    cause: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.verb}{self.subject and ' '}{self.subject}: {self.cause}"


def present(seen: Seen, wanted: Wanted) -> tuple[Step, ...]:
    """What makes this host a voting, healthy member; nothing when it is one.

    Raises:
        Refused: no cluster answers and this host may not found one, or a majority would not be healthy.
    """
    me = _mine(seen, wanted)
    if not seen.members:
        return _alone(seen, wanted)
    _nobody_else(seen, wanted, me)
    if me and seen.has_data:
        return _back(seen, me)
    steps = []
    if seen.has_data:
        steps += [Step("stop", "its data are those of a member that is no longer listed")] if seen.runs else []
        steps.append(Step("set_aside", "its data are those of a member that is no longer listed"))
    if me:
        _majority_after(seen, me, f"{wanted.name} cannot be replaced")
        steps.append(Step("remove", "the member lost its data", me.id))
    elif not _has_majority(seen.members):
        raise Refused(f"{wanted.name} cannot join while the cluster has no majority: {_state(seen.members)}")
    steps += [
        Step("add", "it is to be a member", wanted.peer_url),
        Step("start", "it joins the cluster"),
        Step("promote", "it has caught up", wanted.peer_url),
        Step("await", "it joined"),
    ]
    return tuple(steps)


def restarted(seen: Seen, wanted: Wanted) -> tuple[Step, ...]:
    """What restarts this member without losing the quorum; nothing where none runs.

    Raises:
        Refused: without this member, too few are healthy.
    """
    if not seen.runs or not seen.has_data:
        return ()
    me = _mine(seen, wanted)
    if me:
        _majority_during(seen, me, f"{wanted.name} is not restarted")
    return (Step("restart", "its settings or its program changed"), Step("await", "it was restarted"))


def absent(seen: Seen, wanted: Wanted) -> tuple[Step, ...]:
    """What takes this host out of the cluster, its data set aside.

    Raises:
        Refused: it is the last member, too few others are healthy, or no cluster answers.
    """
    me = _mine(seen, wanted)
    gone = [Step("stop", "it is no member any more")] if seen.runs else []
    gone += [Step("set_aside", "it is no member any more")] if seen.has_data else []
    if not seen.members and seen.has_data:
        raise Refused(f"{wanted.name} cannot leave: no member answers, so nobody can strike it off the list")
    if not me:
        return tuple(gone)
    if len(seen.members) == 1:
        raise Refused(f"{wanted.name} is the last member; all that is on record would go with it")
    _majority_after(seen, me, f"{wanted.name} cannot leave")
    return (Step("hand_over", "another member is to lead", me.id), Step("remove", "it leaves", me.id), *gone)


def struck(seen: Seen, dead: Wanted) -> tuple[Step, ...]:
    """What takes a member that is gone for good off the list, asked of another host.

    Raises:
        Refused: it still answers, or without it too few would be healthy.
    """
    it = _mine(seen, dead)
    if not it:
        return ()
    if it.healthy:
        raise Refused(f"{dead.name} still answers: let it leave by itself (state absent, on it)")
    _majority_after(seen, it, f"{dead.name} cannot be struck off")
    return (Step("remove", f"{dead.name} is gone for good", it.id),)


def _alone(seen: Seen, wanted: Wanted) -> tuple[Step, ...]:
    """No member answers: it is the first to come back, or the one that founds the cluster."""
    if seen.has_data:
        return () if seen.runs else (Step("start", "it is a member and does not run"),)
    if not wanted.may_found:
        raise Refused(
            f"no member of the cluster answers and {wanted.name} holds no data, so it neither can join nor may found a "
            f"cluster beside yours. Bring the members back, or restore a snapshot (playbooks/etcd.yml, tag restore)"
        )
    return (Step("found", "there is no cluster yet"), Step("start", "it founds the cluster"), Step("await", "founded"))


def _back(seen: Seen, me: Member) -> tuple[Step, ...]:
    """It is listed and has its data: an interrupted join is finished, a stopped member started."""
    steps = [] if seen.runs else [Step("start", "it is a member and does not run")]
    if me.learner:
        steps.append(Step("promote", "it is only a learner", me.peer_url))
    if steps or not me.healthy:
        steps.append(Step("await", "it is to be healthy"))
    return tuple(steps)


def _mine(seen: Seen, wanted: Wanted) -> Member | None:
    found = [one for one in seen.members if one.peer_url == wanted.peer_url or one.name == wanted.name]
    return found[0] if found else None


def _nobody_else(seen: Seen, wanted: Wanted, me: Member | None) -> None:
    """A member that answers is not this host: its name stands at another address, or its data are elsewhere."""
    if me and me.healthy and (me.peer_url != wanted.peer_url or not seen.has_data):
        raise Refused(
            f"a member called {me.name} answers at {me.peer_url}, and {wanted.name} at {wanted.peer_url} holds none of "
            f"its data: is its address in the inventory right?"
        )


def _majority_during(seen: Seen, away: Member, what: str) -> None:
    """While it is away. One of one, or of two that are healthy, has nobody to wait for: writes stop for that moment."""
    voting = [one for one in seen.members if not one.learner]
    others = [one for one in voting if one.id != away.id and one.healthy]
    if not away.learner and len(others) <= len(voting) // 2 and len(others) + 1 < len(voting):
        raise Refused(f"{what}: without it too few members are healthy to keep a majority ({_state(seen.members)})")


def _majority_after(seen: Seen, leaving: Member, what: str) -> None:
    """A majority agrees that it goes, and the others have one among themselves. A learner's going costs nothing."""
    rest = [one for one in seen.members if one.id != leaving.id]
    if not (_has_majority(seen.members) and (leaving.learner or _has_majority(rest))):
        raise Refused(f"{what}: without it too few members are healthy to keep a majority ({_state(seen.members)})")


def _has_majority(members: Sequence[Member]) -> bool:
    voting = [one for one in members if not one.learner]
    return sum(one.healthy for one in voting) > len(voting) // 2


def _state(members: Sequence[Member]) -> str:
    return ", ".join(f"{one.name or one.peer_url} {'healthy' if one.healthy else 'not healthy'}" for one in members)
