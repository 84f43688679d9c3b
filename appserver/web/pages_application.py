"""Pages of applications as they are: the list, and one with its services, explanations, history, drift and logs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.views import AppView
from appserver.errors import Invalid
from appserver.store.names import check_app
from appserver.web import archive, pages_diff, pages_words
from appserver.web.context import caller, services

Entry = Mapping[str, object]


def home() -> Answer:
    return redirect(url_for("pages.applications"))


def applications() -> str:
    me = caller()
    apps = services().applications.list(me)
    return render_template("applications.html", apps=apps, may_create=me.may("C", "application:"))


def overview(cluster: str, name: str) -> str:
    me, app = _app(cluster, name)
    past = services().applications.history(me, app.key)
    last = next((one for one in past if one.number == (app.wanted or app.revision)), None)
    images, references = (last.images, last.references) if last else ({}, {})
    where = services().placement_scores.of_application(me, app.key)
    usage = services().learned.of_application(me, app.key)
    routes = services().routes.list(me, app.key)
    move = services().transfers.find(app.key)
    moving = move if move and not move.transfer.is_over else None
    told = {"images": images, "references": references, "routes": routes, "moving": moving}
    return _page("overview", app, "application", last=last, where=where, usage=usage, **told)


def explain(cluster: str, name: str) -> str:
    me, app = _app(cluster, name)
    number = request.args.get("revision", 0, type=int) or app.revision or app.wanted
    find = request.args.get("find", "").strip()
    entries = services().applications.explain(me, app.key, number)
    shown = [(service, entry) for service, each in entries if _holds(entry := _told(each), find)]
    return _page(
        "explain",
        app,
        "explain",
        services=_grouped(shown),
        revisions=services().applications.history(me, app.key),
        number=number,
        find=find,
    )


def history(cluster: str, name: str) -> str:
    me, app = _app(cluster, name)
    return _page("history", app, "history", revisions=services().applications.history(me, app.key))


def revision(cluster: str, name: str, number: int) -> str:
    """`?against=` another revision: the one before it by default, 0 for the whole of it."""
    me, app = _app(cluster, name)
    one = services().applications.revision(me, app.key, number)
    others = [each.number for each in services().applications.history(me, app.key) if each.number != number]
    before = max((each for each in others if each < number), default=0)
    against = request.args.get("against", before, type=int)
    base = services().applications.revision(me, app.key, against).project if against else ""
    diff = pages_diff.between(base, one.project)
    return _page("revision", app, "history", one=one, others=others, against=against, rows=pages_diff.rows(diff))


def drift(cluster: str, name: str) -> str:
    _, app = _app(cluster, name)
    return _page("drift", app, "drift")


def logs(cluster: str, name: str) -> str:
    """Followed live where one service is meant; else the last lines of all, as they are now."""
    me, app = _app(cluster, name)
    service = request.args.get("service", "") or (app.expected[0] if len(app.expected) == 1 else "")
    tail = request.args.get("tail", 100, type=int)
    if service:
        query = urlencode({"service": service, "tail": tail, "follow": "true"})
        stream = f"/api/v1/applications/{app.key.cluster}/{app.key.name}/logs?{query}"
        return _page("logs", app, "logs", service=service, tail=tail, lines=(), stream=stream)
    lines = services().applications.logs(me, app.key, tail=tail)
    return _page("logs", app, "logs", service="", tail=tail, lines=pages_words.parted(lines), stream="")


def export(cluster: str, name: str) -> Response:
    """A zip of the tree that `docker compose up` runs. It holds the secrets: only for those who may change it."""
    key = _key(cluster, name)
    return archive.answer(key.name, services().applications.export(caller(), key))


def act(cluster: str, name: str, verb: str) -> Answer:
    verbs = services().lifecycle
    change = {"start": verbs.start, "stop": verbs.stop, "restart": verbs.restart}[verb]
    operation = change(caller(), _key(cluster, name), (), expect=_expected())
    return redirect(url_for("pages.operation", operation=operation), 303)


def hold(cluster: str, name: str, verb: str) -> Answer:
    """A roll-out over several nodes, held or let go."""
    key, rollouts = _key(cluster, name), services().rollouts
    if verb == "pause":
        rollouts.pause(caller(), key)
    else:
        rollouts.resume(caller(), key)
    return redirect(url_for("pages.application", cluster=key.cluster, name=key.name), 303)


def delete(cluster: str, name: str) -> str | Answer | tuple[str, int]:
    """Asks, keeps volumes unless told, and wants the name typed."""
    me, app = _app(cluster, name)
    services().access.require(me, "D", f"application:{app.key}")
    if request.method != "POST":
        return render_template("application/delete.html", app=app, fault="")
    if request.form.get("typed", "").strip() != app.key.name:
        fault = f"type {app.key.name}, as it stands there"
        return render_template("application/delete.html", app=app, fault=fault), 422
    operation = services().lifecycle.delete(me, app.key, bool(request.form.get("volumes")), expect=_expected())
    return redirect(url_for("pages.operation", operation=operation), 303)


def _key(cluster: str, name: str) -> AppKey:
    return check_app(AppKey(cluster, name))


def _app(cluster: str, name: str) -> tuple[Caller, AppView]:
    me = caller()
    return me, services().applications.show(me, _key(cluster, name))


def _page(template: str, app: AppView, here_tab: str, **values: object) -> str:
    return render_template(f"application/{template}.html", app=app, here_tab=here_tab, **values)


def _expected() -> int:
    """The version the reader saw; 0 for any."""
    text = request.form.get("expect", "0")
    if not text.isdecimal() or len(text) > 18:
        raise Invalid("expect", "is the version of the application that you saw: a number")
    return int(text)


def _told(entry: Entry) -> Entry:
    """One value as the page shows it: `environment.LEVEL`, its text, its source, and what it hides."""
    key = entry.get("key")
    return {
        "option": f"{entry['option']}.{key}" if key not in (None, "") else str(entry["option"]),
        "value": _text(entry),
        "source": str(entry.get("source", "")),
        "hides": [{"value": _text(weaker), "source": str(weaker.get("source", ""))} for weaker in _hidden(entry)],
    }


def _hidden(entry: Entry) -> Iterable[Entry]:
    hides = entry.get("hides")
    return hides if isinstance(hides, list | tuple) else ()


def _text(entry: Entry) -> str:
    value = entry.get("text", entry.get("value", ""))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _holds(entry: Entry, find: str) -> bool:
    text = " ".join(str(part) for part in entry.values()).lower()
    return all(word in text for word in find.lower().split())


def _grouped(entries: list[tuple[str, Entry]]) -> list[tuple[str, list[Entry]]]:
    found: dict[str, list[Entry]] = {}
    for service, entry in entries:
        found.setdefault(service, []).append(entry)
    return list(found.items())
