"""The decision of a deployment: a request and one snapshot in, a plan and the records to write out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from appserver.core import compose, plan, policy
from appserver.core.compose import Project
from appserver.core.containers import ImageFacts
from appserver.core.deployment import Author, DeployPlan, DeployRequest, Seen
from appserver.core.effective import Effective, Overrides, Seal, effective
from appserver.core.entities import AppKey, Application, Desired, Outcome, ProjectFiles, Revision
from appserver.core.options import options
from appserver.core.placement.place import RANKS, place, spread
from appserver.core.placement.request import Claim, Request
from appserver.core.plan import Step
from appserver.core.steps import adopted, steps_between
from appserver.errors import Conflict, InvalidMany


def decide(wanted: DeployRequest, seen: Seen, author: Author, seal: Seal) -> DeployPlan:
    """
    Raises:
        InvalidMany: faults in the configuration, or what policy refuses this author.
        NoPlacement: no node of the cluster can take it.
        Conflict: the request's token is of another plan than this.
    """
    given = seal(json.dumps(wanted.overrides, sort_keys=True)) if wanted.overrides else ""
    overrides = _overrides(wanted, given, seen, author)
    result = effective(wanted.key, seen.base, seen.images, seen.repository, overrides, seen.where, seal)
    _permitted(result.project, author, seen.bind_roots)
    claim = claim_of(result.project)
    node = _node(wanted.key, seen, result, claim, wanted.adopt)
    steps = adopted(result) if wanted.adopt else steps_between(seen.current, result, seen.desired, seen.observed)
    digest = compose.digest(result.project)
    record = None
    if not _is_in_force(seen, digest, node):
        record = _revision(wanted, given, seen, author, overrides, result, digest, node)
    found = _Found(wanted.key, seen, result, digest, node, steps, claim, record, seen.commits)
    application = _application(wanted, seen, found.latest, found.nodes)
    return _planned(found, author, application, wanted.token, bool(wanted.adopt))


def restore(key: AppKey, target: Revision, seen: Seen, author: Author, reason: str, token: str = "") -> DeployPlan:
    """The plan that puts an earlier revision back: its project as it stands, its images by digest."""
    _permitted(target.project, author, seen.bind_roots)
    result = Effective(target.project, target.explained, (), ())
    claim = claim_of(target.project)
    node = _node(key, seen, result, claim)
    steps = steps_between(seen.current, result, seen.desired, seen.observed, f"revision {target.number} is put back")
    record = None
    if not _is_in_force(seen, target.digest, node):
        record = replace(
            target,
            number=_latest(seen) + 1,
            author=author.name,
            at=seen.now,
            reason=reason,
            restores=target.number,
            node=node,
        )
    found = _Found(key, seen, result, target.digest, node, steps, claim, record, target.commits)
    application = replace(cast(Application, seen.application), latest=found.latest, nodes=found.nodes)
    return _planned(found, author, application, token)


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


@dataclass(frozen=True, slots=True)
class _Found:
    """What a plan is made of, whichever way its project came about. `record` is None where none is to be written."""

    key: AppKey
    seen: Seen
    result: Effective
    digest: str
    node: str
    steps: tuple[Step, ...]
    claim: Claim
    record: Revision | None
    commits: Mapping[str, str]

    @property
    def moved(self) -> tuple[str, ...]:
        """Nodes that it leaves."""
        return tuple(name for name in self.seen.desired if name != self.node)

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node, *self.moved)

    @property
    def latest(self) -> int:
        return self.record.number if self.record else _latest(self.seen)


def _planned(found: _Found, author: Author, application: Application, token: str, adopt: bool = False) -> DeployPlan:
    """
    Raises:
        Conflict: `token` is of another plan than this.
    """
    seen, record = found.seen, found.record
    made = _token(seen.stood_on, found.digest, found.node)
    if token and token != made:
        raise Conflict("the plan is stale: what it was made from has changed since; plan again")
    return DeployPlan(
        key=found.key,
        changed=record is not None or not plan.is_empty(found.steps),
        token=made,
        revision=seen.current.number if seen.current and not record else found.latest,
        node=found.node,
        steps=found.steps,
        warnings=found.result.warnings,
        diff=compose.diff(seen.current.project if seen.current else None, found.result.project),
        commits=found.commits,
        stood_on=seen.stood_on,
        record=record,
        application=application,
        desired=_desired(seen, record, author, found.node, found.moved, adopt),
        claim=found.claim,
        superseded=seen.unsettled if record else 0,
    )


def _is_in_force(seen: Seen, digest: str, node: str) -> bool:
    """Whether the project of this digest is what is wanted on this node already."""
    return seen.current is not None and seen.current.digest == digest and node in seen.desired


def _permitted(project: Project, author: Author, bind_roots: tuple[str, ...]) -> None:
    found = () if author.privileged else policy.violations(project, bind_roots)
    if found:
        raise InvalidMany(tuple((where, f"{why}: only an administrator may deploy this") for where, why in found))


def _node(key: AppKey, seen: Seen, result: Effective, claim: Claim, adopt: str = "") -> str:
    stays = adopt or next(iter(sorted(seen.desired)), "")
    candidates = tuple(c for c in seen.candidates if c.name == adopt) if adopt else seen.candidates
    request = Request(str(key), claim, result.constraints, stays)
    return place(request, candidates, RANKS.get(seen.strategy, spread)).node


def _latest(seen: Seen) -> int:
    return seen.application.latest if seen.application else 0


def _overrides(wanted: DeployRequest, given: str, seen: Seen, author: Author) -> Overrides:
    """Values that were there before keep the name and time they came with. `given` are the same, sealed."""
    if seen.current and seen.current.overrides == given:
        return Overrides(wanted.overrides, seen.current.overrides_by, seen.current.overrides_at)
    return Overrides(wanted.overrides, author.name, f"{seen.now:%Y-%m-%dT%H:%M:%SZ}")


def _revision(
    wanted: DeployRequest,
    given: str,
    seen: Seen,
    author: Author,
    overrides: Overrides,
    result: Effective,
    digest: str,
    node: str,
) -> Revision:
    return Revision(
        number=_latest(seen) + 1,
        author=author.name,
        at=seen.now,
        reason=wanted.reason,
        digest=digest,
        project=result.project,
        base=seen.base,
        inputs=seen.inputs,
        overrides=given,
        overrides_by=overrides.user,
        overrides_at=overrides.at,
        commits=seen.commits,
        images={name: replace(facts, labels=_args(facts)) for name, facts in seen.images.items()},
        explained=result.explained,
        warnings=result.warnings,
        hashes=compose.hashes(result.project),
        node=node,
        options=options(seen.base),
    )


def _args(facts: ImageFacts) -> Mapping[str, str]:
    """Only the labels that configure: the others can be long, and are the image's own business."""
    return {name: value for name, value in facts.labels.items() if name.startswith("arg.")}


