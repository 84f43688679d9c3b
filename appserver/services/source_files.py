"""The files of each source at the commit in force, on record: what is deployed never depends on one host's disk.

Sealed, since configuration holds passwords. Parts that an earlier version wrote in clear are read all the same, and
`seal` seals them where they are.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping

from appserver.core.secrets import MARK
from appserver.errors import BadRecord, LeadershipLost, RepoError, SealError
from appserver.ports import KV, Sealer
from appserver.store import keys
from appserver.store.codec import decode, encode

PART = 700_000
"""Characters of one value before it is sealed, which makes it a third longer: many files are larger than etcd takes."""


class SourceFiles:
    def __init__(self, kv: KV, sealer: Sealer) -> None:
        self._kv = kv
        self._sealer = sealer

    def write(self, name: str, commit: str, files: Mapping[str, str], fence: Mapping[str, int]) -> None:
        """Before the commit comes into force; parts of it that are there already stay.

        Raises:
            LeadershipLost: `fence` no longer holds.
        """
        packed = base64.b64encode(zlib.compress(encode(dict(files)).encode())).decode()
        for number in range(0, len(packed), PART):
            sealed = self._sealer.seal(packed[number : number + PART], _place(name))
            if not self._kv.commit(fence, {keys.source_part(name, commit, number // PART): sealed}):
                raise LeadershipLost(f"the turn at source {name} was lost")

    def read(self, name: str, commit: str) -> Mapping[str, str]:
        """Path to text.

        Raises:
            RepoError: they are not on record, were written by another program, or sealed with another key.
        """
        parts = self._kv.snapshot(f"{keys.source_parts(name)}{commit}/").items
        try:
            packed = "".join(self._opened(name, parts[key].value) for key in sorted(parts))
            return decode(zlib.decompress(base64.b64decode(packed)).decode(), dict[str, str])
        except (ValueError, zlib.error, BadRecord, SealError) as error:
            raise RepoError(f"the files of {name} at {commit} are not on record as they should be") from error

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

    def _opened(self, name: str, part: str) -> str:
        return self._sealer.open(part, _place(name)) if part.startswith(MARK) else part


def _place(name: str) -> str:
    """What the seal is bound to."""
    return f"source.{name}"
