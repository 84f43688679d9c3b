"""The layers, by walking the imports of every module: what may see what, and where the heavy libraries are."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SEES: Mapping[str, frozenset[str]] = {
    "image_config": frozenset(),
    "errors": frozenset(),
    "core": frozenset({"errors", "image_config"}),
    "ports": frozenset({"core", "errors"}),
    "store": frozenset({"ports", "core", "errors"}),
    "adapters": frozenset({"ports", "core", "errors", "image_config"}),
    "services": frozenset({"store", "ports", "core", "errors", "image_config"}),
    "agent": frozenset({"store", "ports", "core", "errors", "image_config"}),
    "proxy": frozenset({"store", "ports", "core", "errors"}),
    "settings": frozenset({"errors"}),
    "web": frozenset({"services", "settings", "store", "ports", "core", "errors", "image_config"}),
    "wiring": frozenset(
        {"adapters", "services", "agent", "proxy", "store", "ports", "settings", "core", "errors", "image_config"}
    ),
    "cli": frozenset({"wiring", "web", "services", "settings", "core", "errors", "image_config"}),
}
"""Each part, and what it may import besides itself. Only `wiring` sees adapters."""

PLACES: Mapping[str, str] = {
    "flask": "appserver/web/",
    "gunicorn": "appserver/web/server.py",
    "grpc": "appserver/adapters/etcd",
    "etcd3": "appserver/adapters/etcd",
    "docker": "appserver/adapters/engine",
    "git": "appserver/adapters/git",
    "ansible_runner": "appserver/adapters/playbooks",
    "argon2": "appserver/adapters/passwords.py",
    "msgspec": "appserver/store/codec.py",
    "numba": "appserver/core/placement/blocks.py",
    "numpy": "appserver/core/placement/",
    "pydantic": "appserver/web/",
    "pyghmi": "appserver/adapters/bmc_ipmi_worker.py",
    "spectree": "appserver/web/api.py",
}
"""Library to the beginning of every path that may import it."""


def test_every_part_sees_only_what_lies_beneath_it():
    """Arrows point one way: image_config, core, ports, store, services and agent, web and cli."""
    wrong = [
        f"{path} imports {found}"
        for path, part in _parts().items()
        for found in _ours(path)
        if (seen := _part(found)) != part and seen not in SEES[part]
    ]
    assert wrong == []


def test_every_part_has_a_rule():
    """A new part says what it may see before it sees anything."""
    assert set(_parts().values()) <= SEES.keys()


def test_services_and_agent_meet_in_the_store_alone():
    """They run on different hosts: what one needs of the other is a key."""
    assert "agent" not in SEES["services"]
    assert "services" not in SEES["agent"]


@pytest.mark.parametrize("library", sorted(PLACES))
def test_a_heavy_library_has_one_place(library: str):
    """Another engine, store or web framework is one place to change."""
    wrong = [str(path) for path in _parts() if library in _theirs(path) and not str(path).startswith(PLACES[library])]
    assert wrong == []


def test_no_import_goes_in_a_circle():
    """When two modules want each other, what they share moves down."""
    graph = {_module(path): {m for m in _ours(path) if m != _module(path)} for path in _parts()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_import_hides_in_a_function():
    """Only the command line imports late, for its start-up time."""
    wrong = [
        f"{path}:{node.lineno}"
        for path, part in _parts().items()
        if part != "cli"
        for function in ast.walk(_tree(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert wrong == []


IMPURE = (
    "logging",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
    "requests",
    "os",
)


@pytest.mark.parametrize("pure", ["image_config", "core"])
def test_the_core_is_pure(pure: str):
    """No I/O, clock, randomness or logging: a decision is a function of what was seen."""
    wrong = [
        f"{path} imports {name}"
        for path, part in _parts().items()
        if part == pure and path.name != "__main__.py"
        for name in sorted(_imports(path) - _ours(path))
        if name in IMPURE
    ]
    assert wrong == []


@cache
def _parts() -> dict[Path, str]:
    """Every module by its path from the root, and the part it belongs to."""
    found: dict[Path, str] = {}
    for package in ("image_config", "appserver"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "githooks" not in path.parts:
                found[path.relative_to(ROOT)] = _part(_module(path.relative_to(ROOT)))
    return {path: part for path, part in found.items() if part != "appserver"}


def _part(module: str) -> str:
    names = module.split(".")
    return names[0] if names[0] != "appserver" or len(names) == 1 else names[1]


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


@cache
def _imports(path: Path) -> frozenset[str]:
    return frozenset(_named(path))


def _named(path: Path) -> Iterator[str]:
    """Dotted names; `from a import b` is `a.b` where that is a module, else `a`."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide what they name"
            base = node.module or ""
            for alias in node.names:
                dotted = f"{base}.{alias.name}"
                yield dotted if _is_module(dotted) else base


def _is_module(dotted: str) -> bool:
    path = ROOT / Path(*dotted.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _ours(path: Path) -> frozenset[str]:
    return frozenset(name for name in _imports(path) if name.split(".")[0] in ("appserver", "image_config"))


def _theirs(path: Path) -> frozenset[str]:
    return frozenset(name.split(".")[0] for name in _imports(path) - _ours(path))
