"""Files of a commit as values of the store: zlib, base64, in sealed parts that etcd takes.

Sealed, since configuration and playbooks may hold passwords.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping, Sequence

from appserver.core.secrets import MARK
from appserver.errors import BadRecord, RepoError, SealError
from appserver.ports import Sealer
from appserver.store.codec import decode, encode

PART = 700_000
"""Characters of one value before it is sealed, which makes it a third longer: many files are larger than etcd takes."""


def pack(files: Mapping[str, str], sealer: Sealer, place: str) -> Iterator[str]:
    """The parts, in order.

    Args:
        place: what the seal is bound to.
    """
    packed = base64.b64encode(zlib.compress(encode(dict(files)).encode())).decode()
    for start in range(0, len(packed), PART):
        yield sealer.seal(packed[start : start + PART], place)


def unpack(parts: Sequence[str], sealer: Sealer, place: str, what: str) -> Mapping[str, str]:
    """Path to text. Parts that an earlier version wrote in clear are read all the same.

    Args:
        what: they are the files of, for the error to name.
    Raises:
        RepoError: a part is missing, was written by another program, or sealed with another key.
    """
    try:
        packed = "".join(sealer.open(part, place) if part.startswith(MARK) else part for part in parts)
        return decode(zlib.decompress(base64.b64decode(packed)).decode(), dict[str, str])
    except (ValueError, zlib.error, BadRecord, SealError) as error:
        raise RepoError(f"the files of {what} are not on record as they should be") from error
