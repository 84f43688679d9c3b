"""Playbooks: choosing one, saying on what, following it, looking at what was run."""

from __future__ import annotations

from collections.abc import Mapping

import yaml
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.playbooks import Inventory, Playbook
from appserver.core.plays import Play
from appserver.core.secrets import MASK
from appserver.errors import Invalid, InvalidMany, NotFound
from appserver.services.audit import AUDITED
from appserver.services.plays import PlayView
from appserver.web import forms_plays
from appserver.web.api import PREFIX
from appserver.web.context import caller, services

Rendered = str | tuple[str, int]
LINES = 1000
FEW = 30
"""Hosts and groups that are shown as boxes to tick; more are typed."""
_FIELDS = ("limit", "tags", "extra_vars", "secrets", "reason", "playbook")
_LOOKS = {"running": "working"}
_ALL = ("all", "ungrouped")
"""Groups that are there whatever the inventory says."""
_SPECIAL = ("always", "never")
"""Tags that Ansible itself goes by."""


def plays() -> str:
    after = request.args.get("after", "")
    page = services().plays.list(caller(), after)
    return render_template("plays/list.html", page=page, after=after, looks=_LOOKS)


def new() -> Rendered | Answer:
    """Without a playbook, the choice of them. `from` is a play whose answers are taken over."""
    me = caller()
    services().access.require(me, "E", "play:")
    asked = _number("from")
    before = services().plays.show(me, int(asked)).play if asked else None
    name = request.values.get("playbook", before.playbook if before else "")
    if request.method == "POST":
        return _start(name)
    if not name:
        return render_template("plays/choose.html", playbooks=services().plays.playbooks(me))
    return _form(_playbook(name), _prefilled(before), {})


def play(number: int) -> str:
    view = services().plays.show(caller(), number)
    lines = services().plays.output(caller(), number, tail=LINES)
    last = lines[-1][0] if lines else 0
    stream = "" if view.play.is_over else f"{PREFIX}/plays/{number}/output?after={last}"
    return render_template(
        "plays/one.html", view=view, play=view.play, lines=lines, stream=stream, state=_state(view), most=LINES
    )


def cancel(number: int) -> Answer:
    services().plays.cancel(caller(), number)
    return redirect(url_for("pages.play", number=number), 303)


def _start(name: str) -> Rendered | Answer:
    """What is to be mended is shown at its fields; what is no playbook has none."""
    try:
        wanted = forms_plays.from_form(request.form, request.form.getlist("limit_to"), request.form.getlist("tag"))
        view = services().plays.start(caller(), wanted)
    except Invalid as error:
        if error.where == "playbook":
            raise
        if AUDITED not in getattr(error, "__notes__", ()):
            services().audit.record(caller(), "run", f"playbook:{name[:80]}", "refused", error.on_record)
        faults = error.faults if isinstance(error, InvalidMany) else ((error.where, error.why),)
        return _form(_playbook(name), request.form, _at_fields(faults)), 422
    return redirect(url_for("pages.play", number=view.play.number), 303)


def _playbook(name: str) -> Playbook:
    found = next((one for one in services().plays.playbooks(caller()) if one.name == name), None)
    if found is None:
        raise NotFound(f"there is no playbook {name}")
    return found


def _form(playbook: Playbook, values: Mapping[str, object], faults: Mapping[str, str]) -> str:
    inventory = services().plays.inventory(caller())
    return render_template(
        "plays/form.html",
        playbook=playbook,
        inventory=inventory,
        boxes=_boxes(inventory),
        tags=[tag for tag in playbook.tags if tag not in _SPECIAL],
        ticked=_ticked(values, "limit_to"),
        tagged=_ticked(values, "tag"),
        values=values,
        faults=faults,
    )


def _boxes(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    """Name and what it is, of every group and host; none where there are too many to look over."""
    groups = [(name, ", ".join(hosts)) for name, hosts in inventory.groups.items() if name not in _ALL and hosts]
    hosts = [(name, "host") for name in inventory.hosts]
    return (*groups, *hosts) if len(groups) + len(hosts) <= FEW else ()


def _ticked(values: Mapping[str, object], name: str) -> frozenset[str]:
    if values is request.form:
        return frozenset(request.form.getlist(name))
    found = values.get(name, ())
    return frozenset(map(str, found)) if isinstance(found, tuple) else frozenset()


def _prefilled(before: Play | None) -> Mapping[str, object]:
    """The answers of an earlier play; what is secret has to be given again. A check that was well is run for real."""
    if before is None:
        return {"mode": "check", "diff": "1"}
    known = {name: value for name, value in before.shown_vars.items() if MASK not in str(value)}
    return {
        "mode": "run" if before.check and before.state == "done" else "check" if before.check else "run",
        "diff": "1" if before.diff else "",
        "limit": " ".join(before.limit),
        "tags": " ".join(before.tags),
        "skip_tags": " ".join(before.skip_tags),
        "extra_vars": yaml.safe_dump(known, allow_unicode=True, sort_keys=False) if known else "",
        "missing": ", ".join(name for name in before.shown_vars if name not in known),
        "reason": before.reason,
    }


def _at_fields(faults: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Each fault at its field of the form."""
    found: dict[str, str] = {}
    for where, why in faults:
        name = where.replace("/", ".").partition(".")[0]
        told = f"{where.removeprefix('extra_vars.')}: {why}" if where.startswith("extra_vars.") else why
        field = name if name in _FIELDS else ""
        found[field] = f"{found[field]}; {told}" if field in found else told
    return found


def _state(view: PlayView) -> str:
    return _LOOKS.get(view.play.state, view.play.state)


def _number(name: str) -> str:
    text = request.args.get(name, "")
    return text if text.isdecimal() and len(text) < 9 else ""
