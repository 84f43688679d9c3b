"""What is asked where a release is built: which packages and which tags of images there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Mirror(Protocol):
    def newest(self, packages: Sequence[str]) -> Mapping[str, str]:
        """Version of each package that would be installed; those that no source has are left out."""


class TagList(Protocol):
    """Image registries, as far as the names of images go."""

    def tags(self, name: str) -> Sequence[str]:
        """All tags of an image, which is named without one.

        Raises:
            Invalid: no image's name, or a registry that may not be asked.
            RegistryError: it did not answer, or not in a way that can be trusted.
        """

    def digest(self, reference: str) -> str:
        """What a tag is at now: `sha256:…`; "" where the registry does not have it."""
