"""The result of all layers: the values, where each comes from, and the service that Compose runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from image_config.compose import escaped
from image_config.environment import constraints
from image_config.kinds import show
from image_config.model import Entry, Notice, Path, Source, Value, thaw
from image_config.reader import kind_at

Chain = tuple[Entry, ...]
"""What the layers said about one path, strongest first."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One value of the result and the weaker ones it hides, strongest of them first.

    A `removed` one is in no result: a stronger layer took it away (`!reset`, or an option that excludes it).
    """

    path: Path
    value: Value
    source: Source
    hides: tuple[tuple[Source, Value], ...] = ()
    removed: bool = False

    @property
    def option(self) -> str:
        return self.path[0]

    @property
    def key(self) -> str:
        """What is below the option: a variable's name, `80/tcp`, `placement/constraints/x`; mostly empty."""
        return "/".join(self.path[1:])

    @property
    def text(self) -> str:
        """The value as people write it: `512M`, `8080:80/tcp`."""
        return "removed" if self.removed else shown(self.path, self.value)

    def to_json(self) -> dict[str, object]:
        """`text` is there where the kind of value has a form of its own; plain text, which may be secret, has none."""
        value = {"value": None} if self.removed else _said(self.path, self.value)
        row: dict[str, object] = {
            "option": self.option,
            "key": self.key,
            **value,
            "source": str(self.source),
            "hides": [{**_said(self.path, weaker), "source": str(source)} for source, weaker in self.hides],
        }
        return row | ({"removed": True} if self.removed else {})


@dataclass(frozen=True, slots=True)
class Resolved:
    """`chains` are the values in force by path; `gone` what was taken away, whoever took it first in its chain."""

    chains: Mapping[Path, Chain]
    gone: Mapping[Path, Chain]
    warnings: tuple[Notice, ...] = ()

    @property
    def values(self) -> Mapping[str, object]:
        """Option to canonical value: bytes, cores, lists, maps; without the placement constraints."""
        return self._built(False)

    @property
    def constraints(self) -> tuple[str, ...]:
        """`constraint:` entries of the environment without their prefix: `storage==ssd`; a wish is `storage==~ssd`."""
        return constraints((chain[0] for chain in self.chains.values()), "constraint")

    @property
    def affinities(self) -> tuple[str, ...]:
        """`affinity:` entries likewise: `container==front`."""
        return constraints((chain[0] for chain in self.chains.values()), "affinity")

    def explain(self) -> tuple[Explained, ...]:
        """Every value, by option; within one in the order of the result."""
        rows = [_explained(path, chain) for path, chain in (*self.chains.items(), *self.gone.items())]
        return tuple(sorted(rows, key=lambda row: row.option))

    def to_compose(self) -> dict[str, object]:
        """The service as `docker compose config` prints it, names sorted, `$` doubled: Compose takes it as it is."""
        built = escaped(self._built(True))
        return built if isinstance(built, dict) else {}

    def _built(self, for_compose: bool) -> dict[str, object]:
        parts: dict[str, list[tuple[Path, Value]]] = {}
        for path, chain in self.chains.items():
            for place in _places(chain) if for_compose and any(e.spelled for e in chain) else (path,):
                parts.setdefault(place[0], []).append((place[1:], chain[0].value))
        built = {option: kind_at((option,)).build(parts[option], for_compose) for option in sorted(parts)}
        return {name: value for name, value in built.items() if value != {} or _is_said(parts[name])}


def shown(path: Path, value: Value) -> str:
    """A value of a path as people write it."""
    kind = kind_at(path)
    for name in path[1:]:
        kind = kind.part(name)
    return kind.show(value)


def _said(path: Path, value: Value) -> dict[str, object]:
    text = shown(path, value)
    return {"value": thaw(value)} if text == show(value) else {"value": thaw(value), "text": text}


def _explained(path: Path, chain: Chain) -> Explained:
    said = [entry for entry in chain[1:] if not entry.removed]
    return Explained(path, chain[0].value, chain[0].source, tuple((e.source, e.value) for e in said), chain[0].removed)


def _places(chain: Chain) -> tuple[Path, ...]:
    """Where the compose file wrote an option that has two places; else where the strongest layer did."""
    theirs = [entry.spelled for entry in chain if entry.source.kind == "compose"]
    return theirs[0] if theirs else chain[0].spelled


def _is_said(parts: list[tuple[Path, Value]]) -> bool:
    """Whether an empty mapping was written as such; an environment of constraints alone was not."""
    return any(not path for path, _ in parts)
