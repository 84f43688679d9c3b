"""What the pusher's terminal shows: the plan, the progress, the end. Lines without escapes, whatever they quote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from appserver.core.config_tree import Fault
from appserver.core.deployment import DeployPlan
from appserver.core.entities import AppKey, Cause
from appserver.core.operations import Operation
from appserver.core.push import Checked
from appserver.core.refs import short

MAX_LINE = 400
MAX_FAULTS = 50
MAX_LOG_LINES = 50
MAX_UNREAD = 10


def plain(text: str) -> str:
    """One line for a terminal: control characters and their sequences cannot reach it."""
    shown = "".join(char if char.isprintable() else " " if char == "\t" else "?" for char in text)
    return shown if len(shown) <= MAX_LINE else f"{shown[: MAX_LINE - 1]}…"


def checked(source: str, branch: str, commit: str, checks: Sequence[Checked], unread: Sequence[str]) -> Iterator[str]:
    """What was looked at, then each application's plan. `unread` are files that configure nothing."""
    yield f"{source}: {branch} at {short(commit)} checked, {_many(len(checks), 'application')} configured from it"
    for path in unread[:MAX_UNREAD]:
        yield plain(f"warning: {path} is too deep for any look-up, and nothing includes it")
    for one in checks:
        if one.waits:
            yield plain(f"{one.key} follows later: {one.waits}")
        elif one.plan and one.changes:
            yield from planned(one.key, one.plan)
    if not any(one.changes for one in checks):
        yield "no container changes"


def planned(key: AppKey, plan: DeployPlan) -> Iterator[str]:
    """An application's plan: a heading, then its steps."""
    yield plain(f"{key}: revision {plan.revision} on {plan.node}")
    for line in plan.text.splitlines():
        yield plain(f"  {line}")
    if plan.superseded:
        yield f"  supersedes revision {plan.superseded}, which is still being rolled out"
    for warning in plan.warnings:
        yield plain(f"  warning: {warning}")


def refused(faults: Sequence[Fault]) -> Iterator[str]:
    """`dev/web.yml:4: why`, a line each."""
    for where, why in faults[:MAX_FAULTS]:
        yield plain(f"{where}: {why}" if where else why)
    if len(faults) > MAX_FAULTS:
        yield f"and {len(faults) - MAX_FAULTS} more"
    yield f"refused: {_many(len(faults), 'fault')}, nothing was changed"


def progress(operation: Operation) -> str:
    """Where an operation is, in one line; empty when there is nothing to tell."""
    return plain(f"{operation.key}: {operation.step}") if operation.step else ""


def ended(operation: Operation, seconds: float) -> Iterator[str]:
    """How an operation ended, with the causes of a failure."""
    if operation.state == "done":
        yield f"{operation.key}: revision {operation.revision} is deployed, after {seconds:.1f} s"
    elif operation.state == "superseded":
        yield f"{operation.key}: revision {operation.revision} was superseded by a newer one"
    else:
        yield f"{operation.key}: revision {operation.revision} FAILED; what ran before is put back"
        for cause in operation.causes:
            yield from _cause(cause)


def unfinished(key: AppKey, seconds: float) -> str:
    return f"{key}: still being rolled out after {seconds:.0f} s; `moorage app show {key}` tells how it goes on"


def summary(states: Iterable[str]) -> str:
    """One line at the end, from the operations' states (`""`: not begun or not over)."""
    told = list(states)
    done = sum(state == "done" for state in told)
    others = [f"{sum(s == name for s in told)} {word}" for name, word in _ENDS if name in told]
    return f"rolled out: {done} of {len(told)}" + "".join(f", {other}" for other in others)


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _cause(cause: Cause) -> Iterator[str]:
    yield plain(f"  {cause.service}: {cause.why}" if cause.service else f"  {cause.why}")
    if cause.exit_code is not None:
        yield f"    exit code {cause.exit_code}"
    if cause.last_probe:
        yield plain(f"    last probe: {cause.last_probe}")
    for line in cause.logs[-MAX_LOG_LINES:]:
        yield plain(f"    | {line}")


_ENDS = (("failed", "failed"), ("superseded", "superseded"), ("", "not finished"))
