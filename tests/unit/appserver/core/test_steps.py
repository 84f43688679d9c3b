"""What becomes of each service of an application that is there already."""

from appserver.core.effective import Effective
from appserver.core.entities import AppKey, Desired
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
