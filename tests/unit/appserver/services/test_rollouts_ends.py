"""How roll-outs end: what is told of them, and what stays reserved where."""

from __future__ import annotations

import pytest

from appserver.services.operations import Operations
from appserver.services.rollouts import Rollouts
from tests.unit.appserver.services.yard import SHOP, Yard

NODES = ("n1", "n2", "n3")


@pytest.fixture
def yard() -> Yard:
    """Revision 1 is in force on all three."""
    made = Yard(*NODES)
    made.spread(SHOP, "80", replicas=3)
    for name in NODES:
        made.tell(SHOP, "done", name)
    assert made.finish.settle(SHOP)
    return made


def operations(yard: Yard) -> Operations:
    return Operations(yard.kv, yard.desk.access, yard.finish)


def test_a_restart_whose_later_copy_does_not_come_up_has_failed(yard: Yard) -> None:
    """It is told with its cause, also to whoever let it go on."""
    restart = yard.lifecycle.restart(yard.root, SHOP)
    rollouts = Rollouts(yard.kv, yard.finish, yard.desk.access, yard.desk.audit)
    rollouts.pause(yard.root, SHOP)
    resumed = rollouts.resume(yard.root, SHOP)
    yard.end(SHOP, "done", "n1")
    yard.finish.settle(SHOP)
    yard.end(SHOP, "failed", "n2")
    assert yard.rollout(SHOP) is None
    for operation in (restart, resumed):
        told = operations(yard).get(yard.root, operation)
        assert (told.state, [cause.why for cause in told.causes]) == ("failed", ["n2: did not come up"])


def test_a_restart_is_no_part_of_the_deployment_before_it(yard: Yard) -> None:
    """Whoever looks at the deployment again is not told that it is still going on, nor that it failed."""
    deployed = yard.lifecycle.start(yard.root, SHOP)
    for name in NODES:
        yard.tell(SHOP, "done", name)
    assert operations(yard).get(yard.root, deployed).state == "done"
    yard.lifecycle.restart(yard.root, SHOP)
    assert operations(yard).get(yard.root, deployed).state == "done"
    yard.end(SHOP, "failed", "n1")
    assert operations(yard).get(yard.root, deployed).state == "done"
