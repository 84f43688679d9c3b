"""The decision on a push: what each application would become under the new commit, and whether it is taken whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appserver.core.access import Caller
from appserver.core.config_tree import Fault, shown
from appserver.core.deployment import DeployPlan
from appserver.core.entities import AppKey
from appserver.errors import Invalid

PLAN_ONLY = "plan only: nothing was changed"


@dataclass(frozen=True, slots=True)
class Checked:
    """One application under the new commit.

    A `plan`, or `faults`, which refuse the push. `waits` says why it is not rolled out now: it is stopped, or it
    cannot be planned with the commit in force either, so that this one is not to blame.
    """

    key: AppKey
    plan: DeployPlan | None = None
    faults: tuple[Fault, ...] = ()
    waits: str = ""

    @property
    def changes(self) -> bool:
        """Whether its containers' configuration differs; mending a drift is nothing a push does."""
        return self.plan is not None and self.plan.record is not None


def plan_only(options: Sequence[str]) -> bool:
    """Whether the pusher asked for the plan alone.

    Raises:
        Invalid: another option; carrying on without knowing it could do what its giver meant to prevent.
    """
    for option in options:
        if option != "plan":
            told = shown(option.encode(errors="surrogateescape"))
            raise Invalid("push option", f"{told[:60]} is not known; there is `-o plan`")
    return bool(options)


def right_faults(caller: Caller, checks: Iterable[Checked]) -> tuple[Fault, ...]:
    """Applications that the push would change and the pusher may not."""
    return tuple(
        (str(one.key), f"would change, and {caller.name} may not update it")
        for one in checks
        if one.changes and not caller.may("U", f"application:{one.key}")
    )
