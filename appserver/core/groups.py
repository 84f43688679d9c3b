"""Groups of nodes by their labels, in the words of constraints: for looking at, not for placing on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from appserver.core.fleet import Node
from appserver.core.placement.expressions import parse
from appserver.core.placement.filters import has_labels
from appserver.core.placement.request import Candidate, Claim, Request
from appserver.errors import Invalid


def check(selector: Sequence[str]) -> None:
    """
    Raises:
        Invalid: empty, one that cannot be read, or a mere wish.
    """
    if not selector:
        raise Invalid("selector", "a group needs one, such as rack==a")
    for text in selector:
        if parse(text, "selector").soft:
            raise Invalid("selector", f"{text!r} is a wish: a node is in the group or it is not")


def members(selector: Sequence[str], nodes: Iterable[Node]) -> tuple[str, ...]:
    """Those that every expression holds for, by name."""
    wanted = Request("", Claim(), constraints=tuple(selector))
    return tuple(sorted(n.name for n in nodes if has_labels(wanted, Candidate(n.name, 0.0, 0, n.labels)) is None))
