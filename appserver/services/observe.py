"""The first beat of every change to an application: one gathering of all that its decision stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol, TypeVar

from appserver.core import effective, sealing, secrets
from appserver.core.containers import ImageFacts
from appserver.core.deployment import DeployRequest, Seen
from appserver.core.entities import AppKey, ProjectFiles, Revision
from appserver.core.fleet import Cordon
from appserver.errors import NotFound, RegistryError
from appserver.ports import KV, Clock, Compose, Nodes, Registry, Sealer
from appserver.services.images import Facts, Images
from appserver.services.remembered import Remembered
from appserver.services.standing import Standing, standing_of
from appserver.store.codec import decode, encode
from image_config import Repository, compose_lines

T = TypeVar("T")


class Source(Protocol):
    """A configuration source at its last good commit, as `services.source_trees` gives it."""

    @property
    def commit(self) -> str: ...
    @property
    def repository(self) -> Repository | None: ...


class Sources(Protocol):
    def current(self, name: str) -> Source: ...


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
        self._images = Images(nodes, registry)
        self._sealer = sealer
        self._sources = sources
        self._clock = clock
        self._bind_roots = bind_roots
        self._rendered: Remembered[Mapping[str, object]] = Remembered(256, lambda made: len(encode(made)))
        self._lines: Remembered[Mapping[tuple[str, str], str]] = Remembered(256, _size)

    def for_request(
        self, wanted: DeployRequest, pinned: Mapping[str, ImageFacts] | None = None
    ) -> tuple[Seen, Standing]:
        """
        Args:
            pinned: images that stay at the digest they have, by service, while the same references are meant.
        """
        standing = standing_of(self._kv, wanted.key)
        files = replace(wanted.files, name=wanted.key.name)
        known = _dotenv_secrets(files.env_file)
        text = encode(files)
        rendered = self._rendered(text, lambda: self._compose.render(files))
        place = str(wanted.key)
        base = sealing.sealed_base(rendered, lambda one: self._sealer.seal(one, place), known)
        where = self._lines(text, lambda: _lines(files))
        return self._seen(
            wanted.key, standing, base, self._sealer.seal(text, place), wanted.overrides, where, wanted.source, pinned
        ), standing

    def for_replan(
        self, key: AppKey, repository: Repository | None, commits: Mapping[str, str] | None
    ) -> tuple[Seen, Standing]:
        """The same inputs as the revision wanted now, with another commit of its source, or with the present one.

        Images stay at the digest they have: a change of configuration moves no tag.

        Raises:
            NotFound: there is no such application.
        """
        standing = standing_of(self._kv, key)
        current = standing.current
        if standing.application is None or current is None:
            raise NotFound(f"there is no application {key}")
        files = self.inputs(key, current)
        where = self._lines(encode(files), lambda: _lines(files))
        overrides = self.overrides(key, current)
        seen = self._seen(
            key,
            standing,
            current.base,
            current.inputs,
            overrides,
            where,
            standing.application.source,
            current.images,
        )
        seen = replace(seen, overrides=overrides)
        if commits is not None:
            seen = replace(seen, repository=repository, commits=commits)
        return seen, standing

    def inputs(self, key: AppKey, revision: Revision) -> ProjectFiles:
        """The author's own files, opened."""
        return decode(self._sealer.open(revision.inputs, str(key)), ProjectFiles)

    def overrides(self, key: AppKey, revision: Revision) -> Mapping[str, Mapping[str, object]]:
        """The form's or the API's own values, opened."""
        if not revision.overrides:
            return {}
        return decode(self._sealer.open(revision.overrides, str(key)), dict[str, dict[str, object]])

    def seal(self, key: AppKey) -> Callable[[str], str]:
        return lambda text: self._sealer.seal(text, str(key))

    def recorded(self, key: AppKey, cordons: Mapping[str, Cordon] | None = None) -> tuple[Seen, Standing]:
        """What stands on record alone: enough to put a revision back when registry and sources are gone.

        Args:
            cordons: as if these nodes had them.
        """
        standing = standing_of(self._kv, key, cordons)
        if standing.application is None:
            raise NotFound(f"there is no application {key}")
        images = standing.current.images.values() if standing.current else ()
        holders = [name for name, desired in standing.desired.items() if desired.run != "removed"]
        now = self._clock.now()
        seen = Seen(
            now=now,
            stood_on=standing.stood_on,
            base=standing.current.base if standing.current else {},
            inputs=standing.current.inputs if standing.current else "",
            images={},
            candidates=self._images.where_they_are(standing.candidates, images, holders),
            application=standing.application,
            current=standing.current,
            desired=standing.desired,
            observed=standing.observed,
            strategy=standing.cluster.strategy,
            bind_roots=self._bind_roots,
            in_swarm=standing.cluster.kind == "swarm",
            unsettled=standing.unsettled,
            fresh=standing.fresh,
            unwell=standing.unwell,
            lost=standing.lost,
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
        found = self._found(standing, tuple(sorted(set(asked.values())))) if asked else {}
        images = {**held, **effective.one_image(found, asked)}
        now = self._clock.now()
        return Seen(
            now=now,
            stood_on=standing.stood_on,
            base=base,
            inputs=inputs,
            images=images,
            candidates=self._images.where_they_are(standing.candidates, images.values()),
            application=standing.application,
            current=standing.current,
            desired=standing.desired,
            observed=standing.observed,
            repository=source.repository,
            commits={source_name: source.commit} if source.commit else {},
            where=where,
            strategy=standing.cluster.strategy,
            bind_roots=self._bind_roots,
            in_swarm=standing.cluster.kind == "swarm",
            unsettled=standing.unsettled,
            fresh=standing.fresh,
            unwell=standing.unwell,
            lost=standing.lost,
        )

    def _found(self, standing: Standing, references: tuple[str, ...]) -> Facts:
        """From the nodes it runs or could run on, then from the registries.

        Raises:
            RegistryError: with what keeps the nodes from being asked, where that is so for all of them.
        """
        usable = sorted(node.name for node in standing.candidates if not node.against)
        here = [name for name in usable if name in standing.desired]
        try:
            return self._images.facts(here, [name for name in usable if name not in here], references)
        except RegistryError as error:
            if usable:
                raise
            away = "; ".join(f"{node.name}: {node.against}" for node in standing.candidates) or "there is none"
            raise RegistryError(f"no node can be asked for an image ({away}), and {error}") from error


def _lines(files: ProjectFiles) -> Mapping[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for name in files.compose_files:
        found.update(compose_lines(files.files.get(name, ""), name))
    return found


def _size(lines: Mapping[tuple[str, str], str]) -> int:
    return sum(len(service) + len(name) + len(place) for (service, name), place in lines.items())


def _dotenv_secrets(text: str) -> tuple[str, ...]:
    """The secret values of a `.env`: whatever they are interpolated into is secret too."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return tuple(
        _unquoted(value.strip())
        for name, equals, value in pairs
        if equals and secrets.is_secret(name.strip(), value.strip())
    )


def _unquoted(value: str) -> str:
    """Without its quotes, or the remark that may follow where there are none."""
    return value[1:].partition(value[0])[0] if value[:1] in ("'", '"') else value.partition(" #")[0].rstrip()