def _application(wanted: DeployRequest, seen: Seen, number: int, nodes: tuple[str, ...]) -> Application:
    if seen.application:
        return replace(seen.application, latest=max(number, seen.application.latest), nodes=nodes)
    return Application(
        name=wanted.key.name,
        cluster=wanted.key.cluster,
        init_file=wanted.files.compose_files[0] if wanted.files.compose_files else "compose.yaml",
        created_at=seen.now,
        revision=0,
        latest=number,
        source=wanted.source,
        nodes=nodes,
    )


def _desired(
    seen: Seen, record: Revision | None, author: Author, node: str, moved: tuple[str, ...], adopt: bool = False
) -> Mapping[str, Desired]:
    in_force = seen.application.revision if seen.application else 0
    present = seen.desired.get(node)
    target = record.number if record else (seen.current.number if seen.current else 0)
    wanted = Desired(
        revision=target,
        previous=in_force if in_force != target else (present.previous if present else 0),
        restart=present.restart if present else 0,
        by=author.name,
        adopt=adopt,
    )
    return {node: wanted, **{name: replace(seen.desired[name], run="removed") for name in moved}}


def _token(stood_on: Mapping[str, int], digest: str, node: str) -> str:
    told = "\n".join([*(f"{key} {revision}" for key, revision in sorted(stood_on.items())), digest, node])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def no_files(key: AppKey, init_file: str) -> ProjectFiles:
    """Stands in a request that takes its inputs from the record."""
    return ProjectFiles(key.name, {}, (init_file,))
