"""Following an operation, where this app server is not the one that settles it."""

from __future__ import annotations

from threading import Event

from appserver.core.entities import AppKey, Application, Desired, Observed
from appserver.services.finish import Finish
from appserver.services.operations import Operations
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import START, Desk

KEY = AppKey("default", "shop")


class SettledByAnother(Finish):
    """The elected duty is always a moment faster than the follower."""

    def settle(self, key: AppKey) -> bool:
        super().settle(key)
        return False


def test_a_follower_sees_the_end_at_once_though_another_recorded_it() -> None:
    """Nothing below `observed/` changes after the outcome is written, so nothing else would wake it."""
    desk = Desk()
    operations = Operations(desk.kv, desk.access, SettledByAnother(desk.kv, desk.events, desk.clock))
    desired, observed = keys.desired("n1", KEY), keys.observed("n1", KEY)
    application = Application("shop", "default", "compose.yaml", START, 0, 1, nodes=("n1",))
    desk.kv.commit({}, {keys.application(KEY): encode(application)})
    commit = desk.kv.commit({}, {desired: encode(Desired(1, 0))})
    states = operations.follow(desk.person("ann"), f"default.shop.1.{commit}", 0, Event())
    desk.kv.commit({}, {observed: encode(Observed(commit, 1, "done", START))})
    assert [state.state for state in states if state] == ["done"]
