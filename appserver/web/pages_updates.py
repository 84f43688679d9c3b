"""Updates of the boot servers: how far the one is that is under way, what was, and the buttons of those who may."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.rollout_record import Progress, Run
from appserver.core.rollout_views import spoken
from appserver.errors import Conflict, Invalid, NotFound
from appserver.web.context import caller, services
from appserver.web.errors import problem
from appserver.web.update_chart import step_chart, tone, took

Rendered = str | tuple[str, int]
SHOWN = 20
"""Updates on one page of the history."""
LONGEST = 500
"""Characters of a reason."""
_LOOKS: Mapping[str, str] = {"running": "working", "late": "failed"}
_DONE: Mapping[str, str] = {
    "stop": "The update is stopped: what runs is ended within seconds, and nothing new begins.",
    "recover": "The stopped update is forgotten. The updater begins anew, with the boot servers that there are.",
    "retry": "The update goes on at the first step that not all were through with.",
    "undo": "What was begun is taken back.",
}


def updates() -> str:
    me, after = caller(), _number("after")
    standing = services().update_list.status(me)
    past = [run for run in services().update_list.history(me) if not after or run.number < int(after)]
    run = standing.run
    return render_template(
        "updates/list.html",
        standing=standing,
        chart=step_chart(run, standing.progress, services().clock.now()) if run else None,
        servers=standing.to_json()["servers"],
        releases=services().releases.list(me),
        search=services().releases.search(me),
        history=past[:SHOWN],
        next=str(past[SHOWN - 1].number) if len(past) > SHOWN else "",
        after=after,
        **_words(run),
    )


def update(number: int) -> str:
    run, progress = services().update_list.show(caller(), number)
    return render_template(
        "updates/one.html",
        run=run,
        progress=progress,
        chart=step_chart(run, progress, services().clock.now()),
        took=_took(run, progress),
        **_words(run),
    )


def new() -> Rendered | Answer:
    """Without a version, the form; with one, the plan of it, and the button. POST: ask for it."""
    me = caller()
    version, older = request.values.get("version", "").strip(), bool(request.values.get("older"))
    if request.method == "POST":
        asked = services().updates.request(me, version, older)
        flash(f"An update to {asked} is asked for.", "ok")
        return redirect(url_for("pages.updates"), 303)
    services().access.require(me, "E", "update:")
    plan, fault, status = None, "", 200
    if version:
        try:
            plan = services().update_list.plan(me, version, older)
        except (Invalid, NotFound, Conflict) as error:
            fault, status = error.why if isinstance(error, Invalid) else str(error), problem(error)[1]
    shown = {"version": version[:LONGEST], "older": older, "plan": plan, "fault": fault}
    return render_template("updates/new.html", releases=services().releases.list(me), **shown, **_words(None)), status


def act(verb: str) -> str | Answer:
    """GET: what it comes to, and the button. POST: do it."""
    me, made = caller(), services().updates
    if request.method != "POST":
        services().access.require(me, "U" if verb == "undo" else "E", "update:")
        return render_template("updates/act.html", verb=verb, standing=services().update_list.status(me))
    if verb == "stop":
        made.stop(me, request.form.get("reason", "").strip()[:LONGEST])
    elif verb == "recover":
        made.recover(me)
    elif verb == "retry":
        made.retry(me)
    else:
        made.undo(me)
    flash(_DONE[verb], "ok")
    return redirect(url_for("pages.updates"), 303)


def _words(run: Run | None) -> Mapping[str, object]:
    """What the templates of all these pages share."""
    return {"looks": _LOOKS, "tone": tone, "lasted": _lasted, "steps": run.steps if run else ()}


def _lasted(run: Run) -> str:
    """How long an update took, or takes."""
    return spoken(max(0.0, ((run.ended_at or services().clock.now()) - run.began_at).total_seconds()))


def _took(run: Run, progress: Mapping[int, Progress]) -> Mapping[int, tuple[str, ...]]:
    """How long each try of each server took."""
    end = run.ended_at or services().clock.now()
    return {lrn: tuple(took(one, end) for one in done.steps) for lrn, done in progress.items()}


def _number(name: str) -> str:
    text = request.args.get(name, "")
    return text if text.isdecimal() and len(text) < 9 else ""
