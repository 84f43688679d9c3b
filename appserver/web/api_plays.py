"""Playbooks: what may be run, running it, following it, cancelling it, what was run."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from appserver.core.playbooks import Playbook
from appserver.services.plays import PlayView
from appserver.web import forms, forms_plays, queries, shapes, shapes_plays, sse
from appserver.web.api import PREFIX, api, described
from appserver.web.context import caller, context, services


@api.get("/playbooks")
@described("playbooks", ok=shapes.Listed[shapes_plays.Playbook])
def list_playbooks(query: queries.PageQuery) -> Response:
    """Those that may be run."""
    return forms.listed(services().plays.playbooks(caller()), query, lambda one: one.name, _playbook)


@api.get("/inventory")
@described("playbooks", ok=shapes.Listed[shapes_plays.InventoryHost])
def list_inventory(query: queries.PageQuery) -> Response:
    """Hosts of the inventory with their groups: what `limit` may name."""
    found = tuple(services().plays.inventory(caller()).hosts.items())
    return forms.listed(found, query, lambda one: one[0], lambda one: {"name": one[0], "groups": list(one[1])})


@api.get("/plays")
@described("playbooks", ok=shapes.Listed[shapes_plays.Play])
def list_plays(query: queries.PageQuery) -> Response:
    """Runs of playbooks, newest first."""
    page = services().plays.list(caller(), query.after, query.limit)
    return forms.listing([view.to_json() for _, view in page.items], page.next)


@api.post("/plays")
@described("playbooks", accepted=shapes_plays.Play)
def start_play(json: forms_plays.PlayBody) -> Response:
    """Run a playbook. It begins when no other run has one of its hosts."""
    return _accepted(services().plays.start(caller(), json.request()))


@api.get("/plays/<int:number>")
@described("playbooks", ok=shapes_plays.Play)
def show_play(number: int) -> Response:
    """One run."""
    view = services().plays.show(caller(), number)
    return forms.one(view.to_json(), view.version)


@api.get("/plays/<int:number>/output")
@described("playbooks", 200)
def show_play_output(number: int, query: queries.OutputQuery) -> Response:
    """What it said, as text. Where `text/event-stream` is accepted, as it comes: `log`, and at the end `done`."""
    known = caller()
    if sse.wanted():
        following = services().plays.follow(known, number, sse.last_event_id(), context().closing)
        return sse.stream(known, _messages(following))
    lines = services().plays.output(known, number, query.after, query.tail)
    return sse.lines(known, (text for _, text in lines))


@api.post("/plays/<int:number>/cancel")
@described("playbooks", accepted=shapes_plays.Play)
def cancel_play(number: int) -> Response:
    """Kill Ansible, and end what it started on the hosts. One that waits is over at once."""
    return _accepted(services().plays.cancel(caller(), number))


def _accepted(view: PlayView) -> Response:
    response = forms.one(view.to_json(), status=202)
    response.headers["Location"] = f"{PREFIX}/plays/{view.play.number}"
    return response


def _messages(following: Iterator[tuple[int, str] | PlayView | None]) -> Iterator[sse.Message | None]:
    for one in following:
        if one is None:
            yield None
        elif isinstance(one, PlayView):
            yield sse.Message("done", one.to_json())
        else:
            yield sse.Message("log", one[1], one[0])


def _playbook(one: Playbook) -> object:
    return {
        "name": one.name,
        "title": one.title,
        "about": one.about,
        "plays": [{"name": part.name, "hosts": part.hosts, "tags": list(part.tags)} for part in one.parts],
        "tags": list(one.tags),
        "asks": list(one.asks),
        "error": one.error,
    }
