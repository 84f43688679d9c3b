"""The first beat of every change to an application: one gathering of all that its decision stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from appserver.core import effective, secrets
from appserver.core.deployment import DeployRequest, Seen
from appserver.core.entities import (
    AppKey,
    Application,
    Cluster,
    Desired,
    ImageFacts,
    Node,
    Observed,
    Outcome,
    ProjectFiles,
    Revision,
)
from appserver.core.placement.request import Candidate, Reservation
from appserver.errors import NotFound
from appserver.ports import KV, Clock, Compose, Nodes, Registry, Sealer
from appserver.services.remembered import Remembered
from appserver.store import keys
from appserver.store.codec import decode, encode
from appserver.store.records import below, find
from image_config import Repository, compose_lines

T = TypeVar("T")


class Source(Protocol):
    """A configuration source at its last good commit, as `services.sources` gives it."""

    @property
    def commit(self) -> str: ...
    @property
    def repository(self) -> Repository | None: ...


class Sources(Protocol):
    def current(self, name: str) -> Source: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """What is on record of one application, and of where it could run."""

    application: Application | None
    current: Revision | None
    desired: Mapping[str, Desired]
    observed: Mapping[str, Observed]
    stood_on: Mapping[str, int]
    candidates: tuple[Candidate, ...]
    reserved: Mapping[str, tuple[Reservation, int]]
    cluster: Cluster
    unsettled: int


class Observer:
    """Gathers `Seen`. Renderings are remembered by their content: equal files render equally."""

    def __init__(
        self,
        kv: KV,
        compose: Compose,
        nodes: Nodes,
        registry: Registry,
        sealer: Sealer,
        sources: Sources,
        clock: Clock,
        bind_roots: tuple[str, ...] = (),
    ) -> None:
        self._kv = kv
        self._compose = compose
        self._nodes = nodes
        self._registry = registry
        self._sealer = sealer
        self._sources = sources
        self._clock = clock
        self._bind_roots = bind_roots
        self._rendered: Remembered[Mapping[str, object]] = Remembered(256)
        self._lines: Remembered[Mapping[tuple[str, str], str]] = Remembered(256)

    def standing(self, key: AppKey) -> Standing:
        """
        Raises:
            NotFound: there is no such cluster.
        """
        where = keys.application(key)
        first = self._kv.snapshot(where, keys.cluster(key.cluster), "nodes/", "alive/", "reservations/")
        cluster = find(first, keys.cluster(key.cluster), Cluster)
        if cluster is None:
            raise NotFound(f"there is no cluster {key.cluster}")
        application = find(first, where, Application)
        stood_on = {where: first.revision_of(where)}
        desired: dict[str, Desired] = {}
        observed: dict[str, Observed] = {}
        current: Revision | None = None
        unsettled = 0
        if application:
            nodes = application.record.nodes
            own = [keys.desired(n, key) for n in nodes] + [keys.observed(n, key) for n in nodes]
            second = self._kv.snapshot(*own)
            for name in nodes:
                if wanted := find(second, keys.desired(name, key), Desired):
                    desired[name] = wanted.record
                    stood_on[keys.desired(name, key)] = wanted.revision
                if told := find(second, keys.observed(name, key), Observed):
                    observed[name] = told.record
            current, unsettled = self._current(key, application.record, desired)
        reserved = {name: (held.record, held.revision) for name, held in below(first, "reservations/", Reservation)}
        alive = {name for name in (k.removeprefix("alive/") for k in first.items) if name}
        candidates = tuple(
            _candidate(node.record, node.record.name in alive, reserved.get(node.record.name))
            for _, node in below(first, "nodes/", Node)
            if node.record.cluster == key.cluster
        )
        return Standing(
            application.record if application else None,
            current,
            desired,
            observed,
            stood_on,
            candidates,
            reserved,
            cluster.record,
            unsettled,
        )

    def for_request(self, wanted: DeployRequest) -> tuple[Seen, Standing]:
        standing = self.standing(wanted.key)
        files = replace(wanted.files, name=wanted.key.name)
        known = _dotenv_secrets(files.env_file)
        text = encode(files)
        rendered = self._rendered(text, lambda: self._compose.render(files))
        place = str(wanted.key)
        base = effective.sealed_base(rendered, lambda one: self._sealer.seal(one, place), known)
        where = self._lines(text, lambda: _lines(files))
        return self._seen(
            wanted.key, standing, base, self._sealer.seal(text, place), wanted.overrides, where, wanted.source
        ), standing

    def for_replan(
        self, key: AppKey, repository: Repository | None, commits: Mapping[str, str] | None
    ) -> tuple[Seen, Standing]:
        """The same inputs as the revision wanted now, with another commit of its source, or with the present one.

        Images stay at the digest they have: a change of configuration moves no tag.

        Raises:
            NotFound: there is no such application.
        """
        standing = self.standing(key)
        current = standing.current
        if standing.application is None or current is None:
            raise NotFound(f"there is no application {key}")
        files = self.inputs(key, current)
        where = self._lines(encode(files), lambda: _lines(files))
        seen = self._seen(
            key,
            standing,
            current.base,
            current.inputs,
            current.overrides,
            where,
            standing.application.source,
            current.images,
        )
        if commits is not None:
            seen = replace(seen, repository=repository, commits=commits)
        return seen, standing

    def inputs(self, key: AppKey, revision: Revision) -> ProjectFiles:
        """The author's own files, opened."""
        return decode(self._sealer.open(revision.inputs, str(key)), ProjectFiles)

    def seal(self, key: AppKey) -> Callable[[str], str]:
        return lambda text: self._sealer.seal(text, str(key))

    def recorded(self, key: AppKey) -> tuple[Seen, Standing]:
        """What stands on record alone: enough to put a revision back when registry and sources are gone."""
        standing = self.standing(key)
        if standing.application is None:
            raise NotFound(f"there is no application {key}")
        seen = Seen(
            now=self._clock.now(),
            stood_on=standing.stood_on,
            base=standing.current.base if standing.current else {},
            inputs=standing.current.inputs if standing.current else "",
            images={},
            candidates=standing.candidates,
            application=standing.application,
            current=standing.current,
            desired=standing.desired,
            observed=standing.observed,
            strategy=standing.cluster.strategy,
            bind_roots=self._bind_roots,
            unsettled=standing.unsettled,
        )
        return seen, standing

    def _seen(
        self,
        key: AppKey,
        standing: Standing,
        base: Mapping[str, object],
        inputs: str,
        overrides: Mapping[str, Mapping[str, object]],
        where: Mapping[tuple[str, str], str],
        source_name: str,
        pinned: Mapping[str, ImageFacts] | None = None,
    ) -> Seen:
        source = self._sources.current(source_name)
        wanted = effective.references(base, overrides)
        held = {name: facts for name, facts in (pinned or {}).items() if wanted.get(name) == facts.reference}
        asked = {name: reference for name, reference in wanted.items() if name not in held}
        found = self._images(standing, tuple(sorted(set(asked.values())))) if asked else {}
        return Seen(
            now=self._clock.now(),
            stood_on=standing.stood_on,
            base=base,
            inputs=inputs,
            images={**held, **effective.one_image(found, asked)},
            candidates=standing.candidates,
            application=standing.application,
            current=standing.current,
            desired=standing.desired,
            observed=standing.observed,
            repository=source.repository,
            commits={source_name: source.commit} if source.commit else {},
            where=where,
            strategy=standing.cluster.strategy,
            bind_roots=self._bind_roots,
            unsettled=standing.unsettled,
        )

    def _images(self, standing: Standing, references: tuple[str, ...]) -> Mapping[str, ImageFacts | None]:
        """From the nodes it runs or could run on, then from the registries, without pulling."""
        found: dict[str, ImageFacts | None] = {}
        usable = [c.name for c in standing.candidates if not c.against]
        for node in sorted(usable, key=lambda name: (name not in standing.desired, name)):
            missing = [ref for ref in references if not found.get(ref)]
            if missing:
                found.update(self._nodes.images(node, missing))
        for reference in references:
            if not found.get(reference):
                found[reference] = self._registry.image(reference)
        return found

    def _current(
        self, key: AppKey, application: Application, desired: Mapping[str, Desired]
    ) -> tuple[Revision | None, int]:
        """The revision wanted now, and its number when nobody has settled it yet."""
        number = max((one.revision for one in desired.values()), default=application.revision)
        if not number:
            return None, 0
        snapshot = self._kv.snapshot(keys.revision(key, number), keys.outcome(key, number))
        current = find(snapshot, keys.revision(key, number), Revision)
        settled = find(snapshot, keys.outcome(key, number), Outcome)
        return (current.record if current else None), (0 if settled else number)


def _candidate(node: Node, alive: bool, held: tuple[Reservation, int] | None) -> Candidate:
    bad = next((f"{c.name}: {c.reason}" for c in node.conditions if not c.ok), "")
    against = "its agent is away" if not alive else bad or ("" if node.engine else "has not reported its engine yet")
    return Candidate(
        node.name,
        node.engine.cpus if node.engine else 0.0,
        node.engine.memory if node.engine else 0,
        node.labels,
        held[0].holders if held else {},
        against,
    )


def _lines(files: ProjectFiles) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for name in files.compose_files:
        found.update(compose_lines(files.files.get(name, ""), name))
    return found


def _dotenv_secrets(text: str) -> tuple[str, ...]:
    """The secret values of a `.env`: whatever they are interpolated into is secret too."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return tuple(
        value.strip().strip("\"'")
        for name, equals, value in pairs
        if equals and secrets.is_secret(name.strip(), value.strip())
    )
