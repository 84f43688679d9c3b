"""What Swarm is to know of its nodes, and what is left as somebody told it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core.containers import EngineInfo, SwarmMember
from appserver.core.fleet import Cordon, Node
from appserver.core.stack_deploy import NODE
from appserver.core.swarm_nodes import CORDON, Mark, Member, leads, marks
from tests.lab.records import AT

PAUSE = Cordon("ada", AT)
DRAIN = Cordon("ada", AT, drain=True)
OURS = {"moorage.node": "n1"}


def node(name: str = "n1", ident: str = "id1", **labels: str) -> Node:
    engine = EngineInfo("26", 1.0, 1, swarm=SwarmMember("swarm1", ident, manager=True))
    return Node(name, "198.18.0.1:8090", "harbour", labels=labels, engine=engine)


def told(member: Member, of: Node, cordon: Cordon | None = None) -> Mark | None:
    """By another, who leads."""
    leader = Member("lead", {}, "active", leader=True)
    found = [*marks([leader, member], [of], {of.name: cordon} if cordon else {})]
    assert len(found) < 2
    return found[0] if found else None


def test_a_node_gets_its_name_and_labels() -> None:
    """Those that somebody gave it by hand stay; the record is stronger where both speak."""
    member = Member("id1", {"by": "hand", "rack": "z"}, "active")
    mark = told(member, node(rack="a", disk="ssd"))
    assert mark == Mark(
        "id1", {"by": "hand", "rack": "a", "disk": "ssd", "moorage.recorded": "disk,rack", **OURS}, "active"
    )


def test_a_label_that_is_not_on_record_any_more_goes() -> None:
    """What is placed by it would be placed there for ever."""
    before = told(Member("id1", {"by": "hand"}, "active"), node(rack="a", disk="ssd"))
    assert before is not None
    after = told(Member("id1", before.labels, "active"), node(rack="b"))
    assert after == Mark("id1", {"by": "hand", "rack": "b", "moorage.recorded": "rack", **OURS}, "active")
    roles = {"zone": "1", "moorage.labels": "zone"}
    assert told(Member("id1", {**roles, **OURS}, "active"), node()) is None, "the role `engine` has labels of its own"
    assert told(Member("id1", after.labels, "active"), node()) == Mark("id1", {"by": "hand", **OURS}, "active")


@pytest.mark.parametrize(("cordon", "word"), [(PAUSE, "pause"), (DRAIN, "drain")])
def test_a_cordon_and_its_end(cordon: Cordon, word: str) -> None:
    during = told(Member("id1", OURS, "active"), node(), cordon)
    assert during == Mark("id1", {**OURS, "moorage.cordon": word}, word)
    assert told(Member("id1", during.labels, word), node(), cordon) is None
    assert told(Member("id1", during.labels, word), node()) == Mark("id1", OURS, "active")


def test_a_cordon_becomes_a_drain() -> None:
    member = Member("id1", {**OURS, "moorage.cordon": "pause"}, "pause")
    assert told(member, node(), DRAIN) == Mark("id1", {**OURS, "moorage.cordon": "drain"}, "drain")


def test_a_drain_of_somebody_elses_stays() -> None:
    """We did not take the node out, so we do not put it back; nor where it was changed since we did."""
    assert told(Member("id1", OURS, "drain"), node()) is None
    member = Member("id1", {**OURS, "moorage.cordon": "pause"}, "drain")
    assert told(member, node()) == Mark("id1", OURS, "drain")


def test_one_speaks() -> None:
    """The agent of the manager that leads; the others, and one that is of no Swarm or of another, say nothing."""
    members = [Member("id1", {}, "active"), Member("id2", {}, "active", leader=True)]
    assert [leads(members, me) for me in ("id1", "id2", "id9")] == [False, True, False]
    assert [one.id for one in marks(members, [node(), node("n2", "id2")], {})] == ["id1", "id2"]
    bare = Node("n3", "a:1", "harbour")
    assert not [*marks(members, [bare, node("n4", "id4")], {})]


LABELS = st.dictionaries(st.sampled_from(["a", "b", "rack", "moorage.x"]), st.sampled_from(["1", "2"]))


@given(
    st.dictionaries(st.sampled_from(["a", "c", CORDON, "moorage.recorded", NODE]), st.text("ab,", max_size=3)),
    st.sampled_from(["active", "pause", "drain"]),
    LABELS,
    st.sampled_from([None, PAUSE, DRAIN]),
)
def test_told_once_there_is_nothing_more_to_tell(
    has: dict[str, str], availability: str, labels: dict[str, str], cordon: Cordon | None
) -> None:
    """Whatever it was: else Swarm would be told the same every two seconds, for ever."""
    mark = told(Member("id1", has, availability), node(**labels), cordon)
    if mark:
        assert told(Member("id1", mark.labels, mark.availability), node(**labels), cordon) is None
