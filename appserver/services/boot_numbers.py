"""Numbers of boot servers that come free: what stands under one goes when no host has it any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from appserver.core.access import Caller, require
from appserver.core.events import NODE
from appserver.core.fleet import Node
from appserver.errors import Conflict, NotFound
from appserver.ports import KV, Snapshot
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import Stored, nodes_below

_TRIES = 5


class BootNumbers:
    """Of hosts that are there, agents and roles write the record; here is what nobody writes any more."""

    def __init__(self, *, kv: KV, audit: Audit, events: Events) -> None:
        self._kv = kv
        self._audit = audit
        self._events = events

    def retire(self, caller: Caller, lrn: int) -> int:
        """Take a number off the record that no node has; how many keys went.

        Raises:
            NotFound: nothing stands under it.
            Conflict: a node has it, or somebody wrote under it meanwhile.
        """
        with self._audit.of(caller, "retire", f"bootserver:{lrn}"):
            require(caller, "D", f"bootserver:{lrn}")
            seen = self._observe(lrn)
            if names := _nodes_of(seen, lrn):
                who = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} boot server {lrn}"
                raise Conflict(
                    f"{who}: retire that host (playbooks/retire.yml), or give it another lrn (playbooks/site.yml)"
                )
            if not (gone := under(seen, lrn)):
                raise NotFound(f"there is no boot server {lrn}")
            self._forget(seen, lrn, gone)
        self._events.emit(NODE, "delete", "INFO", f"bootserver:{lrn}", f"boot server {lrn} is off the record")
        return len(gone)

    def renumber(
        self, caller: Caller, name: str, lrn: int, taken: Collection[int], was: int = -1, check_mode: bool = False
    ) -> tuple[int, int]:
        """The node is boot server `lrn`: the number it had, -1 where it had no other, and how many keys of that went.

        Args:
            taken: numbers of other hosts, which may be no nodes yet.
            was: the number it had, where its node's record says so no more.
        Raises:
            Conflict: somebody else writes there all the time.
        """
        require(caller, "D", f"node:{name}")
        node = _find(self._kv.snapshot("nodes/"), name)
        old = was if was >= 0 else node.record.lrn if node else -1
        if old in (-1, lrn):
            return -1, 0
        seen = self._observe(old)
        free = old not in taken and not [other for other in _nodes_of(seen, old) if other != name]
        gone = under(seen, old) if free else []
        if not check_mode:
            self._forget(seen, old, gone)
            self._numbered(name, lrn)
            if gone:
                told = f"{name} is boot server {lrn}, and {old} no longer"
                self._events.emit(NODE, "update", "INFO", name, told)
        return old, len(gone)

    def _observe(self, lrn: int) -> Snapshot:
        return self._kv.snapshot("nodes/", *places(lrn))

    def _forget(self, seen: Snapshot, lrn: int, gone: Sequence[str]) -> None:
        """Each as it was seen, and its own key last: until then it is to be forgotten again."""
        own = keys.bootserver(lrn)
        for some in parts(sorted(gone, key=lambda key: key == own)):
            if not self._kv.commit({key: seen.revision_of(key) for key in some}, {}, some):
                raise Conflict(f"somebody writes the record of boot server {lrn}; run again")

    def _numbered(self, name: str, lrn: int) -> None:
        """Its agent says so itself once it is started with the number; nobody is to wait for that."""
        for _ in range(_TRIES):
            node = _find(self._kv.snapshot("nodes/"), name)
            if node is None or node.record.lrn == lrn:
                return
            if self._kv.commit(
                {keys.node(name): node.revision}, {keys.node(name): encode(replace(node.record, lrn=lrn))}
            ):
                return
        raise Conflict(f"{keys.node(name)} keeps being written by somebody else")


def places(lrn: int) -> tuple[str, ...]:
    """Keys and prefixes at which something of a boot server may stand."""
    return f"install/{int(lrn)}/", "basefs/", keys.bootserver(lrn), keys.bmc_board(lrn), keys.bmc_seen(lrn)


def under(seen: Snapshot, lrn: int) -> list[str]:
    """What stands under the number, its board's keys too: with them goes what opened it. Of versions of the base file
    system, that its engine has them; the versions stay."""
    single = {keys.bootserver(lrn), keys.bmc_board(lrn), keys.bmc_seen(lrn)}
    return [
        key
        for key in seen.items
        if key in single
        or key.startswith(f"install/{int(lrn)}/")
        or (key.startswith("basefs/") and key.endswith(f"/on/{int(lrn)}"))
    ]


def _nodes_of(seen: Snapshot, lrn: int) -> list[str]:
    return [stored.record.name for stored in nodes_below(seen) if stored.record.lrn == lrn]


def _find(seen: Snapshot, name: str) -> Stored[Node] | None:
    return next((stored for stored in nodes_below(seen) if stored.record.name == name), None)
