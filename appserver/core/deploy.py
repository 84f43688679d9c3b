"""The decision of a deployment: a request and one snapshot in, a plan and the records to write out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import cast

from appserver.core import compose, policy
from appserver.core.affinities import affinities_in_force
from appserver.core.compose import Project
from appserver.core.containers import ImageFacts
from appserver.core.copies import nodes_for
from appserver.core.deployment import Author, DeployPlan, DeployRequest, Seen
from appserver.core.effective import Effective, Overrides, effective
from appserver.core.entities import AppKey, Application, Options, Outcome, ProjectFiles, Revision
from appserver.core.options import options
from appserver.core.placed import constraints_in_force
from appserver.core.placement.place import place
from appserver.core.placement.request import Claim, Request
from appserver.core.planned import Found, is_in_force, latest_of, planned, steps_of
from appserver.core.sealing import Seal
from appserver.core.steps import adopted, on_nodes, placed_otherwise, run_otherwise
from appserver.errors import InvalidMany


def decide(wanted: DeployRequest, seen: Seen, author: Author, seal: Seal) -> DeployPlan:
    """
    Raises:
        InvalidMany: faults in the configuration, or what policy refuses this author.
        NoPlacement: no node of the cluster can take it.
        Conflict: the request's token is of another plan than this.
    """
    if wanted.adopt and seen.in_swarm:
        raise InvalidMany(
            (("cluster", f"{wanted.key.cluster} is a Swarm: containers that run cannot become a stack's"),)
        )
    sealed = seal(json.dumps(wanted.overrides, sort_keys=True)) if wanted.overrides else ""
    overrides = _overrides(wanted, sealed, seen, author)
    result = effective(wanted.key, seen.base, seen.images, seen.repository, overrides, seen.where, seal, seen.in_swarm)
    found = _found(wanted.key, seen, result, seen.commits, author, options(seen.base), wanted.adopt)
    if wanted.adopt:
        found = replace(found, steps=adopted(result))
    if not is_in_force(seen, result, found.chosen, options(seen.base)):
        found = replace(found, record=_revision(found, author, wanted.reason, overrides, sealed))
    return planned(found, author, _application(wanted, found), wanted.token, bool(wanted.adopt))


def restore(
    key: AppKey, target: Revision, seen: Seen, author: Author, reason: str, token: str = "", because: str = ""
) -> DeployPlan:
    """The plan that puts an earlier revision back: its project as it stands, its images by digest."""
    constraints = () if seen.in_swarm else constraints_in_force(target.project, target.explained)
    result = Effective(target.project, target.explained, constraints, ())
    because = because or f"revision {target.number} is put back"
    found = _found(key, seen, result, target.commits, author, target.options, because=because)
    if not is_in_force(seen, result, found.chosen, target.options):
        number = latest_of(seen) + 1
        again = replace(target, number=number, author=author.name, at=seen.now, reason=reason, node=found.chosen[0])
        found = replace(found, record=replace(again, restores=target.number))
    application = replace(cast(Application, seen.application), latest=found.latest, nodes=found.nodes)
    return planned(found, author, application, token)


def is_stopped(seen: Seen) -> bool:
    return {one.run for one in seen.desired.values() if one.run != "removed"} == {"stopped"}


def still_stopped(planned: DeployPlan) -> DeployPlan:
    """The same plan of an application that nobody wants started by it."""
    desired = {n: replace(one, run="stopped") if one.run == "running" else one for n, one in planned.desired.items()}
    return replace(planned, desired=desired)


def claim_of(project: Project) -> Claim:
    """What the whole project reserves on its node."""
    found = compose.services(project).values()
    return Claim(
        cpus=round(sum(compose.cpus(s) * compose.replicas(s) for s in found), 6),
        memory=sum(compose.memory(s) * compose.replicas(s) for s in found),
        ports=tuple(sorted(port for s in found for port in compose.published_ports(s))),
    )


def superseded(now: datetime) -> Outcome:
    return Outcome("superseded", now)


def _found(
    key: AppKey,
    seen: Seen,
    result: Effective,
    commits: Mapping[str, str],
    author: Author,
    said: Options,
    adopt: str = "",
    because: str = "",
) -> Found:
    """All of a plan but the revision to write."""
    _permitted(result.project, author, seen.bind_roots)
    if not seen.in_swarm:
        _possible(result.project)
    claim = Claim() if seen.in_swarm else claim_of(result.project)
    nodes = _nodes(key, seen, result, claim, said, adopt)
    digest = compose.digest(result.project)
    steps = (
        *steps_of(seen, result, because),
        *run_otherwise(seen, said),
        *placed_otherwise(seen, result),
        *on_nodes(seen, nodes),
    )
    return Found(key, seen, result, digest, nodes, steps, claim, None, commits)


def _permitted(project: Project, author: Author, bind_roots: tuple[str, ...]) -> None:
    found = () if author.privileged else policy.violations(project, bind_roots)
    if found:
        raise InvalidMany(tuple((where, f"{why}: only an administrator may deploy this") for where, why in found))


def _possible(project: Project) -> None:
    """The engine would refuse the second copy, when the first is up already."""
    faults = tuple(
        (f"{name}.ports", f"{copies} copies cannot share host port {port}: publish a range, or no fixed port")
        for name, service in compose.services(project).items()
        if (copies := compose.replicas(service)) > 1
        for _, port, _ in compose.published_ports(service)
        if "-" not in port
    )
    if faults:
        raise InvalidMany(faults)


def _nodes(key: AppKey, seen: Seen, result: Effective, claim: Claim, said: Options, adopt: str = "") -> tuple[str, ...]:
    near = () if seen.in_swarm else affinities_in_force(result.project, result.explained)
    request = Request(str(key), claim, result.constraints, affinities=near)
    if adopt:
        candidates = tuple(c for c in seen.candidates if c.name == adopt)
        return (place(request, candidates, seen.strategy).node,)
    present = {name for name, one in seen.desired.items() if one.run != "removed"}
    if seen.in_swarm:  # one manager looks after it; where its containers run is Swarm's business
        said = replace(said, replicas=1, mode="replicated", spread="")
    return nodes_for(
        request,
        said,
        seen.candidates,
        present or {*seen.desired},
        seen.strategy,
        seen.unwell,
        _not_given_up(seen, said),
    )


def _not_given_up(seen: Seen, said: Options) -> set[str]:
    """Nodes without their agent on which what is there stays: always without a grace, else until that is over."""
    if seen.in_swarm:
        return set()  # a manager that is away keeps nothing: the stack is Swarm's
    before = seen.current.options.grace_s if seen.current else None
    graces = (said.grace_s, before)
    if None in graces:
        return {*seen.lost}
    longest_s = max(grace for grace in graces if grace is not None)
    return {node for node, waited_s in seen.lost.items() if waited_s < longest_s}


def _overrides(wanted: DeployRequest, sealed: str, seen: Seen, author: Author) -> Overrides:
    """Values that were there before keep the name and time they came with. `sealed` are the same."""
    if seen.current and seen.current.overrides == sealed:
        return Overrides(wanted.overrides, seen.current.overrides_by, seen.current.overrides_at)
    return Overrides(wanted.overrides, author.name, f"{seen.now:%Y-%m-%dT%H:%M:%SZ}")


def _revision(found: Found, author: Author, reason: str, overrides: Overrides, sealed: str) -> Revision:
    seen, result = found.seen, found.result
    return Revision(
        number=latest_of(seen) + 1,
        author=author.name,
        at=seen.now,
        reason=reason,
        digest=found.digest,
        project=result.project,
        base=seen.base,
        inputs=seen.inputs,
        overrides=sealed,
        overrides_by=overrides.user,
        overrides_at=overrides.at,
        commits=found.commits,
        images={name: replace(facts, labels=_args(facts)) for name, facts in seen.images.items()},
        explained=result.explained,
        warnings=result.warnings,
        hashes=compose.hashes(result.project),
        node=found.chosen[0],
        options=options(seen.base),
    )


def _args(facts: ImageFacts) -> Mapping[str, str]:
    """Only the labels that configure: the others can be long, and are the image's own business."""
    return {name: value for name, value in facts.labels.items() if name.startswith("arg.")}


def _application(wanted: DeployRequest, found: Found) -> Application:
    seen = found.seen
    if seen.application:
        return replace(seen.application, latest=found.latest, nodes=found.nodes)
    return Application(
        name=wanted.key.name,
        cluster=wanted.key.cluster,
        init_file=wanted.files.compose_files[0] if wanted.files.compose_files else "compose.yaml",
        created_at=seen.now,
        revision=0,
        latest=found.latest,
        source=wanted.source,
        nodes=found.nodes,
    )


def no_files(key: AppKey, init_file: str) -> ProjectFiles:
    """Stands in a request that takes its inputs from the record."""
    return ProjectFiles(key.name, {}, (init_file,))
