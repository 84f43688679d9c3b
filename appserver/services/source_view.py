"""A source as people see it: the same facts for the API, the command line and the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appserver.core.entities import Source, SourceState
from appserver.services.source_records import SourceRecord


@dataclass(frozen=True, slots=True)
class SourceView:
    """`webhook_secret` is told once, by the call that made it."""

    source: Source
    state: SourceState
    push_url: str
    webhook_url: str
    version: int
    webhook_secret: str = ""

    def to_json(self) -> Mapping[str, object]:
        source, state = self.source, self.state
        return {
            "name": source.name,
            "kind": source.kind,
            "url": source.url,
            "branch": source.branch,
            "interval_s": source.interval_s,
            "username": source.username,
            "has_credential": bool(source.credential),
            "known_hosts": source.known_hosts,
            "push_url": self.push_url,
            "webhook_url": self.webhook_url,
            "last_good": {"commit": state.commit, "at": _text(state.at)} if state.commit else None,
            "last_error": {"message": state.error, "commit": state.error_commit, "at": _text(state.error_at)}
            if state.error
            else None,
            "checked_at": _text(state.checked_at),
            "pending": [{"application": name, "why": why} for name, why in sorted(state.pending.items())],
            "created_at": _text(source.created_at),
            **({"webhook_secret": self.webhook_secret} if self.webhook_secret else {}),
        }


def view(record: SourceRecord, url: str, webhook_secret: str = "") -> SourceView:
    """
    Args:
        url: how people reach this app server, without a slash at the end.
    """
    source = record.source
    hosted = source.kind == "hosted"
    return SourceView(
        source,
        record.state,
        f"{url}/git/{source.name}.git" if hosted else "",
        f"{url}/hooks/{source.name}" if source.webhook_secret and not hosted else "",
        record.version,
        webhook_secret,
    )


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
