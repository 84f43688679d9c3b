"""Which files a compose document refers to. Compose reads the document; here only its files are looked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from posixpath import dirname, normpath
from posixpath import join as joined


@dataclass(frozen=True, slots=True)
class Reference:
    """One file. `path` is relative to the project's directory; `where` is the place in the document that names it.

    `document`: a compose file, which refers to files in its turn; its own paths are relative to `base`.
    """

    path: str
    where: str
    document: bool = False
    base: str = ""
    required: bool = True


def references(document: object, base: str = "") -> tuple[Reference, ...]:
    """
    Args:
        document: as YAML has it; anything that is no compose document refers to nothing.
        base: directory that its paths are relative to, itself relative to the project's; empty: the same.
    """
    if not isinstance(document, Mapping):
        return ()
    return (*_includes(document, base), *_services(document, base), *_contents(document, base))


def interpolated(path: str, variables: Mapping[str, str]) -> str | None:
    """A path with its `${VARIABLES}` filled in; None when only Compose can tell what they are."""
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        if found["escaped"]:
            return "$"
        name, default = found["plain"] or found["name"], found["default"]
        value = variables.get(name) if name else None
        if value or (value is not None and found["dash"] == "-"):
            return value
        if default is None or "$" in default:
            missing = True
            return ""
        return default

    filled = _VARIABLE.sub(fill, path)
    return None if missing else filled


def variables(env: str) -> Mapping[str, str]:
    """Names and values of a `.env` file, as far as the paths of files are made of them."""
    found = {}
    for line in env.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            found[name.strip()] = value[1:-1] if quoted else value.split(" #")[0].rstrip()
    return found


_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<dash>:?-)(?P<default>[^}]*))?\}|)"
)


def _includes(document: Mapping[str, object], base: str) -> Iterator[Reference]:
    for number, entry in enumerate(_list(document.get("include"))):
        where = f"include/{number}"
        told = entry if isinstance(entry, Mapping) else {"path": entry}
        paths = [_join(base, path) for path in _texts(told.get("path"))]
        if not paths:
            continue
        folder = told.get("project_directory")
        inner = _join(base, folder) if isinstance(folder, str) else dirname(paths[0])
        yield from (Reference(path, where, document=True, base=inner) for path in paths)
        named = _texts(told.get("env_file"))
        yield from (Reference(_join(base, path), f"{where}/env_file") for path in named)
        if not named:
            yield Reference(_join(inner, ".env"), where, required=False)


def _services(document: Mapping[str, object], base: str) -> Iterator[Reference]:
    for name, service in _map(document.get("services")).items():
        if not isinstance(service, Mapping):
            continue
        for key, find in _IN_SERVICE.items():
            yield from find(service.get(key), f"services/{name}/{key}", base)


def _extends(value: object, where: str, base: str) -> Iterator[Reference]:
    path = _map(value).get("file")
    if isinstance(path, str):
        yield Reference(_join(base, path), f"{where}/file", document=True, base=dirname(_join(base, path)))


def _env_files(value: object, where: str, base: str) -> Iterator[Reference]:
    for number, entry in enumerate(_list(value)):
        told = entry if isinstance(entry, Mapping) else {"path": entry}
        path = told.get("path")
        if isinstance(path, str):
            yield Reference(_join(base, path), f"{where}/{number}", required=told.get("required", True) is not False)


def _binds(value: object, where: str, base: str) -> Iterator[Reference]:
    """Files that are mounted. That a path is no file is for the server to say: a volume is what it may mean."""
    for number, entry in enumerate(_list(value)):
        path = _map(entry).get("source") if _map(entry).get("type") == "bind" else entry
        if isinstance(path, str) and path.startswith("."):
            source = path.split(":", 1)[0] if path is entry else path
            yield Reference(_join(base, source), f"{where}/{number}", required=False)


def _credentials(value: object, where: str, base: str) -> Iterator[Reference]:
    path = _map(value).get("file")
    if isinstance(path, str):
        yield Reference(_join(base, path), f"{where}/file")


_IN_SERVICE: Mapping[str, Callable[[object, str, str], Iterator[Reference]]] = {
    "extends": _extends,
    "env_file": _env_files,
    "label_file": _env_files,
    "volumes": _binds,
    "credential_spec": _credentials,
}
"""Key of a service to what finds the files under it."""


def _contents(document: Mapping[str, object], base: str) -> Iterator[Reference]:
    for kind in ("configs", "secrets"):
        for name, entry in _map(document.get(kind)).items():
            path = _map(entry).get("file")
            if isinstance(path, str):
                yield Reference(_join(base, path), f"{kind}/{name}/file")


def _join(base: str, path: str) -> str:
    """Relative to the project's directory; what is absolute or of a home stays as it is, to be refused by name."""
    return path if path.startswith(("/", "~")) else normpath(joined(base, path))


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None else [value]


def _texts(value: object) -> list[str]:
    return [entry for entry in _list(value) if isinstance(entry, str)]
