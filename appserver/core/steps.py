"""What becomes of each service, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from appserver.core import compose
from appserver.core.affinities import affinities_in_force
from appserver.core.changes import changes
from appserver.core.deployment import Seen
from appserver.core.effective import Effective
from appserver.core.entities import Desired, Observed, Options, Revision
from appserver.core.options import options_text
from appserver.core.placed import constraints_in_force
from appserver.core.plan import Step


def steps_between(
    current: Revision | None,
    result: Effective,
    desired: Mapping[str, Desired],
    observed: Mapping[str, Observed],
    because: str = "",
) -> tuple[Step, ...]:
    """What becomes of each service, in the order of names; services that stay are named with `none`."""
    leaving = bool(desired) and all(one.run == "removed" for one in desired.values())
    before = current.hashes if current and not leaving else {}
    after = compose.hashes(result.project)
    stopped = any(one.run == "stopped" for one in desired.values())
    adrift = {d.service: f"{d.what} {d.before} → {d.after}" for seen in observed.values() for d in seen.drift}
    copies = {} if current is None else _copies(current.project)
    wanted = _copies(result.project)
    steps = []
    for name in sorted({*before, *after}):
        if name not in after:
            steps.append(Step("remove", name, "no longer in the project"))
        elif name not in before:
            steps.append(Step("create", name, because or ("was being removed" if leaving else "new in the project")))
        elif before[name] != after[name]:
            found = changes(cast(Revision, current), result, name)
            told = "; ".join(map(str, found[:3])) + (f"; {len(found) - 3} more" if len(found) > 3 else "")
            steps.append(Step("recreate", name, because or told or "its definition changed", found))
        elif stopped:
            steps.append(Step("start", name, "the application is stopped"))
        elif copies[name] != wanted[name]:
            told = f"replicas {copies[name]} → {wanted[name]}"
            steps.append(Step("create" if copies[name] < wanted[name] else "remove", name, told))
        elif name in adrift:
            steps.append(Step("start" if "missing" not in adrift[name] else "create", name, f"drift: {adrift[name]}"))
        else:
            steps.append(Step("none", name, "unchanged"))
    return tuple(steps)


def adopted(result: Effective) -> tuple[Step, ...]:
    return tuple(
        Step("none", name, "runs already; adopted without a restart") for name in sorted(compose.hashes(result.project))
    )


def on_nodes(seen: Seen, nodes: Sequence[str]) -> tuple[Step, ...]:
    """Copies that come and go; nothing of the first deployment, which says its nodes."""
    present = {name for name, one in seen.desired.items() if one.run != "removed"}
    if not present:
        return ()
    against = {node.name: node.against for node in seen.candidates}
    told = f"copies {len(present)} → {len(nodes)}" if len(present) != len(nodes) else "a copy moves here"
    gone = "a copy moves away" if len(present) == len(nodes) else told
    come = (Step("create", f"on {name}", told) for name in sorted({*nodes} - present))
    left = (Step("remove", f"on {name}", against.get(name) or gone) for name in sorted(present - {*nodes}))
    return (*come, *left)


def run_otherwise(seen: Seen, said: Options) -> tuple[Step, ...]:
    """What `x-moorage` says otherwise than before."""
    if seen.current is None or seen.current.options == said:
        return ()
    before, after = options_text(seen.current.options), options_text(said)
    told = (f"{name} {before[name]} → {after[name]}" for name in after if before[name] != after[name])
    return (Step("update", "x-moorage", "; ".join(told)),)


def placed_otherwise(seen: Seen, result: Effective) -> tuple[Step, ...]:
    """What it says otherwise than before of where it runs; of a stack that is in its services.

    No container changes by it: it is for whoever places the application again.
    """
    if seen.current is None or seen.in_swarm:
        return ()
    before, after = _demands(seen.current.project, seen.current.explained), _demands(result.project, result.explained)
    gone = (f"no {text}" for text in before if text not in after)
    told = "; ".join((*(text for text in after if text not in before), *gone))
    return (Step("update", "placement", told),) if told else ()


def _demands(project: compose.Project, explained: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[str, ...]:
    constraints = (f"constraint {text}" for text in constraints_in_force(project, explained))
    return (*constraints, *(f"affinity {text}" for text in affinities_in_force(project, explained)))


def _copies(project: compose.Project) -> Mapping[str, int]:
    return {name: compose.replicas(service) for name, service in compose.services(project).items()}
