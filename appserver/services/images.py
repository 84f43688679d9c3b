"""What nodes and registries know of images: their labels and digests, and which nodes have one that no registry has."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from appserver.core.containers import ImageFacts
from appserver.core.placement.request import Candidate
from appserver.errors import NodeError
from appserver.ports import Nodes, Registry

log = logging.getLogger(__name__)

_AT_ONCE = 16

Facts = Mapping[str, ImageFacts | None]


class Images:
    def __init__(self, nodes: Nodes, registry: Registry) -> None:
        self._nodes = nodes
        self._registry = registry

    def facts(self, here: Sequence[str], others: Sequence[str], references: Sequence[str]) -> Facts:
        """Of each reference: as a node has it, else as its registry has it, without pulling.

        Args:
            here: nodes that are asked first, one after the other; what they have counts.
            others: those asked next, some at once; of two that differ the earlier one counts.
        Raises:
            NodeError: the only node there is does not answer.
        """
        found: dict[str, ImageFacts | None] = {}
        alone = len({*here, *others}) == 1
        for some in (*((node,) for node in here), *_batches(others)):
            if missing := [ref for ref in references if not found.get(ref)]:
                for told in self._ask(some, missing, alone).values():
                    found.update({ref: one for ref, one in told.items() if one and not found.get(ref)})
        for reference in references:
            if not found.get(reference):
                found[reference] = self._registry.image(reference)
        return found

    def where_they_are(
        self, candidates: Sequence[Candidate], images: Iterable[ImageFacts], running: Collection[str] = ()
    ) -> tuple[Candidate, ...]:
        """The candidates, with a reason against those that lack an image which no registry has.

        A single one is not asked: where it lacks an image, its agent says so.

        Args:
            running: nodes that run containers of these images: one that is silent for a moment keeps its own.
        """
        local = {facts.id: facts.reference for facts in images if facts.pin == facts.id}
        usable = [node.name for node in candidates if not node.against]
        if not local or len(usable) < 2:
            return tuple(candidates)
        told: dict[str, Facts] = {}
        for some in _batches(usable):
            told.update(self._ask(some, sorted(local), alone=False))
        return tuple(
            replace(node, against=node.against or _lacks(local, told[node.name], node.name in running))
            if node.name in told
            else node
            for node in candidates
        )

    def _ask(self, nodes: Sequence[str], references: Sequence[str], alone: bool) -> Mapping[str, Facts]:
        """In the order of `nodes`. Nothing is known of one that does not answer."""

        def one(node: str) -> Facts:
            try:
                return self._nodes.images(node, references)
            except NodeError as error:
                if alone:
                    raise
                log.warning("event=node_silent node=%s reason=%s", node, error)
                return {}

        if len(nodes) == 1:
            return {nodes[0]: one(nodes[0])}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="images") as pool:
            return dict(zip(nodes, pool.map(one, nodes), strict=True))


def _lacks(local: Mapping[str, str], told: Facts, runs: bool) -> str:
    """Of the images in `local`, id to reference, one that the node has not; "" where it has all."""
    if not told:
        first = min(local.values())
        return "" if runs else f"does not say now whether it has {first}, which no registry has"
    missing = next((ref for known, ref in sorted(local.items(), key=lambda one: one[1]) if not told.get(known)), "")
    return f"has not got {missing}, which no registry has" if missing else ""


def _batches(nodes: Sequence[str]) -> Iterable[Sequence[str]]:
    return (nodes[start : start + _AT_ONCE] for start in range(0, len(nodes), _AT_ONCE))
