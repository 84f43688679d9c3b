"""The start-up handshake of a node: Docklet's states, who may write which, and what leader and agent decide.

    waiting → init-new | init-recovery → work → ok

The state stands in `machines/runnodes/<ip>` and always carries the lease of the agent that claimed it: when the agent
ends, so does the state. The agent writes `waiting` and `work`, the app server that leads answers with the others. An
agent may begin again at `waiting` from wherever it stands. Nothing on the way deletes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["waiting", "init-new", "init-recovery", "work", "ok"]
Mode = Literal["new", "recovery"]
Who = Literal["agent", "leader"]

STATES: tuple[State, ...] = ("waiting", "init-new", "init-recovery", "work", "ok")
INIT: Mapping[Mode, State] = {"new": "init-new", "recovery": "init-recovery"}
ABSENT = ""
"""In the place of a state: the key is not there."""

TRANSITIONS: Mapping[tuple[str, str], Who] = {
    **{(before, "waiting"): "agent" for before in (ABSENT, *STATES)},
    ("waiting", "init-new"): "leader",
    ("waiting", "init-recovery"): "leader",
    ("init-new", "work"): "agent",
    ("init-recovery", "work"): "agent",
    ("work", "ok"): "leader",
}
"""Every change of a state that is allowed, and by whom. Any state may end: the lease does."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of the shared tree. Only `foreign` says that it is another cluster's."""

    kind: Literal["proven", "missing", "foreign", "broken", "hung"]
    reason: str

    @property
    def ok(self) -> bool:
        return self.kind == "proven"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the leader does about one node.

    `put` is the state that comes next; `drop` removes a state that no lease holds; `enter` puts the node among all
    nodes, once it is `ok` for the first time.
    """

    put: State | Literal[""] = ""
    drop: bool = False
    enter: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What the agent sees when it decides.

    `leader` is the address of the app server that leads, "" without one; `proof` is None while nothing is known of
    the tree; `shared` says whether the site has one; `begun` whether the present init was begun; `left` what of it is
    still to be done, "" for nothing.
    """

    state: str
    leader: str = ""
    shared: bool = False
    proof: Proof | None = None
    begun: bool = False
    left: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What the agent does next, and how it stands: `reason` is the one of the node's condition `handshake`."""

    reason: str
    put: State | Literal[""] = ""
    begin: bool = False
    ok: bool = False


def may(before: str, after: str, who: Who) -> bool:
    """Whether `who` may change a state so; `ABSENT` where there is none."""
    return TRANSITIONS.get((before, after)) == who


def mode_of(recorded: str, fresh: bool) -> Mode:
    """The mode that a leader begins with: `new` for a store that no node ever came up in, else what is on record."""
    return "new" if fresh or recorded == "new" else "recovery"


def answer(state: str, leased: bool, known: bool, mode: Mode) -> Answer | None:
    """What the leader does about a node's state; None: nothing, the node is to move.

    Args:
        known: whether the node was `ok` before, ever.
    """
    if not leased:
        return Answer(drop=True)
    if state == "waiting":
        return Answer(INIT[mode] if known else "init-new")
    if state == "work":
        return Answer("ok")
    if state == "ok" and not known:
        return Answer(enter=True)
    return None


def move(seen: Sight) -> Move:
    """What the agent does about its own state. It never goes on to `work` without the proof that the site asks for."""
    foreign = seen.proof is not None and seen.proof.kind == "foreign"
    if seen.state == "waiting":
        return Move(_waiting(seen.leader, "to answer"))
    if seen.state in ("init-new", "init-recovery"):
        return _init(seen)
    if seen.state in ("work", "ok") and foreign and seen.proof:
        return Move(f"begins again: {seen.proof.reason}", put="waiting")
    if seen.state == "work":
        return Move(_waiting(seen.leader, "to confirm"))
    if seen.state == "ok":
        return Move("ok", ok=True)
    return Move(f"begins again: {seen.state[:40]!r} is no state of a node", put="waiting")


def _init(seen: Sight) -> Move:
    if seen.shared and seen.proof is None:
        return Move(f"{seen.state}: the shared tree is being proven")
    if seen.shared and seen.proof and not seen.proof.ok:
        return Move(f"{seen.state}, and not further without the shared tree: {seen.proof.reason}")
    if not seen.begun:
        return Move(f"{seen.state}: begins", begin=True)
    if seen.left:
        return Move(f"{seen.state}: {seen.left}")
    return Move(_waiting(seen.leader, "to confirm"), put="work")


def _waiting(leader: str, what: str) -> str:
    return f"waiting for the app server {leader} {what}" if leader else "waiting for an app server"
