"""The files of each source at the commit in force, on record: what is deployed never depends on one host's disk."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping

from appserver.errors import LeadershipLost, RepoError
from appserver.ports import KV
from appserver.store import keys
from appserver.store.codec import decode, encode

PART = 700_000
"""Characters of one value: a text of many files is larger than the store takes at once."""


class SourceFiles:
    def __init__(self, kv: KV) -> None:
        self._kv = kv

    def write(self, name: str, commit: str, files: Mapping[str, str], fence: Mapping[str, int]) -> None:
        """Before the commit comes into force; parts of it that are there already stay.

        Raises:
            LeadershipLost: `fence` no longer holds.
        """
        packed = base64.b64encode(zlib.compress(encode(dict(files)).encode())).decode()
        for number in range(0, len(packed), PART):
            part = {keys.source_part(name, commit, number // PART): packed[number : number + PART]}
            if not self._kv.commit(fence, part):
                raise LeadershipLost(f"the turn at source {name} was lost")

    def read(self, name: str, commit: str) -> Mapping[str, str]:
        """Path to text.

        Raises:
            RepoError: they are not on record, or were written by another program.
        """
        parts = self._kv.snapshot(f"{keys.source_parts(name)}{commit}/").items
        packed = "".join(parts[key].value for key in sorted(parts))
        try:
            return decode(zlib.decompress(base64.b64decode(packed)).decode(), dict[str, str])
        except (ValueError, zlib.error) as error:
            raise RepoError(f"the files of {name} at {commit} are not on record as they should be") from error

    def drop(self, name: str, but: str = "") -> None:
        """Forget every commit's files but those of `but`."""
        held = self._kv.snapshot(keys.source_parts(name)).items
        gone = [key for key in held if not but or not key.startswith(f"{keys.source_parts(name)}{but}/")]
        if gone:
            self._kv.commit({}, {}, gone)
