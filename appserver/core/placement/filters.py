"""Each filter is a reason against a node, or None. The first reason is what a person is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from appserver.core.placement import amounts
from appserver.core.placement.amounts import CPUS, MEMORY, SLOTS
from appserver.core.placement.expressions import parse
from appserver.core.placement.ports import clash
from appserver.core.placement.request import Candidate, Request, Resident

Filter = Callable[[Request, Candidate], str | None]


def is_usable(wanted: Request, node: Candidate) -> str | None:
    return node.against or None


def is_listed(wanted: Request, node: Candidate) -> str | None:
    if not wanted.whitelist or not {node.name, node.id}.isdisjoint(wanted.whitelist):
        return None
    return f"is not one of {', '.join(wanted.whitelist)}"


def has_labels(wanted: Request, node: Candidate) -> str | None:
    """`node` stands for the name or the id; any other key for the label."""
    for text in wanted.constraints:
        found = parse(text)
        if not found.soft and not found.holds(texts := _texts(node, found.key)):
            return f"constraint {text}: {found.key} is {texts[0] or 'not set'}"
    return None


def has_words(wanted: Request, node: Candidate) -> str | None:
    """Citadel's LabelScheduler: every label of the image is, to the letter, one of the engine's."""
    missing = [label for label in wanted.labels if label and not has_word(node, label)]
    return f"has no label {missing[0]}" if missing else None


def is_host(wanted: Request, node: Candidate) -> str | None:
    """Citadel's HostScheduler, in any order of labels: `host:<id or name>`, and other labels are not looked at."""
    hosts = [label.removeprefix("host:") for label in wanted.labels if label.startswith("host:")]
    return None if not hosts or {node.id, node.name} & set(hosts) else f"is not the host {' or '.join(hosts)}"


def holds_image(wanted: Request, node: Candidate) -> str | None:
    return None if wanted.image in node.images else f"does not hold the image {wanted.image}"


def has_memory(wanted: Request, node: Candidate) -> str | None:
    return _has(MEMORY, wanted, node)


def has_cpus(wanted: Request, node: Candidate) -> str | None:
    return _has(CPUS, wanted, node)


def has_counted(wanted: Request, node: Candidate) -> str | None:
    return next((why for name in sorted(wanted.claim.counted) if (why := _has(name, wanted, node))), None)


def has_slots(wanted: Request, node: Candidate) -> str | None:
    if "containerslots" not in node.labels and SLOTS not in node.counted:
        return None
    left = amounts.free(node, wanted.holder).get(SLOTS)
    return None if left is None or left > 0 else f"has no slot left of {amounts.total(node)[SLOTS]}"


def has_ports(wanted: Request, node: Candidate) -> str | None:
    for name, claim in node.reserved.items():
        for port in wanted.claim.ports if name != wanted.holder else ():
            if any(clash(port, taken) for taken in claim.ports):
                return f"port {port[1]}/{port[2]} is taken by {name}"
    return None


def has_what_it_needs(wanted: Request, node: Candidate) -> str | None:
    """Links, volumes and networks of other containers: these are on one engine, or they are not."""
    there = {one.name for one in node.residents} | {one.id for one in node.residents}
    missing = [name for name in wanted.beside if name not in there]
    return f"does not have the container {missing[0]}" if missing else None


def has_neighbours(wanted: Request, node: Candidate) -> str | None:
    """Affinities: `container` by name or id, `image` held by the node, else a label of a container there."""
    for text in wanted.affinities:
        found = parse(text, "affinity")
        if not found.soft and not found.holds(neighbours(wanted, node, found.key)):
            return f"affinity {text} does not hold"
    return None


def is_alone(wanted: Request, node: Candidate) -> str | None:
    """Citadel's UniqueScheduler: no other running container of this image."""
    same = [one.name for one in others(wanted, node) if one.running and one.image == wanted.image]
    return f"runs {wanted.image} already, as {same[0]}" if same else None


def is_new_name(wanted: Request, node: Candidate) -> str | None:
    """No other container of this name, with or without the slash that engines put before it."""
    name = wanted.name.lstrip("/")
    taken = name and any(one.name.lstrip("/") == name for one in others(wanted, node))
    return f"has a container {name} already" if taken else None


FILTERS: tuple[Filter, ...] = (
    is_usable, is_listed, has_labels, has_memory, has_cpus, has_counted, has_ports, has_slots, has_what_it_needs,
    has_neighbours,
)  # fmt: skip
"""Those that every request goes through; the type of a container may add to them: `schedulers.py`."""
OF_NODE: tuple[Filter, ...] = (is_usable, is_listed, has_labels)
"""Of these, those whose answer stays the same whatever is placed."""


def first_reason(filters: Iterable[Filter], wanted: Request, node: Candidate) -> str | None:
    return next((why for test in filters if (why := test(wanted, node))), None)


def unmet(wanted: Request, node: Candidate) -> int:
    """How many wishes, which are soft expressions, the node does not meet."""
    constraints = [parse(text) for text in wanted.constraints]
    affinities = [parse(text, "affinity") for text in wanted.affinities]
    return sum(one.soft and not one.holds(_texts(node, one.key)) for one in constraints) + sum(
        one.soft and not one.holds(neighbours(wanted, node, one.key)) for one in affinities
    )


def neighbours(wanted: Request, node: Candidate, key: str) -> list[str]:
    """The texts that an affinity of this key is about."""
    if key == "image":
        return sorted(node.images)
    if key == "container":
        return [text for one in others(wanted, node) for text in (one.name, one.id) if text]
    return [one.labels[key] for one in others(wanted, node) if key in one.labels]


def others(wanted: Request, node: Candidate) -> list[Resident]:
    """Without its own holder's, which it replaces."""
    return [one for one in node.residents if not one.holder or one.holder != wanted.holder]


def has_word(node: Candidate, label: str) -> bool:
    """`zone=a` as well as a bare word."""
    name, equals, value = label.partition("=")
    return label in node.words or (bool(equals) and node.labels.get(name) == value)


def _has(name: str, wanted: Request, node: Candidate) -> str | None:
    needs = amounts.asked(wanted.claim).get(name, 0)
    if needs <= 0 or needs <= (left := amounts.left(node, name, wanted.holder)):
        return None
    return f"needs {amounts.show(name, needs)}, {amounts.show_left(name, left)} free"


def _texts(node: Candidate, key: str) -> tuple[str, ...]:
    if key != "node":
        return (node.labels.get(key, ""),)
    return (node.name, node.id) if node.id else (node.name,)
