"""One application on one node: what is there against what its revision says, and the steps that make them equal.

`core/differences.py` finds what differs; a plan turns that into steps, a drift report into sentences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from appserver.core import compose
from appserver.core.containers import ContainerState
from appserver.core.differences import UP, Difference, of_running, service_names
from appserver.core.entities import AppKey, Desired, Drift, Observed, Revision
from appserver.core.plan import Action, Step

Verb = Literal["", "stop", "down", "down-volumes"]

_RANK: tuple[Action, ...] = ("remove", "create", "recreate", "start", "stop", "none")


@dataclass(frozen=True, slots=True)
class ReconcilePlan:
    """Steps for people; the other fields are the same steps for the hands that carry them out, in this order."""

    steps: tuple[Step, ...]
    verb: Verb = ""
    remove: tuple[str, ...] = ()
    """Container ids."""
    resume: tuple[str, ...] = ()
    up: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    """Those of `up` that have too few or too many containers and nothing else: the others stay as they are."""
    force: tuple[str, ...] = ()
    """Services to recreate though Compose sees no difference."""
    restart: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.verb or self.remove or self.resume or self.up or self.force or self.restart)

    @property
    def services(self) -> tuple[str, ...]:
        """Whose containers are new or started anew: these are to be waited for."""
        return tuple(sorted({*self.resume, *self.up, *self.force, *self.restart}))

    def __str__(self) -> str:
        return "".join(f"{step}\n" for step in self.steps if step.action != "none")


def plan(
    desired: Desired,
    revision: Revision,
    containers: Sequence[ContainerState],
    observed: Observed | None = None,
    ended: Collection[str] = (),
) -> ReconcilePlan:
    """
    Args:
        containers: every container of the project on this node.
        observed: what this node said last.
        ended: ids of containers known to have ended by themselves.
    """
    found = tuple(differences(desired, revision, containers, observed, ended))
    if desired.run == "removed":
        steps = tuple(Step("remove", name, "the application is deleted") for name in service_names(containers))
        return ReconcilePlan(steps, "down-volumes" if desired.remove_volumes else "down")
    if desired.run == "stopped":
        steps = tuple(Step("stop", d.service, "the application is stopped") for d in found if d.mend == "stop")
        return ReconcilePlan(steps, "stop" if steps else "")
    acts: dict[str, list[Difference]] = {}
    for one in found:
        acts.setdefault(one.service, []).append(one)
    restart = _restart(desired, revision, observed, acts)
    force = {name for name, all_of in acts.items() if _invisible(all_of)}
    up = {d.service for d in found if d.mend in ("create", "recreate", "start") and d.what != "paused"}
    resume = {d.service for d in found if d.what == "paused"}
    surplus = {d.service for d in found if d.what == "surplus"}
    return ReconcilePlan(
        steps=tuple(_steps(revision, acts, restart)),
        remove=tuple(dict.fromkeys(c for d in found if d.mend == "remove" for c in d.containers)),
        resume=tuple(sorted(resume - force)),
        up=tuple(sorted((up | surplus) - force)),
        keep=tuple(sorted(name for name, all_of in acts.items() if all(map(_only_counts, all_of)))),
        force=tuple(sorted(force)),
        restart=restart,
    )


def drift(
    desired: Desired,
    revision: Revision,
    containers: Sequence[ContainerState],
    observed: Observed | None = None,
    ended: Collection[str] = (),
) -> tuple[Drift, ...]:
    """What a person is told: arguments as `plan`."""
    return tuple(
        Drift(d.service, d.what, d.wanted, d.found) for d in differences(desired, revision, containers, observed, ended)
    )


def differences(
    desired: Desired,
    revision: Revision,
    containers: Sequence[ContainerState],
    observed: Observed | None,
    ended: Collection[str],
) -> Iterator[Difference]:
    """In the order of services; arguments as `plan`."""
    if desired.run == "running":
        yield from of_running(revision, containers, observed, ended)
    elif desired.run == "stopped":
        for name in service_names(c for c in containers if c.state in {*UP, "paused"}):
            yield Difference(name, "running", "stopped", "running", "stop")


def strangers(key: AppKey, containers: Sequence[ContainerState], observed: Observed | None) -> str:
    """Why this project's name is not ours to use on this node; "" when it is.

    A container that somebody adds to a project of ours is drift; a project that was there first is not ours.
    """
    known = observed.adopted if observed else {}
    owners = {c.labels.get(compose.APPLICATION, "") for c in containers if c.id not in known}
    others = sorted(owners - {"", str(key)})
    if others:
        return f"the compose project {key.name} on this node is {others[0]}'s"
    ours = str(key) in owners or bool(known) or bool(observed and observed.revision)
    if "" in owners and not ours:
        return f"a compose project {key.name} that is not Moorage's is on this node; import it, or take another name"
    return ""


def _only_counts(found: Difference) -> bool:
    """Whether there are containers of the right kind, in the wrong number."""
    return found.what == "surplus" or (found.what == "missing" and found.found != "0")


def _invisible(found: Iterable[Difference]) -> bool:
    """Whether Compose, which compares definitions, would see nothing to do."""
    kinds = {d.what for d in found if d.mend == "recreate"}
    return bool(kinds) and "definition" not in kinds


def _restart(
    desired: Desired, revision: Revision, observed: Observed | None, acts: Mapping[str, object]
) -> tuple[str, ...]:
    """Services to restart because somebody asked; those made or started anew anyway are left out."""
    if observed is None or desired.restart <= observed.restart:
        return ()
    asked = desired.restart_services or tuple(compose.services(revision.project))
    return tuple(sorted(name for name in asked if name in compose.services(revision.project) and name not in acts))


def _steps(revision: Revision, acts: Mapping[str, Sequence[Difference]], restart: Sequence[str]) -> Iterator[Step]:
    for name in sorted({*compose.services(revision.project), *acts}):
        found = acts.get(name, ())
        if found:
            action = min((d.mend for d in found), key=_RANK.index)
            if action == "remove" and any(d.what == "leftover" for d in found) and len(found) > 1:
                action = min((d.mend for d in found if d.what != "leftover"), key=_RANK.index)
            action = "remove" if action == "none" else action
            yield Step(action, name, "; ".join(d.cause for d in found))
        elif name in restart:
            yield Step("start", name, "a restart was asked for")
        else:
            yield Step("none", name, "unchanged")
