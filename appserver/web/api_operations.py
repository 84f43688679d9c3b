"""Operations: where a change of an application has got to, once or as it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flask import Response

from appserver.core.access import Caller
from appserver.core.operations import Operation
from appserver.core.views import cause_json, service_json
from appserver.web import forms, shapes, sse
from appserver.web.api import PREFIX, api, described
from appserver.web.context import caller, context, services


@api.get("/operations/<operation>")
@described("operations", ok=shapes.Operation)
def show_operation(operation: str) -> Response:
    """How far it is."""
    return forms.one(shown(services().operations.get(caller(), operation)))


@api.get("/operations/<operation>/events")
@described("operations", 200)
def follow_operation(operation: str) -> Response:
    """Server-sent events `progress` and, at the end, `done`; each holds the operation."""
    known, closing = caller(), context().closing
    states = services().operations.follow(known, operation, sse.last_event_id(), closing)
    return sse.stream(known, _messages(states))


def accepted(known: Caller, operation: str) -> Response:
    """202, and where to look."""
    response = forms.one(shown(services().operations.get(known, operation)), status=202)
    response.headers["Location"] = f"{PREFIX}/operations/{operation}"
    return response


def shown(operation: Operation) -> Mapping[str, object]:
    return {
        "id": operation.id,
        "state": operation.state,
        "application": str(operation.key),
        "revision": operation.revision,
        "phase": operation.phase,
        "step": operation.step,
        "services": [service_json(service) for service in operation.services],
        "causes": [cause_json(cause) for cause in operation.causes],
        "done_at": operation.at.isoformat() if operation.is_over and operation.at else None,
    }


def _messages(states: Iterator[Operation | None]) -> Iterator[sse.Message | None]:
    for state in states:
        if state is None:
            yield None
        else:
            yield sse.Message("done" if state.is_over else "progress", shown(state), state.cursor)
