"""What changes between a deployment's look at the record and its commit: it decides again, or is told why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appserver.core.deployment import DeployRequest
from appserver.core.entities import Outcome, Phase, ProjectFiles
from appserver.core.fleet import Cluster
from appserver.errors import Conflict, NotFound
from appserver.services.clusters import Clusters
from appserver.services.cordons import Cordons
from appserver.services.moves import Moves
from appserver.store import keys
from appserver.store.records import read
from tests.unit.appserver.services.yard import BLOG, SHOP, Yard


@pytest.fixture
def yard() -> Yard:
    return Yard("n1", "n2")


def cordons(yard: Yard) -> Cordons:
    desk = yard.desk
    return Cordons(
        kv=yard.kv, moves=Moves(yard.kv, yard.deploy), audit=desk.audit, events=desk.events, clock=desk.clock
    )


def meanwhile(yard: Yard, what: Callable[[], object], before: str) -> None:
    """`what` happens once, right before the first commit that writes a key which begins so."""
    commit, waiting = yard.kv.commit, [what]

    def with_news(expect, puts, deletes=(), lease=0):  # type: ignore[no-untyped-def]
        if waiting and any(key.startswith(before) for key in (*puts, *deletes)):
            waiting.pop()()
        return commit(expect, puts, deletes, lease)

    yard.kv.commit = with_news  # type: ignore[method-assign]


@pytest.mark.parametrize("verb", ["cordon", "drain"])
def test_a_node_that_is_cordoned_in_that_moment_gets_nothing_new(yard: Yard, verb: str) -> None:
    meanwhile(yard, lambda: getattr(cordons(yard), verb)(yard.root, "n1"), "desired/")
    assert yard.spread(SHOP, "80").nodes == ("n2",)
    assert yard.wanted(SHOP, "n1", "n2") == [0, 1]


def test_a_node_that_is_lost_in_that_moment_gets_nothing_new(yard: Yard) -> None:
    """It may be taken off the record before its agent is back."""
    meanwhile(yard, lambda: yard.kv.commit({}, {}, [keys.alive("n1")]), "desired/")
    assert yard.spread(SHOP, "80").nodes == ("n2",)


def test_a_drain_in_that_moment_moves_what_comes_all_the_same(yard: Yard) -> None:
    """The deployment is of what is there already: it or the move is first, and the node is empty at the end."""
    yard.spread(SHOP, "80")
    yard.end(SHOP, "done")
    meanwhile(yard, lambda: cordons(yard).drain(yard.root, "n1"), "revisions/default/shop/00000002")
    with pytest.raises(Conflict, match="changed by somebody else"):
        yard.spread(SHOP, "81")
    assert yard.wanted(SHOP, "n1", "n2") == [0, 2]


def test_a_cluster_that_is_deleted_in_that_moment_gets_nothing(yard: Yard) -> None:
    for name in ("n1", "n2"):
        yard.kv.commit({}, {}, [keys.node(name), keys.alive(name)])
    yard.add("n3")
    meanwhile(yard, lambda: gone(yard), "desired/")
    with pytest.raises(NotFound, match="no cluster"):
        yard.spread(SHOP, "80")
    assert not yard.kv.snapshot("applications/", "desired/").items


def gone(yard: Yard) -> None:
    yard.kv.commit({}, {}, [keys.node("n3"), keys.alive("n3")])
    Clusters(kv=yard.kv, audit=yard.desk.audit, events=yard.desk.events).delete(yard.root, "default")


def test_a_cluster_is_not_deleted_that_gets_an_application_in_that_moment(yard: Yard) -> None:
    """Whichever comes first: it is never gone under an application, and taken into use again where it stays."""
    clusters = Clusters(kv=yard.kv, audit=yard.desk.audit, events=yard.desk.events)
    clusters.put(yard.root, Cluster("spare"))
    spare = type(SHOP)("spare", "shop")
    application = {keys.application(spare): encode_application(yard)}
    meanwhile(yard, lambda: yard.kv.commit({}, application), "clusters/spare")
    with pytest.raises(Conflict, match="has applications"):
        clusters.delete(yard.root, "spare")
    stored = read(yard.kv, keys.cluster("spare"), Cluster)
    assert stored and stored.record == Cluster("spare")


def encode_application(yard: Yard) -> str:
    yard.spread(BLOG, "90")
    return yard.kv.snapshot(keys.application(BLOG)).items[keys.application(BLOG)].value.replace("default", "spare")


def on_its_way(yard: Yard) -> None:
    """Revision 2, with a fault in it, on n1 first."""
    yard.spread(SHOP, "80", replicas=2)
    for name in ("n1", "n2"):
        yard.tell(SHOP, "done", name)
    yard.finish.settle(SHOP)
    yard.spread(SHOP, "81", replicas=2)


@pytest.mark.parametrize(("phase", "settled"), [("done", ""), ("failed", "failed")])
def test_a_batch_that_ends_in_that_moment_refuses_no_emergency(yard: Yard, phase: Phase, settled: str) -> None:
    """Nor does the end of the whole roll-out: it is decided anew from what is then."""
    on_its_way(yard)
    meanwhile(yard, lambda: yard.end(SHOP, phase, "n1"), keys.revision(SHOP, 3))
    assert yard.spread(SHOP, "82", replicas=2).revision == 3
    found, ended = yard.rollout(SHOP), read(yard.kv, keys.outcome(SHOP, 2), Outcome)
    assert found and (found.revision, found.before) == (3, 1)
    assert ended and ended.record.state == (settled or "superseded")


def test_a_plan_that_was_looked_at_outlives_a_batch(yard: Yard) -> None:
    on_its_way(yard)
    files = ProjectFiles("shop", {"compose.yaml": "82", "x-moorage": '{"replicas": 2}'})
    planned = yard.deploy.plan(yard.root, DeployRequest(SHOP, files))
    yard.end(SHOP, "done", "n1")
    while yard.finish.settle(SHOP):
        pass
    assert yard.deploy(yard.root, DeployRequest(SHOP, files, token=planned.token)).plan.revision == 3


def test_what_a_person_changed_in_that_moment_is_told(yard: Yard) -> None:
    """Stopped by somebody: not started by whoever did not know that."""
    on_its_way(yard)
    meanwhile(yard, lambda: yard.lifecycle.stop(yard.root, SHOP), keys.revision(SHOP, 3))
    with pytest.raises(Conflict, match="changed by somebody else"):
        yard.spread(SHOP, "82", replicas=2)
    assert yard.runs(SHOP, "n1", "n2") == ["stopped", "stopped"]
