"""What a release is built and checked with, on the machine of whoever makes it: apt, registries, a git repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appserver.adapters.apt import AptMirror
from appserver.adapters.git_tags import TaggedRepository
from appserver.adapters.registry import Registries
from appserver.ports.repositories import TaggedRepo
from appserver.services.release_build import ReleaseBuild


def release_build(registries: Sequence[str]) -> ReleaseBuild:
    """
    Args:
        registries: those in a private network that may be asked, `host:port`; `http://` before it: without TLS.
    """
    return ReleaseBuild(mirror=AptMirror(), registries=Registries(registries))


def repository_of(directory: Path) -> TaggedRepo:
    """The repository that a directory is the working tree of, or that it is itself."""
    inner = directory / ".git"
    return TaggedRepository((inner if inner.is_dir() else directory).resolve())
