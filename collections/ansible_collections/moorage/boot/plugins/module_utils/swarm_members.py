"""Nodes of a Swarm: what is to happen so that a host is one, has its role and labels, or is one no more. Pure.

The rules: a majority of the managers is reachable after every step, a swarm is founded once, whoever comes joins as a
worker and is promoted when it is there, and an engine that is in somebody else's swarm is left in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

OURS = "moorage.labels"
"""The label that names the labels which were set here, so that those that people set are told from them."""
ROLE = "moorage.role"
"""One of ours: what the node is to be. By it agents know who may stand in for a manager that is away."""
STANDS_IN = "moorage.stands-in"
"""`1`, set by agents: a worker that is a manager for so long as another is down. They make it a worker again."""
MEMBER = ("active", "pending", "error", "locked")
"""States of an engine that is in a swarm, or on its way into one."""


class Refused(Exception):
    """The step would cost the quorum, or take what is not ours. The text is a sentence for the reader."""


@dataclass(frozen=True)
class Engine:
    """One look at one engine.

    Attributes:
        state: inactive, pending, active, error, locked; empty where no engine answers.
        node, cluster: its ids in the swarm. Only a manager knows that of the cluster.
        manager: it answers for the swarm.
        hostname: as managers list it.
        mark_node, mark_cluster: what this site made it; a mark without a node is that of an interrupted step.
    """

    state: str
    node: str = ""
    cluster: str = ""
    manager: bool = False
    hostname: str = ""
    mark_node: str = ""
    mark_cluster: str = ""

    @property
    def ours(self) -> bool:
        """It is the node that this site made it."""
        return self.state in MEMBER and self.node == self.mark_node


@dataclass(frozen=True)
class Node:
    """One node as a manager lists it. `reachable` is of managers alone, `ready` of every node."""

    id: str
    name: str
    address: str
    manager: bool = False
    reachable: bool = False
    ready: bool = True
    drained: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ["ready" if self.ready else "not ready", *(["drained"] if self.drained else [])]
        told += [f"{'' if self.reachable else 'un'}reachable manager"] if self.manager else []
        told += [f"{name}={value}" for name, value in sorted(self.labels.items())]
        return f"{self.name} {self.id}: {', '.join(told)}"


@dataclass(frozen=True)
class Site:
    """The site's swarm, as its hosts told of it.

    Attributes:
        cluster: its id; empty while there is none.
        nodes: ids of its nodes, as a manager lists them.
        away: hosts that are to be in it and could not be asked.
        lost: hosts that are in a swarm of this site none of whose managers was found.
    """

    cluster: str = ""
    nodes: Collection[str] = ()
    away: Sequence[str] = ()
    lost: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """`verb` is one of found, join, leave, mark, restart, promote, demote, drain, label, remove, and await_answer,
    await_active, await_manager, await_worker, await_empty."""

    verb: str
    cause: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.verb}{self.subject and ' '}{self.subject}: {self.cause}"


def joined(name: str, seen: Engine, site: Site, may_found: bool) -> tuple[Step, ...]:
    """What makes the engine of the host `name` a node of the site's swarm; nothing when it is one.

    Raises:
        Refused: it is in another swarm, or there is none that it could join and it may not found one.
    """
    if not seen.state:
        raise Refused(f"no Docker Engine answers on {name}")
    if seen.state in MEMBER:
        return _in_one(name, seen, site)
    if site.cluster:
        return (Step("join", "it is to be a node"), Step("mark", "it joined"))
    if site.lost:
        raise Refused(
            f"{', '.join(site.lost)} are in a swarm of this site, and none of its managers answers as one; bring them "
            f"back, or let those hosts leave (docker swarm leave) if that swarm is lost"
        )
    if not may_found:
        raise Refused(f"{name} cannot join: no manager of the swarm answers. The first one founds it")
    if site.away:
        raise Refused(
            f"{name} founds no swarm while {', '.join(site.away)} cannot be asked whether there is one already"
        )
    return (Step("mark", "it is about to found"), Step("found", "there is no swarm yet"), Step("mark", "it founded"))


def settled(
    nodes: Sequence[Node], node: str, name: str, address: str, manager: bool, labels: Mapping[str, str]
) -> tuple[Step, ...]:
    """What gives a node its role and labels, and strikes off what it was before it came back as a new machine.

    `node` is its id; empty where a check did not let it join. The rest is what it is to be.

    Raises:
        Refused: it is not listed, is not ready to be a manager, or too few managers would be reachable.
    """
    before = [one for one in nodes if one.name == name and one.address == address and one.id != node and not one.ready]
    steps: list[Step] = []
    for one in before if node else ():
        if one.manager:
            _majority_without(nodes, one, f"{name} cannot be replaced")
            steps.append(Step("demote", "it went with the machine", one.id))
        steps.append(Step("remove", "it went with the machine", one.id))
    gone = {one.id for one in before}
    left = [one for one in nodes if one.id not in gone]
    me = next((one for one in left if one.id == node), None)
    if me is None and node:
        raise Refused(f"{name} joined as {node}, which the managers do not list; docker swarm leave there, and again")
    me = me or Node("", name, address)
    if manager and not me.manager:
        _may_be_promoted(left, me)
        steps += [Step("promote", "it is to be a manager", me.id), Step("await_manager", "it was promoted", me.id)]
    elif manager and not me.reachable:
        steps.append(Step("await_manager", "it is to be reachable", me.id))
    if labelled(me.labels, labels) != dict(me.labels):
        steps.append(Step("label", _told(labels), me.id))
    if me.manager and not manager and me.labels.get(STANDS_IN) != "1":
        _majority_without(left, me, f"{name} stays a manager")
        # Labelled before, lest an agent makes it a manager again.
        steps += [Step("demote", "it is to be a worker", me.id), Step("await_worker", "it was demoted", me.id)]
    return tuple(steps)


def restarted(name: str, seen: Engine, nodes: Sequence[Node]) -> tuple[Step, ...]:
    """What restarts an engine without losing the quorum. Of one or two managers none can be spared: the last one back
    brings the quorum back, and so a restart waits only until the other one is there.

    Raises:
        Refused: without this manager, too few are reachable.
    """
    if seen.manager:
        managers = [one for one in nodes if one.manager]
        others = [one for one in managers if one.id != seen.node]
        enough = all(one.reachable for one in others) if len(managers) <= 2 else _holds(managers, others)
        if not enough:
            raise Refused(f"the engine of {name} is not restarted: too few managers are reachable ({_state(managers)})")
    back = "await_active" if seen.state in MEMBER else "await_answer"
    return (Step("restart", "its settings changed"), Step(back, "it was restarted"))


def leaving(nodes: Sequence[Node], node: str, going: Collection[str], holds: Sequence[str]) -> tuple[Step, ...]:
    """What readies a node to leave: its tasks elsewhere, itself no manager. `going` are the ids of all that leave.

    The last manager stays what it is until it is alone. `holds` names what would be lost with the swarm.

    Raises:
        Refused: too few managers would be reachable, or the swarm would go with all that it holds.
    """
    me = next((one for one in nodes if one.id == node), None)
    if me is None:
        return ()
    staying = [one for one in nodes if one.id not in {*going, node}]
    if not staying and holds:
        raise Refused(
            f"{me.name} cannot leave: with its last node the swarm would go, which holds {', '.join(holds)}. Remove "
            f"them first"
        )
    managers = [one for one in nodes if one.manager]
    if managers == [me]:
        if staying:
            names = ", ".join(one.name for one in staying)
            raise Refused(f"{me.name} cannot leave: it is the last manager, and {names} would have none")
        return ()
    # Labelled first, lest an agent has a worker stand in for it, or makes it a manager again.
    steps = [Step("label", "it leaves", node)] if me.labels.get(ROLE) == "manager" else []
    steps += [] if me.drained else [Step("drain", "it leaves", node)]
    steps.append(Step("await_empty", "its tasks are to be elsewhere", node))
    if me.manager:
        _majority_without(nodes, me, f"{me.name} cannot leave")
        steps += [Step("demote", "it leaves", node), Step("await_worker", "it was demoted", node)]
    return tuple(steps)


def left(name: str, seen: Engine, nodes: Sequence[Node], going: Collection[str]) -> tuple[Step, ...]:
    """What takes the engine of the host `name` out of the swarm that this site took it into. `going` as for `leaving`.

    Raises:
        Refused: it is the last manager of others that stay, or does not answer.
    """
    if not seen.state:
        raise Refused(f"no Docker Engine answers on {name}, so it cannot leave its swarm")
    if not seen.ours:
        return ()
    others = [one for one in nodes if one.id not in {*going, seen.node} and one.ready]
    if not seen.manager or not others:
        return (Step("leave", "it is to be no node", "with force" if seen.manager else ""),)
    if [one.id for one in nodes if one.manager] == [seen.node]:
        raise Refused(f"{name} cannot leave: it is the last manager of {', '.join(one.name for one in others)}")
    return (Step("await_worker", "it was demoted", seen.node), Step("leave", "it is to be no node"))


def removed(nodes: Sequence[Node], node: str) -> tuple[Step, ...]:
    """What strikes a node off the list that has left."""
    listed = any(one.id == node for one in nodes)
    return (Step("remove", "it left", node),) if listed else ()


def labelled(found: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The labels of a node: those of people as they are, ours as wanted, and the names of ours."""
    ours = {name for name in found.get(OURS, "").split(",") if name}
    kept = {name: value for name, value in found.items() if name not in {*ours, OURS}}
    return {**kept, **wanted, **({OURS: ",".join(sorted(wanted))} if wanted else {})}


