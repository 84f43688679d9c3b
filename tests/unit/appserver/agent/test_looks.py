"""What is remembered of containers is never older than the events that were heard of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appserver.adapters.engine_state import is_still
from appserver.agent.looks import Looks
from appserver.core.containers import ContainerState, EngineEvent

EVENT = EngineEvent("update", "", "shop", "web", 0.0)


class Engine:
    """Containers that change when the test says so, asked about as the real engine is; counts the questions."""

    def __init__(self) -> None:
        self.now: dict[str, ContainerState] = {}
        self.asked = 0

    def containers(self, project: str, known: Mapping[str, ContainerState]) -> tuple[ContainerState, ...]:
        return tuple(self._in_full(one, known) for one in self.now.values() if one.project == project)

    def _in_full(self, one: ContainerState, known: Mapping[str, ContainerState]) -> ContainerState:
        if one.id in known and is_still(known[one.id], one):
            return known[one.id]
        self.asked += 1
        return one


def container(number: int, state: str = "running") -> ContainerState:
    return ContainerState(f"id{number}", f"shop-web-{number}", "shop", "web", state, "img", "sha256:1", "hash")


def looks_at(*containers: ContainerState) -> tuple[Engine, Looks]:
    engine = Engine()
    engine.now = {one.id: one for one in containers}
    return engine, Looks(engine)  # type: ignore[arg-type]  # the one verb that it uses


def test_nothing_new_is_asked_nothing() -> None:
    """A second look at fifty containers costs one list."""
    engine, looks = looks_at(*(container(n) for n in range(50)))
    assert looks.containers("shop") == looks.containers("shop")
    assert engine.asked == 50


def test_only_the_one_that_changed_is_asked_about() -> None:
    """What the list cannot show, as a limit, is seen by its event."""
    engine, looks = looks_at(container(1), container(2))
    looks.containers("shop")
    engine.now["id1"] = replace(engine.now["id1"], memory=64)
    looks.note(replace(EVENT, container_id="id1"))
    assert [one.memory for one in looks.containers("shop")] == [64, 0]
    assert engine.asked == 3


def test_what_the_list_shows_needs_no_event() -> None:
    """Events may still be on their way."""
    engine, looks = looks_at(container(1))
    looks.containers("shop")
    engine.now["id1"] = container(1, "exited")
    assert looks.containers("shop")[0].state == "exited"


def test_what_was_acted_on_is_looked_at_anew() -> None:
    """A restart leaves the list as it was."""
    engine, looks = looks_at(container(1))
    looks.containers("shop")
    engine.now["id1"] = replace(engine.now["id1"], restart_count=1)
    looks.forget("shop", ("web",))
    assert looks.containers("shop")[0].restart_count == 1


def test_an_event_during_a_look_outlives_it() -> None:
    """What was read before the event is not remembered after it."""
    engine, looks = looks_at(container(1))
    answer = engine.containers

    def changed_meanwhile(project: str, known: Mapping[str, ContainerState]) -> tuple[ContainerState, ...]:
        found = answer(project, known)
        engine.now["id1"] = replace(engine.now["id1"], memory=64)
        looks.note(replace(EVENT, container_id="id1"))
        return found

    engine.containers = changed_meanwhile  # type: ignore[method-assign]
    looks.containers("shop")
    engine.containers = answer  # type: ignore[method-assign]
    assert looks.containers("shop")[0].memory == 64


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["change", "hear", "look", "lose", "remove", "make"]))))
def test_after_its_event_a_change_is_always_seen(story: list[tuple[int, str]]) -> None:
    """Changes whose events were heard show; those whose events were lost show after everything is forgotten."""
    engine, looks = looks_at(*(container(n) for n in (1, 2, 3)))
    unheard: set[str] = set()
    for count, (number, what) in enumerate(story, 1):
        known_as = f"id{number}"
        if what == "change" and known_as in engine.now:
            engine.now[known_as] = replace(engine.now[known_as], memory=count)
            unheard.add(known_as)
        elif what == "make":
            engine.now[known_as] = replace(container(number), memory=count)
            unheard.add(known_as)
        elif what == "remove":
            engine.now.pop(known_as, None)
        elif what == "hear":
            looks.note(replace(EVENT, container_id=known_as))
            unheard.discard(known_as)
        elif what == "lose":
            looks.forget_all()
            unheard.clear()
        seen = {one.id: one.memory for one in looks.containers("shop")}
        assert seen.keys() == engine.now.keys()
        assert all(seen[name] == one.memory for name, one in engine.now.items() if name not in unheard)
