"""What happened: audit and events."""

from __future__ import annotations

from flask import Response

from appserver.core.audit import AuditEntry
from appserver.core.events import Happening
from appserver.web import forms, queries, shapes, shapes_record, sse
from appserver.web.api import api, described
from appserver.web.context import caller, context, services


@api.get("/audit")
@described("record", ok=shapes.Listed[shapes_record.AuditEntry])
def list_audit(query: queries.AuditQuery) -> Response:
    """Who did what to what, and how it ended. Newest first."""
    page = services().audit.list(caller(), query.after, query.limit, query.user, query.subject)
    return forms.listing([_entry(*item) for item in page.items], page.next)


@api.get("/events")
@described("record", ok=shapes.Listed[shapes_record.Happening])
def list_events(query: queries.EventsQuery) -> Response:
    """News of a bus, or of all. Newest first; or as they come, where `text/event-stream` is accepted."""
    if sse.wanted():
        return _follow(query.bus)
    page = services().events.list(caller(), query.bus, query.after, query.limit, query.subject)
    return forms.listing([_event(*item) for item in page.items], page.next)


def _follow(bus: str) -> Response:
    known = caller()
    news = services().events.follow(known, context().closing, bus, sse.last_event_id())
    return sse.stream(known, (one and sse.Message("event", _event(str(one[0]), one[1]), one[0]) for one in news))


def _entry(entry_id: str, entry: AuditEntry) -> dict[str, object]:
    return {
        "id": entry_id,
        "at": entry.at.isoformat(),
        "user": entry.user,
        "action": entry.action,
        "subject": entry.subject,
        "result": entry.result,
        "detail": entry.detail,
        "address": entry.address,
    }


def _event(event_id: str, event: Happening) -> dict[str, object]:
    return {
        "id": event_id,
        "bus": event.bus,
        "action": event.action,
        "severity": event.severity,
        "subject": event.subject,
        "message": event.message,
        "at": event.at.isoformat(),
        "user": event.user,
        "detail": dict(event.detail),
    }
