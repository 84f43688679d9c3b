"""What becomes of each service of an application that is there already."""

from appserver.core.effective import Effective
from appserver.core.entities import AppKey, Desired, Revision
from appserver.core.steps import steps_between
from tests.lab.records import revision

KEY = AppKey("default", "shop")


def test_an_application_on_its_way_out_is_made_anew_by_a_deployment():
    """Deployed again before its agent was through with removing it, it is not "nothing to do" and then gone."""
    current = revision(KEY, 1, {"web": {"image": "x"}})
    again = Effective(current.project, {}, (), ())
    leaving = {"n1": Desired(1, 0, run="removed")}
    assert [(s.action, s.subject) for s in steps_between(current, again, leaving, {})] == [("create", "web")]
    moving = {**leaving, "n2": Desired(1, 0)}
    assert [(s.action, s.subject) for s in steps_between(current, again, moving, {})] == [("none", "web")]


def test_another_number_of_copies_only_creates_or_removes():
    """What stays is not named as made anew, and a service of both another number and definition is."""
    one = revision(KEY, 1, {"web": {"image": "x"}})
    two = revision(KEY, 2, {"web": {"image": "x", "scale": 2}})
    other = revision(KEY, 3, {"web": {"image": "y", "scale": 2}})
    running = {"n1": Desired(1, 0)}

    def told(before: Revision, after: Revision) -> list[str]:
        return [str(s) for s in steps_between(before, Effective(after.project, {}, (), ()), running, {})]

    assert told(one, two) == ["web: create — replicas 1 → 2"]
    assert told(two, one) == ["web: remove — replicas 2 → 1"]
    assert told(two, two) == ["web: none — unchanged"]
    assert [line.split(" —")[0] for line in told(one, other)] == ["web: recreate"]
