"""Questions about configuration that change nothing: is a tree of files sound, what would a container be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appserver.core import config_tree, effective
from appserver.core.access import Caller, require
from appserver.services.source_trees import SourceTrees
from image_config import ConfigError, Resolved, Target, from_labels, lint, resolve


@dataclass(frozen=True, slots=True)
class Answer:
    """What one container would be told; secrets masked in `values`."""

    resolved: Resolved
    values: tuple[Mapping[str, object], ...]


class Configuration:
    def __init__(self, *, trees: SourceTrees) -> None:
        self._trees = trees

    def lint(self, caller: Caller, files: Mapping[str, str]) -> tuple[ConfigError, ...]:
        """Every fault of a tree, as a push of it would be told; none for a sound one."""
        require(caller, "R", "source:")
        refused = ((path, config_tree.path_refusal(path.encode())) for path in sorted(files))
        paths = tuple(ConfigError(path, 0, "", why) for path, why in refused if why)
        return (*paths, *lint(files))

    def explain(self, caller: Caller, source: str, target: Target, labels: Mapping[str, str]) -> Answer:
        """The image's labels and the commit in force of `source`, resolved for a container that need not exist.

        Raises:
            NotFound: there is no such source.
            ConfigError: a file or a label that applies is faulty.
        """
        require(caller, "R", f"source:{source}")
        repository = self._trees.current(source).repository
        layers = repository.layers(target) if repository else ()
        resolved = resolve((from_labels(labels, image=target.image, digest=""), *layers))
        return Answer(resolved, tuple(effective.masked(row.to_json(), ()) for row in resolved.explain()))
