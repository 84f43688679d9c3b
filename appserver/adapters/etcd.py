"""`ports.KV` on etcd 3.4 or later, over gRPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Event
from typing import Any

from appserver.adapters.election import campaign
from appserver.adapters.etcd_channel import Channel
from appserver.adapters.etcd_endpoint import TLS
from appserver.adapters.etcd_lease import EtcdLease, Leases
from appserver.adapters.etcd_messages import message, method
from appserver.adapters.etcd_watch import EtcdWatch
from appserver.adapters.kv_rules import MAX_TXN_OPS, check_commit
from appserver.errors import Compacted
from appserver.ports import Change, Item, Leadership, Snapshot

__all__ = ["TLS", "Etcd"]

_EQUAL = 0
_MOD_REVISION = 2
_DELETED = 1
"""Numbers of `Compare.CompareResult`, `Compare.CompareTarget` and `Event.EventType`."""


class Etcd:
    """See `ports.KV`. Usable from any thread; connects at the first call, so make it before or after a fork."""

    def __init__(
        self,
        endpoints: Sequence[str],
        prefix: str = "/moorage/",
        tls: TLS | None = None,
        user: str | None = None,
        password: str | None = None,
        timeout_s: float = 5.0,
        max_txn_ops: int = MAX_TXN_OPS,
        page_keys: int = 1000,
    ) -> None:
        """
        Args:
            endpoints: `https://HOST:PORT` of each member; one is asked at a time.
            prefix: stands before every key in etcd, and in no key given or returned here.
            timeout_s: deadline of one call, tries at other members included.
            max_txn_ops: the cluster's `--max-txn-ops`.
            page_keys: how many keys one answer holds at most.
        """
        self._channel = Channel(endpoints, tls, user, password, timeout_s)
        self._leases = Leases(self._channel)
        self._prefix = prefix.encode()
        self._max_txn_ops = max_txn_ops
        self._page_keys = page_keys

    def snapshot(self, *prefixes: str) -> Snapshot:
        """See `ports.KV`. One round trip where no prefix holds more than a page."""
        ranges = [self._range(prefix) for prefix in prefixes]
        try:
            return self._read_all(ranges)
        except Compacted:  # the revision went between two pages: begin again at a newer one
            return self._read_all(ranges)

    def commit(
        self, expect: Mapping[str, int], puts: Mapping[str, str], deletes: Sequence[str] = (), lease: int = 0
    ) -> int:
        """See `ports.KV`. Never sent twice, unless the first certainly did nothing."""
        check_commit(expect, puts, deletes, self._max_txn_ops)
        request = message("TxnRequest")()
        for key, revision in expect.items():
            request.compare.add(key=self._key(key), result=_EQUAL, target=_MOD_REVISION, mod_revision=revision)
        for key, value in puts.items():
            request.success.add().request_put.MergeFrom(
                message("PutRequest")(key=self._key(key), value=value.encode(), lease=lease)
            )
        for key in deletes:
            request.success.add().request_delete_range.key = self._key(key)
        answer = self._channel.call(method("KV", "Txn"), request, repeatable=False)
        return int(answer.header.revision) if answer.succeeded else 0

    def watch(self, prefix: str, after: int) -> EtcdWatch:
        """See `ports.KV`. Connects when it is iterated."""
        key, range_end = self._range(prefix)
        return EtcdWatch(self._channel, key, range_end, after, self._change)

    @contextmanager
    def lease(self, ttl_s: float) -> Iterator[EtcdLease]:
        """See `ports.KV`. Whole seconds, rounded up."""
        lease = self._leases.keep(ttl_s)
        try:
            yield lease
        finally:
            self._leases.end(lease)

    def grant(self, ttl_s: float) -> int:
        """See `ports.KV`. Whole seconds, rounded up."""
        return self._leases.grant(ttl_s)[0]

    def leader(self, name: str, ttl_s: float, value: str, stop: Event) -> AbstractContextManager[Leadership | None]:
        """See `ports.KV`."""
        return campaign(self, name, ttl_s, value, stop)

    def close(self) -> None:
        """End watches and calls, and forget leases: those still held run out by themselves."""
        self._channel.close()
        self._leases.close()

    def _read_all(self, ranges: Sequence[tuple[bytes, bytes]]) -> Snapshot:
        """Page by page, as many ranges at once as one transaction takes; the first answer fixes the revision."""
        found: dict[str, Item] = {}
        revision = 0
        while True:
            now, later = ranges[: self._max_txn_ops], ranges[self._max_txn_ops :]
            answer = self._read(now, revision)
            revision = revision or answer.header.revision
            rest = []
            for (_, end), op in zip(now, answer.responses, strict=True):
                page = op.response_range
                found.update((self._name(kv.key), _item(kv)) for kv in page.kvs)
                if page.more:
                    rest.append((page.kvs[-1].key + b"\0", end))
            ranges = [*rest, *later]
            if not ranges:
                return Snapshot(revision, dict(sorted(found.items())))

    def _read(self, ranges: Sequence[tuple[bytes, bytes]], revision: int) -> Any:
        """One page of each range, all at `revision`, or at the newest where it is 0."""
        request = message("TxnRequest")()
        for key, range_end in ranges:
            asked = request.success.add().request_range
            asked.key, asked.range_end, asked.limit, asked.revision = key, range_end, self._page_keys, revision
        return self._channel.call(method("KV", "Txn"), request, repeatable=True)

    def _range(self, prefix: str) -> tuple[bytes, bytes]:
        """First key and end of a prefix; the end is empty for one key, as etcd has it."""
        key = self._key(prefix)
        return (key, _after_all(key)) if not prefix or prefix.endswith("/") else (key, b"")

    def _key(self, name: str) -> bytes:
        return self._prefix + name.encode()

    def _name(self, key: bytes) -> str:
        return _text(key[len(self._prefix) :])

    def _change(self, event: Any) -> Change:
        value = None if event.type == _DELETED else _text(event.kv.value)
        return Change(self._name(event.kv.key), value, event.kv.mod_revision)


def _item(kv: Any) -> Item:
    return Item(_text(kv.value), kv.mod_revision, kv.create_revision, kv.lease)


def _text(stored: bytes) -> str:
    """Others may write bytes that are no text below our prefix: they must not hide the keys beside them."""
    return stored.decode(errors="backslashreplace")


def _after_all(prefix: bytes) -> bytes:
    """The least key that is greater than all with this prefix."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else b"\0"
