"""The files of each source at the commit in force, on record: what is deployed never depends on one host's disk.

Sealed, since configuration holds passwords. Parts that an earlier version wrote in clear are read all the same, and
`seal` seals them where they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from appserver.core.secrets import MARK
from appserver.errors import LeadershipLost
from appserver.ports import KV, Sealer
from appserver.store import sources as keys
from appserver.store.packed import pack, unpack


class SourceFiles:
    def __init__(self, kv: KV, sealer: Sealer) -> None:
        self._kv = kv
        self._sealer = sealer

    def write(self, name: str, commit: str, files: Mapping[str, str], fence: Mapping[str, int]) -> None:
        """Before the commit comes into force; parts of it that are there already stay.

        Raises:
            LeadershipLost: `fence` no longer holds.
        """
        for number, part in enumerate(pack(files, self._sealer, _place(name))):
            if not self._kv.commit(fence, {keys.source_part(name, commit, number): part}):
                raise LeadershipLost(f"the turn at source {name} was lost")

    def read(self, name: str, commit: str) -> Mapping[str, str]:
        """Path to text.

        Raises:
            RepoError: they are not on record, were written by another program, or sealed with another key.
        """
        parts = self._kv.snapshot(f"{keys.source_parts(name)}{commit}/").items
        values = [parts[key].value for key in sorted(parts)]
        return unpack(values, self._sealer, _place(name), f"{name} at {commit}")

    def seal(self) -> int:
        """Seal what an earlier version left in clear; how many parts."""
        sealed = 0
        for key, item in self._kv.snapshot("sourcefiles/").items.items():
            if not item.value.startswith(MARK):
                name = key.split("/")[1]
                part = self._sealer.seal(item.value, _place(name))
                sealed += bool(self._kv.commit({key: item.revision}, {key: part}))
        return sealed

    def drop(self, name: str, but: str = "") -> None:
        """Forget every commit's files but those of `but`."""
        held = self._kv.snapshot(keys.source_parts(name)).items
        gone = [key for key in held if not but or not key.startswith(f"{keys.source_parts(name)}{but}/")]
        if gone:
            self._kv.commit({}, {}, gone)


def _place(name: str) -> str:
    """What the seal is bound to."""
    return f"source.{name}"
