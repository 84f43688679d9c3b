"""Affinities of an application: near which containers and images it is to run, in a cluster of engines.

They stand among the variables of its services (`affinity:container==front`) and reach no container. An application is
placed as one: what one service wants to be near, all of them are near.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from appserver.core import compose
from appserver.core.compose import Project
from appserver.core.placed import among_variables
from appserver.core.placement.expressions import parse
from appserver.errors import Invalid
from image_config import Resolved
from image_config.environment import is_soft

_PREFIX = "affinity:"
_KNOWN = ("container", "image")
"""What is on record of the containers of others; their labels are not."""


def affinities_in_force(project: Project, explained: Mapping[str, Sequence[Mapping[str, object]]]) -> tuple[str, ...]:
    """Those that choose between nodes, of a revision as it is on record or is to be. Each once, in their order.

    Without those that its own containers meet, which are with it wherever it is.

    Args:
        explained: see `among_variables`.
    """
    own = tuple(_own(project))
    among = among_variables(explained, _PREFIX)
    return tuple(dict.fromkeys(text for text in among if not _why_not(text) and not _is_met(text, own)))


def faults_of(name: str, resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Where, and why not: demands that nobody could hold to, which nobody else would notice."""
    for text in resolved.affinities:
        if (why := _why_not(text)) and not is_soft(f"{_PREFIX}{text}"):
            rows = (row for row in resolved.explain() if row.value == f"{_PREFIX}{text}" and not row.removed)
            by = next((row.source for row in rows), None)
            yield (f"{name}.environment" if by is None or by.kind == "form" else str(by)), _told(text, why)


def warnings_of(resolved: Resolved, in_swarm: bool) -> Iterator[str]:
    """Those that are taken and count for nothing."""
    for text in resolved.affinities:
        if in_swarm:
            yield f"{_PREFIX}{text} does not steer where a stack runs: Swarm has no such thing"
        elif (why := _why_not(text)) and is_soft(f"{_PREFIX}{text}"):
            yield _told(text, why)


def _told(text: str, why: str) -> str:
    return f"{_PREFIX}{text} cannot be held to: {why}"


def _why_not(text: str) -> str:
    """Why it cannot count; "" where it does. What was recorded before affinities counted was never looked at."""
    try:
        key = parse(text, "affinity").key
    except Invalid as error:
        return error.why
    return "" if key in _KNOWN else f"of other containers only {' and '.join(_KNOWN)} are known, no labels"


def _is_met(text: str, own: Iterable[str]) -> bool:
    one = parse(text, "affinity")
    return one.key == "container" and one.equal and any(one.matches(name) for name in own)


def _own(project: Project) -> Iterator[str]:
    """Names of its containers, as Compose gives them."""
    for name, service in compose.services(project).items():
        if said := service.get("container_name"):
            yield str(said)
        else:
            yield from (f"{project['name']}-{name}-{number + 1}" for number in range(compose.replicas(service)))
