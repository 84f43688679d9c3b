"""Static files by their digest, so that browsers may keep them for ever and never keep an old one."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import url_for


def asset(folder: str, name: str) -> str:
    """The address of a static file."""
    path = Path(folder, name)
    return url_for("static", filename=name, v=_digest(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=256)
def _digest(path: Path, _changed_ns: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:12]
