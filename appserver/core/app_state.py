"""The one word for how an application is, of what is wanted, seen and alive; and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from appserver.core.entities import Desired, Observed, Outcome
from appserver.core.updates import Rollout

AppState = Literal["running", "deploying", "stopped", "stopping", "degraded", "failed", "removing", "unknown"]


def state_of(
    desired: Mapping[str, tuple[Desired, int]],
    observed: Mapping[str, Observed],
    alive: frozenset[str],
    outcome: Outcome | None,
    rollout: Rollout | None = None,
) -> tuple[AppState, str]:
    """The word and its reason; an application on its way over several nodes is `deploying` until it is through.

    Args:
        desired: node to record and the store revision that wrote it.
        outcome: of the revision that is wanted now.
    """
    state, reason = _of_copies(desired, observed, alive, outcome)
    if rollout and state in ("running", "degraded", "deploying", "failed"):
        return "deploying", str(rollout)
    return state, reason


def _of_copies(
    desired: Mapping[str, tuple[Desired, int]],
    observed: Mapping[str, Observed],
    alive: frozenset[str],
    outcome: Outcome | None,
) -> tuple[AppState, str]:
    staying = {node: one for node, one in desired.items() if one[0].run != "removed"}
    desired = staying or desired  # a node that it leaves does not matter while it stays on another
    away = sorted(set(desired) - alive)
    if away and len(away) < len(desired):
        left = len(desired) - len(away)
        return "degraded", f"the agent on {', '.join(away)} is away; {left} of {len(desired)} copies are looked after"
    if away:
        return "unknown", f"the agent on {', '.join(away)} is away; this is what it said last"
    runs = {wanted.run for wanted, _ in desired.values()}
    acted = all(node in observed and observed[node].acted_on >= commit for node, (_, commit) in desired.items())
    phases = {observed[node].phase for node in desired if node in observed}
    if "removed" in runs:
        return "removing", "being removed"
    if not acted or phases & {"acting", "settling"}:
        step = next((observed[node].step for node in sorted(desired) if node in observed), "")
        return ("stopping" if runs == {"stopped"} else "deploying"), step or "waiting for the agent"
    if runs == {"stopped"}:
        return "stopped", "stopped on request"
    if "failed" in phases and outcome and outcome.state == "failed":
        return "failed", outcome.causes[0].why if outcome.causes else "the last roll-out failed"
    if "failed" in phases and len(staying) > 1:
        bad = sorted(node for node in desired if node in observed and observed[node].phase == "failed")
        return "degraded", f"{', '.join(bad)}: the copy did not come up"
    drifting = [d for node in desired if node in observed for d in observed[node].drift]
    if drifting or "backoff" in phases:
        first = drifting[0] if drifting else None
        return "degraded", f"{first.service}: {first.what} {first.before} → {first.after}" if first else "being healed"
    return "running", ""
