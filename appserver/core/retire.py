"""A node that leaves for good: whether it may go, and what is said in its place once it is gone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from appserver.core.entities import Desired, Observed
from appserver.core.fleet import Node
from appserver.core.operations import at_rest


def why_not(name: str, is_on: bool, desired: Mapping[str, Desired]) -> str:
    """Why the node may not go yet; empty when it may.

    Args:
        desired: application to what is wanted of it there.
    """
    if is_on:
        return f"{name} is on: stop its agent first (systemctl stop moorage-agent on it)"
    wanted = sorted(app for app, one in desired.items() if one.run != "removed")
    if wanted:
        return (
            f"{', '.join(wanted)} {'is' if len(wanted) == 1 else 'are'} wanted on {name}: deploy elsewhere or delete "
            f"first (moorage app deploy, moorage app delete)"
        )
    return ""


def mistaken(name: str, lrn: int, nodes: Mapping[str, Node]) -> str:
    """Why the name and the number do not stand for one node; empty when they may, or when nobody knows either.

    Args:
        lrn: -1 where nobody says which it has.
        nodes: all that are on record, by name.
    """
    if lrn < 0:
        return ""
    if name in nodes:
        known = nodes[name].lrn
        return "" if known in (-1, lrn) else f"{name} is boot server {known} on record, not {lrn}: set its lrn right"
    others = sorted(other for other, node in nodes.items() if node.lrn == lrn)
    if others:
        return (
            f"boot server {lrn} is on record as {', '.join(others)}, not as {name}: set the host's agent_name to what "
            f"its node is called, or its lrn right"
        )
    return ""


def last_words(
    desired: Mapping[str, tuple[Desired, int]], observed: Mapping[str, Observed], now: datetime
) -> dict[str, Observed]:
    """What the agent would have said of each application that is to leave and has not: a node that is gone runs none.

    Args:
        desired: with the store revision that wrote each.
    """
    return {
        app: Observed(acted_on=commit, revision=one.revision, phase="removed", at=now, step="the node is gone")
        for app, (one, commit) in desired.items()
        if one.run == "removed"
        and not (app in observed and observed[app].phase == "removed" and at_rest(observed[app], commit))
    }
