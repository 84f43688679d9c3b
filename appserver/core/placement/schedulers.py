"""Citadel's schedulers: the type of a container says what is asked of a node beside room, and how nodes are ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appserver.core.placement.filters import (
    FILTERS,
    Filter,
    has_words,
    holds_image,
    is_alone,
    is_host,
    is_new_name,
)
from appserver.core.placement.rank import Strategy
from appserver.errors import Invalid


@dataclass(frozen=True, slots=True)
class Scheduler:
    """`filters` beside FILTERS; `strategy` where the one who asks names none."""

    filters: tuple[Filter, ...]
    says: str
    strategy: Strategy | None = None


SCHEDULERS: Mapping[str, Scheduler] = {
    "": Scheduler((), "what every request goes through, and no more"),
    "service": Scheduler((has_words,), "every label of the container is one of the node's"),
    "label": Scheduler((has_words,), "the same as service"),
    "batch": Scheduler((has_words,), "as service, packed: nodes stay free for what is large", "binpack"),
    "unique": Scheduler((is_alone,), "no other running container of the image on the node"),
    "unique-name": Scheduler((is_new_name,), "no other container of the name on the node"),
    "host": Scheduler((is_host,), "a label `host:<id or name>` names the node"),
    "image": Scheduler((holds_image,), "the node holds the image already"),
    "port": Scheduler((), "the ports are free, which every request asks for"),
    "multi": Scheduler((has_words, is_alone), "service and unique"),
}


def scheduler(kind: str, known: Mapping[str, Scheduler] = SCHEDULERS) -> Scheduler:
    """
    Raises:
        Invalid: no scheduler has this type.
    """
    found = known.get(kind)
    if found is None:
        raise Invalid("type", f"no scheduler for type {kind!r}; there are {', '.join(sorted(filter(None, known)))}")
    return found


def strategy(kind: str, asked: Strategy | None, of_cluster: Strategy) -> Strategy:
    """Who asks comes before the type, and that before the cluster."""
    return asked or scheduler(kind).strategy or of_cluster


def filters(kind: str, known: Mapping[str, Scheduler] = SCHEDULERS) -> tuple[Filter, ...]:
    """All that a request of this type goes through, in order."""
    return (*FILTERS, *scheduler(kind, known).filters)
