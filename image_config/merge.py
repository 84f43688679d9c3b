"""Layers to one result. A stronger layer's value replaces the weaker one of the same path, and hides it.

That is the whole rule: the kinds say what a path is. A command is one path, an environment variable is one,
each element of a list is one, every mapping of one container port is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from image_config.model import Entry, Layer, Path, Source
from image_config.options import EXCLUSIVE
from image_config.resolved import Chain, Resolved

_OPTIONS_THAT_EXCLUDE = frozenset(path[0] for one, _ in EXCLUSIVE for path in one)
_DRIVER, _DRIVER_OPTIONS, _DEFAULT_DRIVER = ("logging", "driver"), ("logging", "options"), "json-file"


def resolve(layers: Sequence[Layer]) -> Resolved:
    """Args:
    layers: weakest first.
    """
    merging = _Merging()
    for layer in layers:
        merging.add(layer)
    for layer in layers:
        merging.add_defaults(layer.defaults)
    warnings = tuple(notice for layer in layers for notice in layer.warnings)
    return Resolved(merging.standing, merging.gone, warnings)


class _Merging:
    """`standing` and `gone` hold chains by path, strongest entry first; those gone begin with who took them away."""

    def __init__(self) -> None:
        self.standing: dict[Path, Chain] = {}
        self.gone: dict[Path, Chain] = {}

    def add(self, layer: Layer) -> None:
        for mark in layer.marks:
            self._remove((mark.path,), mark.source)
        self._exclude(layer.entries)
        for entry in layer.entries:
            path = entry.path
            weaker = self.standing.get(path) or self.gone.pop(path, ())
            self.standing[path] = (entry, *weaker) if weaker else (entry,)

    def add_defaults(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            said = [entry.path[:1], *(path for one, other in EXCLUSIVE if _below(entry.path, other) for path in one)]
            if not any(_below(path, said) for path in self.standing):
                self.standing[entry.path] = (entry,)

    def _exclude(self, entries: Iterable[Entry]) -> None:
        """Take away what cannot stand beside what this layer says, before it says it."""
        for entry in entries:
            if (entry.path[0] not in _OPTIONS_THAT_EXCLUDE and entry.path != _DRIVER) or entry.value is False:
                continue
            for one, other in EXCLUSIVE:
                if _below(entry.path, one):
                    self._remove(other, entry.source)
            if entry.path == _DRIVER:
                standing = self.standing.get(_DRIVER)
                if entry.value != (standing[0].value if standing else _DEFAULT_DRIVER):
                    self._remove((_DRIVER_OPTIONS,), entry.source)

    def _remove(self, prefixes: Sequence[Path], by: Source) -> None:
        for path in [path for path, chain in self.standing.items() if _is_meant(path, chain, prefixes)]:
            chain = self.standing.pop(path)
            self.gone[path] = (Entry(path, None, by, (), removed=True), *chain)


def _is_meant(path: Path, chain: Chain, prefixes: Sequence[Path]) -> bool:
    return _below(path, prefixes) or any(_below(spelled, prefixes) for spelled in chain[0].spelled)


def _below(path: Path, prefixes: Sequence[Path]) -> bool:
    return any(path[: len(prefix)] == prefix for prefix in prefixes)