def _in_one(name: str, seen: Engine, site: Site) -> tuple[Step, ...]:
    """It is in a swarm already: the site's, one that the site's has struck it off from, or somebody else's."""
    interrupted = bool(seen.mark_cluster and not seen.mark_node)
    listed = seen.node in site.nodes
    if seen.manager and (seen.cluster == site.cluster or (not site.cluster and interrupted)):
        listed = True
    if not listed and not seen.ours:
        raise Refused(
            f"the engine of {name} is in a swarm that is not this site's (node {seen.node}). Take it out with "
            f"docker swarm leave if nobody needs it there, or leave engine_swarm empty for {name}"
        )
    if seen.state == "locked":
        raise Refused(f"the manager {name} is locked: docker swarm unlock")
    if not listed and site.nodes:
        struck = Step("leave", "the managers have struck it off", "with force")
        return (struck, Step("join", "it is to be a node"), Step("mark", "it joined"))
    awaited = () if seen.state == "active" else (Step("await_active", "it is to be active"),)
    cluster = seen.cluster or site.cluster
    known = seen.ours and seen.mark_cluster == (cluster or seen.mark_cluster)
    return (*awaited, *(() if known else (Step("mark", "it is a node"),)))


def _may_be_promoted(nodes: Sequence[Node], me: Node) -> None:
    if not me.ready:
        raise Refused(f"{me.name} is not made a manager: it is not ready")
    managers = [one for one in nodes if one.manager]
    if not _holds(managers, managers):
        raise Refused(f"{me.name} cannot be made a manager while there is no majority: {_state(managers)}")


def _majority_without(nodes: Sequence[Node], me: Node, what: str) -> None:
    """A manager that is taken off the list is not counted any more, whether it was reachable or not."""
    managers = [one for one in nodes if one.manager]
    others = [one for one in managers if one.id != me.id]
    if not _holds(managers, managers) or not _holds(others, others):
        raise Refused(f"{what}: without it too few managers are reachable to keep a majority ({_state(managers)})")


def _holds(voting: Sequence[Node], counted: Sequence[Node]) -> bool:
    return sum(one.reachable for one in counted) > len(voting) // 2


def _state(managers: Sequence[Node]) -> str:
    return ", ".join(f"{one.name} {'reachable' if one.reachable else 'not reachable'}" for one in managers)


def _told(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items())) or "none of ours"
