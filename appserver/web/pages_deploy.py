"""From a form to a running revision: write, check as you type, see the plan, apply it, watch it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from appserver.core.deployment import DeployPlan
from appserver.core.entities import AppKey
from appserver.core.operations import Operation
from appserver.errors import BackendError, Conflict, Invalid, NotFound, UserError
from appserver.services.clusters import SYSTEM
from appserver.store.names import check_app
from appserver.web import pages_diff, pages_drafts
from appserver.web.context import caller, services
from appserver.web.pages_drafts import Draft
from appserver.web.pages_faults import Fault, by_field, faults
from image_config.options import NAMES

Rendered = str | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the server makes of a draft: faults, or a plan, or nothing yet."""

    faults: tuple[Fault, ...] = ()
    plan: DeployPlan | None = None
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Beat:
    """One part of the way of an operation."""

    text: str
    state: Literal["past", "now", "ahead", "wrong"]


def new() -> str:
    services().access.require(caller(), "C", "application:")
    return _form(Draft())


def edit(cluster: str, name: str) -> str:
    wanted = services().applications.inputs(caller(), check_app(AppKey(cluster, name)))
    return _form(pages_drafts.from_request(wanted))


def amend() -> Rendered:
    """The form again, with one more row or file; and the way back from a plan."""
    draft = _draft()
    more = request.form.get("more")
    if more == "override":
        return _form(replace(draft, overrides=(*draft.overrides, pages_drafts.Override("", "", ""))))
    if more == "file":
        try:
            path, text = request.form.get("new_path", "").strip(), request.form.get("new_text", "")
            return _form(draft.with_file(path, text.replace("\r\n", "\n")))
        except Invalid as error:
            return _form(draft, told={"new_path": error.why}), 422
    return _form(draft)


def check() -> str:
    return render_template("deploy/check.html", checked=_check(_draft()))


def plan() -> Rendered:
    draft = _draft()
    checked = _check(draft)
    if checked.plan is None:
        return _form(draft, checked), 422
    return _plan_page(draft, checked.plan)


def deploy() -> Rendered | Answer:
    """Applies the plan that was shown, and no other: a stale one is shown anew."""
    draft = _draft()
    try:
        done = services().deploy(caller(), draft.request(request.form.get("token", "")))
    except Conflict as error:
        checked = _check(draft)
        if checked.plan is None:
            return _form(draft, checked), 409
        return _plan_page(draft, checked.plan, (f"{error}. This is the plan as it is now.",)), 409
    except UserError as error:
        return _form(draft, Checked(faults(error, draft))), 422
    if not done.operation:
        return redirect(_home(draft.cluster, draft.name), 303)
    return redirect(url_for("pages.operation", operation=done.operation), 303)


def rollback(cluster: str, name: str, number: int) -> Rendered | Answer:
    """GET: the plan. POST: apply it."""
    key = check_app(AppKey(cluster, name))
    problems: tuple[str, ...] = ()
    if request.method == "POST":
        try:
            done = services().lifecycle.rollback(caller(), key, number, request.form.get("token", ""))
        except Conflict as error:
            problems = (f"{error}. This is the plan as it is now.",)
        else:
            target = url_for("pages.operation", operation=done.operation) if done.operation else _home(cluster, name)
            return redirect(target, 303)
    found = services().lifecycle.rollback(caller(), key, number, dry_run=True).plan
    page = render_template(
        "deploy/plan.html",
        plan=found,
        rows=pages_diff.rows(found.diff),
        where=services().placement_scores.of_plan(caller(), found),
        usage=services().learned.of_plan(caller(), found),
        title=f"Roll {name} back to revision {number}?",
        verb=f"Roll back to {number}",
        problems=problems,
        known=True,
        draft="",
        apply_to=request.path,
        back_to="",
        cancel_to=url_for("pages.history", cluster=cluster, name=name),
    )
    return (page, 409) if problems else page


def operation(operation: str) -> str:
    op = services().operations.get(caller(), operation)
    return render_template(
        "deploy/operation.html",
        op=op,
        exists=_exists(op.key),
        told=_told(op),
        track=track(op),
        stream=f"/api/v1/operations/{op.id}/events",
    )


def track(op: Operation) -> tuple[Beat, ...]:
    """Recorded, acting, watched until healthy, done: how far the operation is."""
    texts = ("Recorded", "Agent acts", "Watched until healthy", "Done")
    if op.state == "done":
        return tuple(Beat(text, "past") for text in texts)
    if op.state == "superseded":
        return (Beat(texts[0], "past"), Beat("Superseded by a newer change", "past"))
    if op.state == "failed":
        return (
            Beat(texts[0], "past"),
            Beat(texts[1], "past"),
            Beat("Failed", "wrong"),
            Beat("Previous state put back", "past"),
        )
    at = 2 if op.phase == "settling" and op.state == "running" else 1
    states: tuple[Literal["past", "now", "ahead"], ...] = tuple(
        "past" if i < at else "now" if i == at else "ahead" for i in range(len(texts))
    )
    return tuple(Beat(*pair) for pair in zip(texts, states, strict=True))


def _draft() -> Draft:
    """From the fields of the form, or from what a plan's page carries."""
    sealed = request.form.get("draft", "")
    if sealed:
        return pages_drafts.carried(sealed, _secret(), caller().name)
    return pages_drafts.from_form(request.form)


def _check(draft: Draft) -> Checked:
    if draft.is_blank:
        return Checked(waiting="Paste a compose file, and what it would do is shown here.")
    if not draft.name and not draft.editing:
        return Checked(waiting="Give it a name, and what it would do is shown here.")
    try:
        return Checked(plan=services().deploy.plan(caller(), draft.request()))
    except UserError as error:
        return Checked(faults(error, draft))
    except BackendError as error:
        return Checked((Fault("", 0, "", f"cannot be checked now: {error}"),))


def _form(draft: Draft, checked: Checked | None = None, told: dict[str, str] | None = None) -> str:
    named = [one.cluster.name for one in services().clusters.list(caller()) if one.cluster.name not in SYSTEM]
    return render_template(
        "deploy/form.html",
        draft=draft,
        clusters=[(name, name) for name in named],
        options=NAMES,
        editing=draft.editing,
        checked=checked,
        faults={**(by_field(checked.faults) if checked else {}), **(told or {})},
    )


def _plan_page(draft: Draft, found: DeployPlan, problems: tuple[str, ...] = ()) -> str:
    known = _exists(found.key)
    return render_template(
        "deploy/plan.html",
        plan=found,
        rows=pages_diff.rows(found.diff),
        where=services().placement_scores.of_plan(caller(), found),
        usage=services().learned.of_plan(caller(), found),
        title=f"Deploy {draft.name}?",
        verb="Deploy",
        problems=problems,
        known=known,
        draft=pages_drafts.carry(draft, _secret(), caller().name),
        apply_to=url_for("pages.deploy"),
        back_to=url_for("pages.amend"),
        cancel_to=_home(draft.cluster, draft.name) if known else url_for("pages.applications"),
    )


def _told(op: Operation) -> str:
    if op.state == "done":
        return f"Revision {op.revision} is in force." if op.services else "Done."
    return op.step


def _exists(key: AppKey) -> bool:
    try:
        services().applications.show(caller(), key)
    except NotFound:
        return False
    return True


def _home(cluster: str, name: str) -> str:
    return url_for("pages.application", cluster=cluster, name=name)


def _secret() -> bytes:
    key = current_app.secret_key or b""
    return key.encode() if isinstance(key, str) else key
