"""Who did what to what: an entry for every write, the refused ones too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`audit/<at>-<id>`: who did what to what, and how it ended. Never a secret."""

    at: datetime
    user: str
    action: str
    subject: str
    result: Literal["ok", "refused", "failed"]
    detail: str = ""
    address: str = ""
