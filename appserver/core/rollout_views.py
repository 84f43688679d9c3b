"""Updates as the API and the pages show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from appserver.core.release import ReleaseStep
from appserver.core.rollout import Action
from appserver.core.rollout_record import CONDITIONS, Progress, Request, Run, Status, StepTime


def action_json(action: Action) -> dict[str, object]:
    asked = action.request
    return {
        "action": action.kind,
        "reason": action.reason,
        "version": asked.version if asked else None,
        "servers": list(asked.servers) if asked else [],
    }


def step_json(step: ReleaseStep, number: int) -> dict[str, object]:
    return {"step": number, **step.to_json()}


def request_json(request: Request) -> dict[str, object]:
    return {
        "version": request.version,
        "servers": list(request.servers),
        "stop": request.stop,
        "started_at": request.started_at.isoformat(),
    }


def run_json(run: Run) -> dict[str, object]:
    return {
        "id": run.number,
        "version": run.version,
        "before": run.before or None,
        "servers": list(run.servers),
        "cause": run.cause,
        "by": run.by or None,
        "began_at": run.began_at.isoformat(),
        "ended_at": _time(run.ended_at),
        "outcome": run.outcome or "running",
        "why": run.why or None,
        "first": run.first,
        "timeout_s": run.timeout_s,
        "steps": [step_json(step, number) for number, step in enumerate(run.steps, 1)],
    }


def server_json(
    lrn: int, node: str, status: Status | None, progress: Progress | None, gone: bool, busy: bool
) -> dict[str, object]:
    """One boot server in the update that is under way, or was last."""
    return {
        "lrn": lrn,
        "node": node or None,
        "version": status.version if status else None,
        "step": status.step if status else 0,
        "cond": status.cond if status else 0,
        "condition": CONDITIONS.get(status.cond, str(status.cond)) if status else CONDITIONS[0],
        "message": (status.message if status else "") or None,
        "gone": gone,
        "busy": busy,
        "tries": tries_json(progress),
    }


def tries_json(progress: Progress | None) -> list[dict[str, object]]:
    """What a server did, in order."""
    return [_try(one) for one in progress.steps] if progress else []


def progress_json(run: Run, progress: Mapping[int, Progress]) -> list[dict[str, object]]:
    return [{"lrn": lrn, "tries": tries_json(progress.get(lrn))} for lrn in run.servers]


def spoken(seconds: float) -> str:
    """`0.02 s`, `4.2 s`, `42 s`, `3 min 20 s`, `1 h 5 min`."""
    if seconds < 60:
        digits = 0 if seconds >= 10 or seconds < 0.005 else 2 if seconds < 0.1 else 1
        return f"{seconds:.{digits}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _try(one: StepTime) -> dict[str, object]:
    return {
        "step": one.step,
        "name": one.name,
        "attempt": one.attempt,
        "began_at": one.began_at.isoformat(),
        "ended_at": _time(one.ended_at),
        "phase": one.phase,
        "task": one.task or None,
        "tasks": one.tasks,
        "changed": one.changed,
        "why": one.why or None,
        "output": list(one.output),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
