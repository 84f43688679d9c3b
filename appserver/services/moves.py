"""Applications that leave a node: because somebody drains it, or because it has been lost for too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from appserver.core.access import Caller
from appserver.core.entities import AppKey, Desired
from appserver.core.fleet import Cordon
from appserver.errors import AppServerError, StoreError
from appserver.ports import KV
from appserver.services.deploy import Deploy, Deployed
from appserver.store import keys
from appserver.store.records import applications_below


@dataclass(frozen=True, slots=True)
class Moved:
    """One application: the nodes it is on from now on, or why it stays."""

    key: AppKey
    done: Deployed | None
    refused: str = ""

    def to_json(self) -> Mapping[str, object]:
        return {
            "application": str(self.key),
            "nodes": list(self.done.plan.nodes) if self.done else [],
            "text": self.done.plan.text if self.done else "",
            "operation": self.done.operation if self.done else "",
            "refused": self.refused,
        }


class Moves:
    def __init__(self, kv: KV, deploy: Deploy) -> None:
        self._kv = kv
        self._deploy = deploy

    def away_from(
        self, caller: Caller, node: str, because: str, dry_run: bool = False, cordon: Cordon | None = None
    ) -> tuple[Moved, ...]:
        """Every application that is wanted there, each by itself: one that finds no other place stays.

        Args:
            cordon: looks at the node as if it had this already.
        """
        listed = self._kv.snapshot(keys.desired_of(node))
        found = applications_below(listed, keys.desired_of(node), Desired)
        return tuple(
            (
                self.planned(caller, key, because, {node: cordon} if cordon else {})
                if dry_run
                else self.one(caller, key, because)
            )
            for key, wanted in found
            if wanted.record.run != "removed"
        )

    def is_rolled_out(self, key: AppKey) -> bool:
        """Whether a revision of it is on its way over several nodes."""
        return bool(self._kv.snapshot(keys.rollout(key)).items)

    def one(self, caller: Caller, key: AppKey, because: str) -> Moved:
        """Its present revision, placed anew: it stays wherever it may stay."""
        return _told(key, lambda: self._deploy.move(caller, key, because))

    def planned(self, caller: Caller, key: AppKey, because: str, cordons: Mapping[str, Cordon] | None = None) -> Moved:
        """What that would come to; nothing is written.

        Args:
            cordons: as if these nodes had them.
        """
        return _told(key, lambda: Deployed(self._deploy.plan_move(caller, key, because, cordons), ""))


def _told(key: AppKey, do: Callable[[], Deployed]) -> Moved:
    """
    Raises:
        StoreError: whoever asks waits for the store; anything else is a reason to stay.
    """
    try:
        return Moved(key, do())
    except StoreError:
        raise
    except AppServerError as error:
        return Moved(key, None, str(error))
