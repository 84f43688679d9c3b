"""A rendered project without the directory it was rendered in.

What stood in the project's files travels inside the project: a config or secret read from a file gets its
`content`, and a bind of a project file becomes a config that is mounted, read-only, in the same place. A bind of
a directory of the project becomes a config with `x-files`, path to text. `x-file` names the file it came from.
Every text is escaped as Compose's own output is: `$` doubled.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from appserver.core.entities import ProjectFiles
from appserver.errors import Invalid

Json = dict[str, Any]
_ELSEWHERE = "is not among the project's files: name a volume, or an absolute path of the node"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files stood while Compose read them, and the home directory it was told.

    `top` is a directory of ours above the root. Without one the project runs on the host it was found on, in this
    very root: its paths mean something there, and stay.
    """

    root: str
    top: str
    home: str

    @property
    def stays(self) -> bool:
        return not self.top


def variables(project: Json) -> tuple[str, ...]:
    """Environment variables that configs and secrets take their content from."""
    named = {given.get("environment") for _, _, given in _contents(project) if given.get("environment")}
    return tuple(sorted(map(str, named)))


def portable(project: Json, files: ProjectFiles, place: Place, values: Mapping[str, str | None]) -> Json:
    """
    Args:
        values: of `variables`, escaped; None for one that is not set.
    Raises:
        Invalid: a path that leads out of the project's files, a variable that is not set.
    """
    held = {**files.files, **({".env": files.env_file} if files.env_file else {})}
    for kind, name, given in _contents(project):
        _fill(f"{kind}.{name}", kind, given, held, place, values)
    if not place.stays:
        for name, service in cast(Json, project.get("services") or {}).items():
            _binds_to_configs(project, name, service, held, place.root)
    return cast(Json, _each(project, "", lambda where, text: _relative(where, text, place)))


def escaped(text: str) -> str:
    return text.replace("$", "$$")


def _contents(project: Json) -> list[tuple[str, str, Json]]:
    return [
        (kind, name, given)
        for kind in ("configs", "secrets")
        for name, given in cast(Json, project.get(kind) or {}).items()
        if isinstance(given, dict)
    ]


def _fill(
    where: str, kind: str, given: Json, files: Mapping[str, str], place: Place, values: Mapping[str, str | None]
) -> None:
    for ours in ("x-file", "x-files"):  # Compose lets an author write any `x-`; an agent writes files by these
        given.pop(ours, None)
    if variable := given.pop("environment", None):
        value = values[str(variable)]
        if value is None:
            raise Invalid(f"{where}.environment", f"{variable} is not set in .env")
        given["content"] = value
    if not given.get("file"):
        return
    path = _inside(given["file"], place.root)
    if path is None:
        if place.stays:
            return
        raise Invalid(f"{where}.file", "is not among the project's files; what the node has can be bound as a volume")
    if path in files:
        given["content"] = escaped(files[path])
    elif kind == "configs" and (below := _below(files, path)):
        given["x-files"] = below
    else:
        raise Invalid(f"{where}.file", f"{path} is not among the project's files")
    given["x-file"] = path
    del given["file"]


def _binds_to_configs(project: Json, name: str, service: Json, files: Mapping[str, str], root: str) -> None:
    kept = []
    for number, volume in enumerate(service.get("volumes") or ()):
        path = _inside(volume.get("source"), root) if volume.get("type") == "bind" else None
        if path is None:
            kept.append(volume)
            continue
        config = _config(files, path)
        if config is None:
            raise Invalid(f"services.{name}.volumes/{number}", f"./{path if path != '.' else ''} {_ELSEWHERE}")
        known_as = _known_as(project, path)
        configs = project.setdefault("configs", {})
        configs[known_as] = {"name": f"{project['name']}_{known_as}", **config}
        service.setdefault("configs", []).append({"source": known_as, "target": volume["target"]})
    if len(kept) != len(service.get("volumes") or ()):
        service["volumes"] = kept
        if not kept:
            del service["volumes"]


def _config(files: Mapping[str, str], path: str) -> Json | None:
    if path in files:
        return {"content": escaped(files[path]), "x-file": path}
    below = _below(files, path)
    return {"x-files": below, "x-file": path} if below else None


def _below(files: Mapping[str, str], path: str) -> Json:
    """Files of a directory, relative to it. `.env` is nobody's content."""
    start = "" if path == "." else f"{path}/"
    found = [name for name in sorted(files) if name.startswith(start) and name != ".env"]
    return {name[len(start) :]: escaped(files[name]) for name in found}


def _known_as(project: Json, path: str) -> str:
    """A config's name for a bound path: the same path, the same name, never one that the author took."""
    name = "file-" + (re.sub(r"[^a-zA-Z0-9]+", "-", path).strip("-") or "all")
    configs = project.get("configs") or {}
    while name in configs and configs[name].get("x-file") != path:
        name += "-"
    return name


def _inside(value: object, root: str) -> str | None:
    """The path relative to the root; None when it is not below it."""
    if not isinstance(value, str) or not (value == root or value.startswith(f"{root}/")):
        return None
    return posixpath.normpath(posixpath.relpath(value, root))


def _relative(where: str, text: str, place: Place) -> str:
    if text == place.home or text.startswith(f"{place.home}/"):
        raise Invalid(where, "~ has no meaning on a node: name an absolute path or a volume")
    if place.stays:
        return text
    path = _inside(text, place.root)
    if path is None and text.startswith(f"{place.top}/"):
        raise Invalid(where, "../ leads out of the project: name a volume, or an absolute path of the node")
    return text if path is None else "." if path == "." else f"./{path}"


def _each(value: object, where: str, change: Callable[[str, str], str]) -> object:
    if isinstance(value, str):
        return change(where, value)
    if isinstance(value, dict):
        return {name: _each(item, f"{where}.{name}" if where else name, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_each(item, f"{where}/{number}", change) for number, item in enumerate(value)]
    return value
