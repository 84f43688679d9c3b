"""Boot servers as people look at them: what each has, where two differ, who still has what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appserver.core.access import Caller, require
from appserver.core.boot import Difference, Installed, Kind, differences, is_image
from appserver.core.boot_changes import DETAIL, Change, told_by
from appserver.core.events import Happening
from appserver.core.fleet import Node
from appserver.errors import Invalid, NotFound
from appserver.ports import KV, Snapshot
from appserver.store import codec, keys
from appserver.store.boot_record import read_installed
from appserver.store.records import nodes_below

_KNOWN = "info/bootservers/"
_EVENTS = "events/"
_LONGEST = 300
CHANGES = 20
"""So many of the last changes are shown."""


@dataclass(frozen=True, slots=True)
class BootServer:
    """One boot server, and the nodes whose agents say they run on it: one of them as a rule."""

    lrn: int
    nodes: tuple[Node, ...]
    on: bool

    def to_json(self) -> dict[str, object]:
        return {
            "lrn": self.lrn,
            "nodes": [node.name for node in self.nodes],
            "addresses": sorted({node.address.rpartition(":")[0] for node in self.nodes}),
            "on": self.on,
        }


@dataclass(frozen=True, slots=True)
class Holder:
    """A boot server that has the package or container `name`, and what of it."""

    lrn: int
    name: str
    version: str


class BootServers:
    """Reads only: agents and roles write what they have seen installed."""

    def __init__(self, *, kv: KV) -> None:
        self._kv = kv

    def list(self, caller: Caller) -> tuple[BootServer, ...]:
        """In the order of their numbers."""
        require(caller, "R", "bootserver:")
        return _servers(self._kv.snapshot(_KNOWN, "nodes/", "alive/"))

    def show(self, caller: Caller, lrn: int) -> tuple[BootServer, Installed]:
        """
        Raises:
            NotFound: nothing is on record of it.
        """
        require(caller, "R", f"bootserver:{lrn}")
        return self._known(lrn)[0], read_installed(self._kv, lrn)[0]

    def changes(self, caller: Caller, lrn: int, most: int = CHANGES) -> tuple[Change, ...]:
        """The last that somebody's hand changed there, newest first, as far back as there are events.

        Raises:
            NotFound: nothing is on record of it.
        """
        require(caller, "R", f"bootserver:{lrn}")
        subjects = [f"boot server {lrn}", *(node.name for node in self._known(lrn)[0].nodes)]
        items = self._kv.snapshot(_EVENTS).items
        found: list[Change] = []
        for key in sorted((key for key, item in items.items() if f'"{DETAIL}"' in item.value), reverse=True):
            found += told_by(codec.decode(items[key].value, Happening), subjects)
            if len(found) >= most:
                break
        return tuple(found[:most])

    def differences(self, caller: Caller, one: int, other: int) -> tuple[Difference, ...]:
        """What `other` has otherwise than `one`.

        Raises:
            NotFound: nothing is on record of one of them.
        """
        require(caller, "R", "bootserver:")
        self._known(one, other)
        return differences(*read_installed(self._kv, one, other))

    def find(self, caller: Caller, kind: Kind, name: str, version: str = "") -> tuple[Holder, ...]:
        """Who has a package, or runs an image; of `version` alone where that is given.

        Raises:
            Invalid: no package and no image is called that.
        """
        require(caller, "R", "bootserver:")
        lrns = [server.lrn for server in _servers(self._kv.snapshot(_KNOWN, "nodes/"))]
        if kind == "container":
            return self._with_image(lrns, f"{name}:{version}" if version else name)
        return tuple(one for one in self._with_deb(lrns, name) if version in ("", one.version))

    def _with_deb(self, lrns: Sequence[int], name: str) -> tuple[Holder, ...]:
        """One key of each server: no list is read."""
        wanted = {keys.installed_deb(lrn, name): lrn for lrn in lrns}
        items = self._kv.snapshot(*wanted).items if wanted else {}
        return tuple(Holder(lrn, name, items[key].value) for key, lrn in wanted.items() if key in items)

    def _with_image(self, lrns: Sequence[int], name: str) -> tuple[Holder, ...]:
        if not name or len(name) > _LONGEST:
            raise Invalid("image", f"the name of an image has 1 to {_LONGEST} characters")
        places = {keys.installed(lrn, "containers"): lrn for lrn in lrns}
        items = self._kv.snapshot(*places).items if places else {}
        held = ((key.rpartition("/"), item.value) for key, item in items.items())
        found = [
            Holder(places[f"{prefix}/"], container, image)
            for (prefix, _, container), image in held
            if is_image(image, name)
        ]
        return tuple(sorted(found, key=lambda holder: (holder.lrn, holder.name)))

    def _known(self, *lrns: int) -> tuple[BootServer, ...]:
        servers = {server.lrn: server for server in _servers(self._kv.snapshot(_KNOWN, "nodes/", "alive/"))}
        for lrn in lrns:
            if lrn not in servers:
                raise NotFound(f"there is no boot server {lrn}")
        return tuple(servers[lrn] for lrn in lrns)


def _servers(seen: Snapshot) -> tuple[BootServer, ...]:
    nodes: dict[int, list[Node]] = {}
    for stored in nodes_below(seen):
        if stored.record.lrn >= 0:
            nodes.setdefault(stored.record.lrn, []).append(stored.record)
    named = (key.removeprefix(_KNOWN) for key in seen.items if key.startswith(_KNOWN))
    lrns = sorted({*nodes, *(int(name) for name in named if name.isdecimal())})
    return tuple(_server(lrn, nodes, seen.items) for lrn in lrns)


def _server(lrn: int, nodes: Mapping[int, Sequence[Node]], items: Mapping[str, object]) -> BootServer:
    mine = tuple(nodes.get(lrn, ()))
    return BootServer(lrn, mine, any(keys.alive(node.name) in items for node in mine))
