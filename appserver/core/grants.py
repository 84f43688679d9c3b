"""What one may do with a key of the store, or with all below a prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["read", "write", "readwrite"]


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A key, or everything below a prefix that ends in a slash; the empty prefix is everything of ours."""

    key: str
    kind: Kind = "readwrite"
