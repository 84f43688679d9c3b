"""Each filter is a reason against a node, or None."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from appserver.core.placement.ports import clash
from appserver.core.placement.request import Candidate, Request
from appserver.errors import Invalid

Filter = Callable[[Request, Candidate], str | None]
_EXPRESSION = re.compile(r"(?P<label>[A-Za-z0-9_.-]+)(?P<sign>==|!=)(?P<soft>~?)(?P<value>.*)", re.DOTALL)


def is_usable(wanted: Request, node: Candidate) -> str | None:
    return node.against or None


def has_labels(wanted: Request, node: Candidate) -> str | None:
    for expression in wanted.constraints:
        label, sign, soft, value = parse(expression)
        if not soft and not _holds(node, label, sign, value):
            return f"constraint {expression}: {label} is {_label(node, label) or 'not set'}"
    return None


def has_memory(wanted: Request, node: Candidate) -> str | None:
    free = node.memory - sum(claim.memory for claim in node.taken_by_others(wanted.holder))
    return None if wanted.claim.memory <= free else f"needs {wanted.claim.memory} bytes of memory, {free} free"


def has_cpus(wanted: Request, node: Candidate) -> str | None:
    free = node.cpus - sum(claim.cpus for claim in node.taken_by_others(wanted.holder))
    return None if wanted.claim.cpus <= free + 1e-9 else f"needs {wanted.claim.cpus:g} cpus, {free:g} free"


def has_ports(wanted: Request, node: Candidate) -> str | None:
    for name, claim in node.reserved.items():
        for port in wanted.claim.ports if name != wanted.holder else ():
            if any(clash(port, taken) for taken in claim.ports):
                return f"port {port[1]}/{port[2]} is taken by {name}"
    return None


FILTERS: tuple[Filter, ...] = (is_usable, has_labels, has_memory, has_cpus, has_ports)


def parse(expression: str) -> tuple[str, str, bool, str]:
    """
    Raises:
        Invalid: not `label==value` or `label!=value`, with `~` before the value where it is only a wish.
    """
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise Invalid("constraint", f"{expression!r} is not label==value or label!=value")
    return found["label"], found["sign"], bool(found["soft"]), found["value"]


def wishes_kept(wanted: Request, node: Candidate) -> int:
    """How many soft constraints the node meets."""
    parsed = [parse(expression) for expression in wanted.constraints]
    return sum(_holds(node, label, sign, value) for label, sign, soft, value in parsed if soft)


def _holds(node: Candidate, label: str, sign: str, value: str) -> bool:
    return fnmatchcase(_label(node, label), value) is (sign == "==")


def _label(node: Candidate, label: str) -> str:
    return node.name if label == "node" else node.labels.get(label, "")
