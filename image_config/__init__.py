"""What one container is told, and by whom: image labels, git, compose file and form, merged with every origin known.

Pure and alone: standard library, a YAML parser and a properties parser. `docs/config-sources.md` says what
it accepts; `python -m image_config explain DIR --image REF` shows it at work.
"""

from image_config.compose import compose_lines, from_compose
from image_config.errors import ConfigError, ConfigErrors
from image_config.files import Repository, from_files, lint
from image_config.labels import from_labels
from image_config.merge import resolve
from image_config.model import Entry, Layer, Mark, Notice, Source, Target
from image_config.overrides import from_overrides
from image_config.resolved import Explained, Resolved

__all__ = [
    "ConfigError",
    "ConfigErrors",
    "Entry",
    "Explained",
    "Layer",
    "Mark",
    "Notice",
    "Repository",
    "Resolved",
    "Source",
    "Target",
    "compose_lines",
    "from_compose",
    "from_files",
    "from_labels",
    "from_overrides",
    "lint",
    "resolve",
]
