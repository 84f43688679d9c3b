"""What every KV refuses before it writes, alike in memory and in etcd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appserver.errors import TooLarge

MAX_VALUE = 1024 * 1024
"""Bytes of one value's UTF-8. etcd takes 1.5 MiB in one request by default, keys included."""

MAX_TXN_OPS = 4096
"""Operations in one transaction, as our etcd role sets `--max-txn-ops`; etcd's own default is 128."""


def check_commit(
    expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str], max_ops: int = MAX_TXN_OPS
) -> None:
    """Refuse what no store takes.

    Raises:
        ValueError: a key is written twice, or cannot be a key.
        TooLarge: a value over 1 MiB, or more than `max_ops` operations.
    """
    written = [*puts, *deletes]
    if len(set(written)) < len(written):
        twice = next(key for key in written if written.count(key) > 1)
        raise ValueError(f"{twice} is written twice in one commit")
    for key in (*expect, *written):
        if not key or key.endswith("/"):
            raise ValueError(f'"{key}" names no key')
    for key, value in puts.items():
        if len(value) > MAX_VALUE or len(value.encode()) > MAX_VALUE:
            raise TooLarge(f"{key}: its value is over 1 MiB ({len(value.encode())} bytes)")
    ops = max(len(expect), len(written))
    if ops > max_ops:
        raise TooLarge(f"one commit of {ops} keys; the store takes {max_ops} (etcd: --max-txn-ops)")
