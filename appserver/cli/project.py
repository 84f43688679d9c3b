"""A compose project on this machine, gathered into what the API takes: the files it refers to, and no others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appserver.cli.reading import inside, read_text
from appserver.cli.references import Reference, interpolated, references, variables
from appserver.errors import Invalid, NotFound
from image_config import yaml_safe
from image_config.errors import ConfigError

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
"""Where `docker compose` looks when it is told no file, in its order."""
MOST_FILES = 500


@dataclass(frozen=True, slots=True)
class Project:
    """`files` by path in the project; `notes` are what its author should know of what was left out."""

    files: Mapping[str, str]
    compose_files: tuple[str, ...]
    env: str
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {"files": dict(self.files), "compose_files": list(self.compose_files), "env": self.env}


def gather(given: Sequence[Path], env_files: Sequence[Path], also: Sequence[str] = ()) -> Project:
    """
    Args:
        given: compose files; none: those `docker compose` would take here. The first one's directory is the project's.
        env_files: instead of the project's `.env`; a later one goes before an earlier one.
        also: paths in the project of files that no reference tells of.
    Raises:
        NotFound: no compose file.
        Invalid: a file that is not to be sent, with the reason.
    """
    compose_files = tuple(given) or _found(Path.cwd())
    root = compose_files[0].parent
    env = _env(root, env_files)
    names = tuple(os.path.relpath(path.parent.resolve() / path.name, root.resolve()) for path in compose_files)
    collecting = _Collecting(root, variables(env))
    for name, path in zip(names, compose_files, strict=True):
        collecting.take(Reference(name, str(path), document=True))
    for name in also:
        collecting.take(Reference(os.path.normpath(name), "--with"))
    collecting.files.pop(".env", None)  # it travels by itself
    return Project(collecting.files, names, env, tuple(collecting.notes))


class _Collecting:
    """What was found so far."""

    def __init__(self, root: Path, variables: Mapping[str, str]) -> None:
        self._root = root
        self._variables = variables
        self._read: set[tuple[str, str]] = set()
        self.files: dict[str, str] = {}
        self.notes: list[str] = []

    def take(self, wanted: Reference) -> None:
        """Read a file; a compose document's own references after it."""
        path = interpolated(wanted.path, self._variables)
        if path is None:
            raise Invalid(wanted.where, f"only Compose can tell which file {wanted.path} is; name it by --with FILE")
        if not wanted.required and not self._is_own_file(path):
            return
        if path not in self.files:
            self.files[path] = read_text(inside(self._root, path, wanted.where), f"{wanted.where}: {path}")
            if len(self.files) > MOST_FILES:
                raise Invalid(wanted.where, f"the project refers to over {MOST_FILES} files")
        if wanted.document and (path, wanted.base) not in self._read:
            self._read.add((path, wanted.base))
            for reference in references(self._document(path), wanted.base):
                self.take(reference)

    def _is_own_file(self, path: str) -> bool:
        return not path.startswith(("/", "~", "..")) and (self._root / path).is_file()

    def _document(self, path: str) -> object:
        """None where it is no YAML: that is for Compose to say, with the file before it."""
        try:
            return yaml_safe.load(self.files[path], path)
        except ConfigError as error:
            self.notes.append(f"{error}; the files it refers to were not looked for")
            return None


def _found(directory: Path) -> tuple[Path, ...]:
    main = next((directory / name for name in NAMES if (directory / name).exists()), None)
    if main is None:
        raise NotFound(f"there is no {', '.join(NAMES[:3])} here: name the compose file with -f")
    override = next((directory / name for name in OVERRIDES if (directory / name).exists()), None)
    return (main, override) if override else (main,)


def _env(root: Path, given: Sequence[Path]) -> str:
    if not given:
        own = root / ".env"
        return read_text(own, str(own)) if own.exists() else ""
    return "\n".join(read_text(path, str(path)) for path in given)
