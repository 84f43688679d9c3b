"""Who is asked for an image, and which nodes can run one that no registry has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import cast

import pytest

from appserver.core.containers import ImageFacts
from appserver.core.placement.request import Candidate
from appserver.errors import NodeError
from appserver.ports import Nodes
from appserver.services.images import Images


def built(name: str) -> ImageFacts:
    """One that was built where it is: its pin is its id."""
    return ImageFacts(name, f"sha256:{name}", f"sha256:{name}")


def pulled(name: str) -> ImageFacts:
    return ImageFacts(name, f"sha256:{name}", f"{name}@sha256:{name}")


@dataclass
class World:
    """Nodes by what they hold; `silent` ones do not answer. Also the registry, which holds `shelf`."""

    held: Mapping[str, Sequence[ImageFacts]]
    silent: tuple[str, ...] = ()
    shelf: Sequence[ImageFacts] = ()
    asked: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def images(self, node: str, references: Sequence[str]) -> Mapping[str, ImageFacts | None]:
        with self.lock:
            self.asked.append(node)
        if node in self.silent:
            raise NodeError(f"node {node}: its agent is away")
        known = {key: facts for facts in self.held.get(node, ()) for key in (facts.reference, facts.id)}
        return {reference: known.get(reference) for reference in references}

    def image(self, reference: str) -> ImageFacts | None:
        return next((facts for facts in self.shelf if facts.reference == reference), None)


def images(world: World) -> Images:
    return Images(cast(Nodes, world), world)


def candidate(name: str, against: str = "") -> Candidate:
    return Candidate(name, 4, 1 << 30, against=against)


def test_where_it_runs_is_asked_first_and_nobody_else_if_that_is_enough() -> None:
    world = World({"n2": [built("web")], "n1": [pulled("web")]})
    assert images(world).facts(["n2"], ["n1"], ["web"]) == {"web": built("web")}
    assert world.asked == ["n2"]


def test_of_others_the_first_by_name_counts_and_then_the_registry() -> None:
    world = World({"n3": [pulled("web")], "n4": [built("web")]}, shelf=[pulled("db")])
    found = images(world).facts(["n1"], ["n2", "n3", "n4"], ["web", "db", "no"])
    assert found == {"web": pulled("web"), "db": pulled("db"), "no": None}


def test_one_of_several_that_is_silent_holds_nobody_up_and_the_only_one_does() -> None:
    world = World({"n2": [pulled("web")]}, silent=("n1",))
    assert images(world).facts([], ["n1", "n2"], ["web"]) == {"web": pulled("web")}
    with pytest.raises(NodeError):
        images(world).facts(["n1"], [], ["web"])


def test_an_image_that_no_registry_has_is_run_where_it_is() -> None:
    """A node that lacks it has that reason against it; other reasons stay, and what can be pulled is not asked for."""
    world = World({"n1": [built("web")], "n2": []}, silent=("n4",))
    nodes = [candidate("n1"), candidate("n2"), candidate("n3", "cordoned by ann"), candidate("n4")]
    found = images(world).where_they_are(nodes, [built("web"), pulled("db")])
    lacks = "has not got web, which no registry has"
    silent = "does not say now whether it has web, which no registry has"
    assert [node.against for node in found] == ["", lacks, "cordoned by ann", silent]
    world.asked.clear()
    assert images(world).where_they_are(nodes, [pulled("db")]) == tuple(nodes)
    assert images(world).where_they_are(nodes[:1], [built("web")]) == tuple(nodes[:1])
    assert world.asked == []


def test_a_node_that_runs_it_and_is_silent_keeps_it() -> None:
    """Else what is placed anew would lose the copy that it has."""
    world = World({"n1": [built("web")], "n2": []}, silent=("n3",))
    found = images(world).where_they_are([candidate(name) for name in ("n1", "n2", "n3")], [built("web")], {"n2", "n3"})
    assert [bool(node.against) for node in found] == [False, True, False]


def test_a_thousand_nodes_are_asked_some_at_once() -> None:
    names = [f"n{number:04d}" for number in range(1000)]
    world = World({names[-1]: [built("web")]})
    assert images(world).facts([], names, ["web"]) == {"web": built("web")}
    assert len(world.asked) == 1000
