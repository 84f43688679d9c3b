"""The condition `certificates`: which of this host's end soon, while there is time to renew them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from appserver.agent.conditions import Finding
from appserver.core.certificates import ends, finding


def look(files: Sequence[Path], now: datetime) -> tuple[Finding, datetime | None]:
    """What is to be told of them, and when the first ends; nothing of those that are not here, or not for this user."""
    found: dict[str, datetime] = {}
    for path in files:
        try:
            found[str(path)] = ends(path.read_text(encoding="ascii", errors="replace"))
        except (FileNotFoundError, PermissionError):
            continue
        except OSError as error:
            return (False, f"{path} cannot be read: {error.strerror}"), None
        except ValueError as error:
            return (False, f"{path} {error}"), None
    return (finding(found, now), min(found.values())) if found else (None, None)
