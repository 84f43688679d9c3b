"""A revision made ready for Compose on this node: seals opened, images as the engine holds them, files in place.

The text is only ever in memory. Files that containers mount must outlast a reboot, so they lie in the state
directory, each in a directory named by its content, below one that only root may enter.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from appserver.core import compose, secrets
from appserver.core.adopt import comparable
from appserver.core.containers import ImageFacts
from appserver.core.entities import AppKey, Revision
from appserver.errors import EngineError
from appserver.ports import Engine, Sealer

Definition = dict[str, Any]

_SECRETS = "/run/secrets/"


class Projects:
    """Texts for Compose, and the files they name."""

    def __init__(self, engine: Engine, sealer: Sealer, state_dir: Path) -> None:
        self._engine = engine
        self._sealer = sealer
        self._files = state_dir / "files"

    def text(self, key: AppKey, revision: Revision, images: Mapping[str, str]) -> str:
        """
        Args:
            images: service to the name by which this engine holds its image; see `images`.
        """
        project = cast(Definition, self._opened(key, revision.project))
        for name, service in (project.get("services") or {}).items():
            service["image"] = images.get(name, service.get("image"))
        self._place(key, project)
        _inject(project)
        return compose.to_text(project)

    def bare_text(self, revision: Revision) -> str:
        """For verbs that make nothing: no image is looked for, no file written, and no secret opened."""
        return compose.to_text(comparable(revision.project))

    def base_text(self, key: AppKey, revision: Revision) -> str:
        """What the author's files alone give, for Compose to hash."""
        return compose.to_text(cast(Definition, self._opened(key, comparable(revision.base))))

    def secrets(self, key: AppKey, revision: Revision) -> tuple[str, ...]:
        """Every opened secret, longest first, to be hidden in what containers and Compose say."""
        opened = {self._sealer.open(seal, str(key)) for seal in secrets.seals(revision.project)}
        plain = {part for text in opened for part in (text, text.replace("$$", "$")) if len(part) >= 4}
        return tuple(sorted(plain, key=lambda text: (-len(text), text)))

    def images(self, revision: Revision, services: Collection[str]) -> Iterator[tuple[str, str, str]]:
        """Service, the name by which the engine holds its image, and what was done about it ("" for nothing).

        A pin that the engine has lost is looked for by the image's id before any registry is asked.

        Raises:
            EngineError: no registry gives it.
        """
        held: set[str] = set()
        for name, service in compose.services(revision.project).items():
            if name not in services:
                continue
            pin, facts = str(service.get("image", "")), revision.images.get(name)
            if pin in held or self._engine.image(pin) is not None:
                held.add(pin)
                yield name, pin, ""
            elif facts and facts.id and self._engine.image(facts.id) is not None:
                yield name, facts.id, ""
            elif pin.startswith("sha256:"):
                known_as = facts.reference if facts else pin
                raise EngineError(f"{name}: the image {known_as} ({pin[:19]}) is not on this node and in no registry")
            else:
                yield name, pin, f"pulling {facts.reference if facts else pin}"
                self._engine.pull(pin)

    def keep(self, key: AppKey, images: Mapping[str, ImageFacts]) -> None:
        """Hold on to a revision's images, so that it can be put back when tags have moved and registries are gone."""
        for image_id in sorted({facts.id for facts in images.values() if facts.id}):
            if self._engine.image(image_id) is not None:
                self._engine.keep(image_id, f"{_kept_as(key)}:{image_id.rpartition(':')[2][:12]}")

    def tidy(self, key: AppKey, revision: Revision) -> None:
        """Files that this revision does not mount go."""
        project = cast(Definition, self._opened(key, revision.project))
        wanted = {path.name for given in _with_files(project) for path in [self._path(key, given)]}
        folder = self._files / str(key)
        for entry in folder.iterdir() if folder.is_dir() else ():
            if entry.name not in wanted:
                shutil.rmtree(entry)

    def drop(self, key: AppKey) -> None:
        """Everything kept of an application goes."""
        shutil.rmtree(self._files / str(key), ignore_errors=True)
        self._engine.unkeep(_kept_as(key))

    def _opened(self, key: AppKey, project: compose.Project) -> object:
        return secrets.opened(project, lambda seal: self._sealer.open(seal, str(key)))

    def _place(self, key: AppKey, project: Definition) -> None:
        """Write the content that came from files, and say `file` where it stood."""
        for given in _with_files(project):
            path = self._path(key, given)
            if not path.exists():
                _write(path, given)
            given["file"] = str(path / "0")
            for name in ("content", "x-files", "x-file"):
                given.pop(name, None)

    def _path(self, key: AppKey, given: Definition) -> Path:
        told = repr(sorted(_contents(given).items())).encode()
        return self._files / str(key) / hashlib.sha256(told).hexdigest()[:32]


def _with_files(project: Definition) -> list[Definition]:
    """Configs and secrets that were files; `content` an author wrote in the project itself is Compose's to bring in."""
    found = [given for kind in ("configs", "secrets") for given in (project.get(kind) or {}).values()]
    return [given for given in found if isinstance(given, dict) and ("x-file" in given or "x-files" in given)]


def _contents(given: Definition) -> Mapping[str, str]:
    """Path below the config's own place to text; the place itself is ""."""
    if "x-files" in given:
        return {name: str(text).replace("$$", "$") for name, text in given["x-files"].items()}
    return {"": str(given.get("content", "")).replace("$$", "$")}


def _write(path: Path, given: Definition) -> None:
    """A file `0`, or a directory `0` of files, complete or not at all. A script stays one that can be run."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.parent.chmod(0o700)
    making = path.with_name(f"{path.name}.new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    for name, text in _contents(given).items():
        target = making / "0" / name if name else making / "0"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(0o555 if text.startswith("#!") else 0o444)
    for folder in (making, *(entry for entry in making.rglob("*") if entry.is_dir())):
        folder.chmod(0o755)
    making.rename(path)


def _inject(project: Definition) -> None:
    """Secrets without a file go in as Compose's inline configs do, in the same place with the same owner and mode."""
    held = {name: given for name, given in (project.get("secrets") or {}).items() if "content" in given}
    if not held:
        return
    configs = project.setdefault("configs", {})
    for name, given in held.items():
        configs[f"secret-{name}"] = {"content": given["content"]}
        del project["secrets"][name]
    for service in (project.get("services") or {}).values():
        mounted = [one if isinstance(one, dict) else {"source": one} for one in service.get("secrets") or ()]
        moved = [one for one in mounted if one["source"] in held]
        if moved:
            service["secrets"] = [one for one in mounted if one["source"] not in held]
            service.setdefault("configs", []).extend(map(_as_config, moved))


def _as_config(mounted: Mapping[str, Any]) -> Definition:
    target = str(mounted.get("target") or mounted["source"])
    return {
        **mounted,
        "source": f"secret-{mounted['source']}",
        "target": target if target.startswith("/") else _SECRETS + target,
    }


def _kept_as(key: AppKey) -> str:
    """A repository name: an application's own name may hold what such a name may not."""
    return f"{compose.KEPT}{hashlib.sha256(str(key).encode()).hexdigest()[:16]}"
