"""A revision of a stack made ready for Swarm: seals opened, and its configs and secrets as files for a moment.

Swarm keeps configs and secrets under names, and never changes one: each name has its content's digest in it, so that a
service whose config changed is updated.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from appserver.agent.project import Definition, Projects
from appserver.core import compose
from appserver.core.containers import ImageFacts
from appserver.core.entities import AppKey, Revision
from appserver.ports import Engine, Sealer

_DIGITS = 12
_LONGEST = 64
"""So long a name Swarm takes."""


class StackProjects(Projects):
    """Texts for `docker stack deploy`. Each node fetches its images by itself, and nothing is kept here."""

    def __init__(self, engine: Engine, sealer: Sealer, state_dir: Path, folder: Path) -> None:
        """
        Args:
            folder: for opened secrets, in memory: a host that loses its power keeps none of them.
        """
        super().__init__(engine, sealer, state_dir)
        self._made = folder
        shutil.rmtree(self._made, ignore_errors=True)  # of an agent that was killed in the middle

    @contextmanager
    def stack(self, key: AppKey, revision: Revision) -> Iterator[tuple[str, Collection[str]]]:
        """The text, and the names of the configs and secrets it makes. Their files are there until the context ends."""
        project = cast(Definition, self._opened(key, revision.project))
        project.pop("name", None)
        project["version"] = "3.13"
        self._made.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._made, prefix=f"{key.name}-") as folder:
            made = [
                _as_file(Path(folder), key.name, kind, name, given)
                for kind in ("configs", "secrets")
                for name, given in (project.get(kind) or {}).items()
                if not given.get("external")
            ]
            yield compose.to_text(project), made

    def images(self, revision: Revision, services: Collection[str]) -> Iterator[tuple[str, str, str]]:
        for name, service in compose.services(revision.project).items():
            if name in services:
                yield name, str(service.get("image", "")), ""

    def keep(self, key: AppKey, images: Mapping[str, ImageFacts]) -> None:
        """No node of a Swarm is known to be one that will need them."""

    def tidy(self, key: AppKey, revision: Revision) -> None:
        """Nothing is left lying."""

    def drop(self, key: AppKey) -> None:
        """Nothing was kept."""


def _as_file(folder: Path, project: str, kind: str, name: str, given: Definition) -> str:
    """Writes the content, says `file` and a name in its place; that name."""
    text = str(given.get("content", "")).replace("$$", "$")
    path = folder / f"{kind}-{name}"
    path.touch(mode=0o600)
    path.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    known_as = f"{f'{project}_{name}'[: _LONGEST - _DIGITS - 1]}-{digest}"
    labels = given.get("labels")
    given.clear()
    given.update({"file": str(path), "name": known_as, **({"labels": labels} if labels else {})})
    return known_as
