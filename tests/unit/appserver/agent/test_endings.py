"""Which containers ended by themselves, told by what the engine said of them."""

from __future__ import annotations

import pytest

from appserver.agent.endings import Endings
from appserver.core.containers import EngineEvent


def after(*actions: str) -> frozenset[str]:
    endings = Endings()
    for action in actions:
        note(endings, action)
    return endings.ids()


def note(endings: Endings, action: str) -> None:
    endings.note(EngineEvent(action, "c1", "shop", "job", 0.0))


@pytest.mark.parametrize(
    ("actions", "by_itself"),
    [
        (("start", "die"), True),
        (("start", "kill", "die", "stop"), False),
        (("start", "kill", "die", "start", "die"), True),
        (("start", "die", "start"), False),
        (("start", "die", "destroy"), False),
        (("restart", "kill", "die", "start"), False),
    ],
)
def test_an_end_is_its_own_unless_somebody_asked_for_it(actions: tuple[str, ...], by_itself: bool):
    """Told to end before it died: stopped. Started anew or gone: it has not ended."""
    assert (after(*actions) == {"c1"}) is by_itself


def test_nothing_is_held_to_be_known_when_events_may_have_been_missed():
    """A container may have been started again since: its next end is judged by what is heard then."""
    endings = Endings()
    note(endings, "die")
    endings.forget_all()
    assert endings.ids() == frozenset()
    note(endings, "kill")
    note(endings, "die")
    assert endings.ids() == frozenset()
