"""A watch that outlives its connection: it remembers where it was and goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Lock
from typing import Any

from appserver.adapters.etcd_channel import Channel, Stream
from appserver.adapters.etcd_errors import Refused
from appserver.adapters.etcd_messages import message, method
from appserver.errors import Compacted, StoreError
from appserver.ports import Change

_FIRST_PAUSE_S = 0.05
_LAST_PAUSE_S = 1.0


class EtcdWatch:
    """See `ports.Watch`. Raises, from iteration, Compacted; or a StoreError where asking again cannot help."""

    def __init__(
        self, channel: Channel, key: bytes, range_end: bytes, after: int, change: Callable[[Any], Change]
    ) -> None:
        """`change` makes a Change of an etcd event."""
        self._channel = channel
        self._key = key
        self._range_end = range_end
        self._next = after + 1
        self._change = change
        self._closed = Event()
        self._lock = Lock()
        self._stream: Stream | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._refused = False
        self._cluster = 0

    def __iter__(self) -> Iterator[Change]:
        while not self._ended():
            try:
                yield from self._follow()
            except Compacted:
                raise
            except Refused:
                if self._refused:
                    raise
                self._refused = True
                self._channel.forget_login()  # etcd 3.4 says "permission denied" of a token that ran out
            except StoreError:
                if self._ended():
                    return
            # Nothing was lost: the next stream starts after the last change that was handed on.
            self._closed.wait(self._pause_s)
            self._pause_s = min(self._pause_s * 2, _LAST_PAUSE_S)

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            if self._stream is not None:
                self._stream.cancel()

    def _ended(self) -> bool:
        return self._closed.is_set() or self._channel.closed.is_set()

    def _follow(self) -> Iterator[Change]:
        """Changes of one stream, until it ends or breaks."""
        over = Event()
        stream = self._channel.stream(method("Watch", "Watch"), self._requests(over))
        try:
            with self._lock:
                if self._closed.is_set():
                    return
                self._stream = stream
            for response in stream:
                if response.canceled and not response.compact_revision:
                    raise stream.refusal(response.cancel_reason)
                yield from self._read(response)
        finally:
            over.set()
            stream.cancel()

    def _requests(self, over: Event) -> Iterator[Any]:
        """The one request, then silence: the end of the requests would end the watch behind a proxy of etcd."""
        request = message("WatchRequest")()
        create = request.create_request
        create.key, create.range_end, create.start_revision = self._key, self._range_end, self._next
        create.progress_notify = True
        yield request
        over.wait()

    def _read(self, response: Any) -> Iterator[Change]:
        if response.compact_revision:
            raise Compacted(f"changes from revision {self._next} on were compacted up to {response.compact_revision}")
        if response.created:
            self._pause_s = _FIRST_PAUSE_S
            self._refused = False
            self._check_same_store(response.header)
            return
        for event in response.events:
            yield self._change(event)
        if response.events:
            # Not the header's revision: while the watch catches up, that is ahead of the events.
            self._next = response.events[-1].kv.mod_revision + 1
        else:
            self._next = max(self._next, response.header.revision + 1)

    def _check_same_store(self, header: Any) -> None:
        """A store restored from a backup counts on from an older revision: what was seen may never have been."""
        if self._cluster not in (0, header.cluster_id):
            raise Compacted("another cluster answers, restored from a backup perhaps: list again")
        self._cluster = header.cluster_id
        if header.revision >= self._next - 1:
            return
        # This member may only lag behind; a linearizable read asks the cluster.
        request = message("RangeRequest")(key=self._key, range_end=self._range_end, limit=1, keys_only=True)
        newest = self._channel.call(method("KV", "Range"), request, repeatable=True).header.revision
        if newest < self._next - 1:
            raise Compacted(f"the store is at revision {newest}, before {self._next - 1}, which was seen: list again")
