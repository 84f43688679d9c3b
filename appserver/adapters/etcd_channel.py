"""Connections to the members of one etcd cluster: which member is asked, for how long, as whom.

One member is asked at a time. When it fails (unreachable, silent, cut off from its leader) the next
one is. gRPC's own choice among several addresses would stay with a member that is connected to us
but not to its cluster, and would check every member's certificate against one name.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Lock
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read once, at import: our errors carry what it would print

import grpc

from appserver.adapters.etcd_endpoint import TLS, Member, member_of
from appserver.adapters.etcd_errors import AuthIsOff, NoLeader, NotDone, Refused, StaleLogin, Unknown, meaning
from appserver.adapters.etcd_messages import Method, method
from appserver.errors import AppServerError, Invalid, StoreError

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 0),  # etcd cuts off who pings it without a call under way
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.min_reconnect_backoff_ms", 2_000),  # despite its name: how long one attempt to connect may take
    ("grpc.enable_http_proxy", 0),
)

_LEADER_ONLY = (("hasleader", "true"),)
"""Makes a member that is cut off from its cluster refuse, where it would stay silent."""

_FIRST_PAUSE_S = 0.05
_LAST_PAUSE_S = 0.5


class Stream:
    """Answers of one streaming call; ends, or raises a StoreError. `cancel` ends it from any thread."""

    def __init__(self, channel: Channel, member: Member, call: Any) -> None:
        self._channel = channel
        self._member = member
        self._call = call

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._call
        except grpc.RpcError as e:
            raise self._channel.failed(self._member, e.code().name, e.details()) from e
        finally:
            self._call.cancel()

    def refusal(self, reason: str) -> AppServerError:
        """The error for a refusal that came as an answer."""
        return self._channel.failed(self._member, "", reason)

    def cancel(self) -> None:
        self._call.cancel()


class Channel:
    """Calls to a cluster, from any thread. Nothing is connected before the first call."""

    def __init__(
        self, endpoints: Sequence[str], tls: TLS | None, user: str | None, password: str | None, timeout_s: float
    ) -> None:
        self.closed = Event()
        self._timeout_s = timeout_s
        self._user = user
        self._password = password
        self._token: str | None = None
        self._credentials = tls
        self._members = tuple(member_of(endpoint, tls) for endpoint in endpoints)
        if not self._members:
            raise Invalid("endpoints", "name at least one etcd endpoint")
        self._current = 0
        self._lock = Lock()
        self._login_lock = Lock()

    def call(self, what: Method, request: Any, *, repeatable: bool, timeout_s: float | None = None) -> Any:
        """The answer to one request, within a deadline.

        What certainly was not carried out is tried again, at another member if there is one, until
        the deadline. What may have been carried out is tried again only where `repeatable`.
        """
        deadline = time.monotonic() + (timeout_s or self._timeout_s)
        share = 0.5 if repeatable and len(self._members) > 1 else 1.0  # leave time to ask another member
        tries = 0
        told: StoreError | None = None
        while True:
            try:
                return self._once(what, request, (deadline - time.monotonic()) * share)
            except (NotDone, Unknown) as e:
                if isinstance(e, Unknown) and not repeatable:
                    raise Unknown(f"whether it was written is not known: {e}") from e
                if isinstance(e, NoLeader) or not isinstance(told, NoLeader):
                    told = e  # "no leader" says more than that another member is down
            tries += 1
            pause_s = _pause_s(tries, len(self._members))
            if time.monotonic() + pause_s >= deadline or self.closed.wait(pause_s):
                raise told

    def stream(self, what: Method, requests: Iterable[Any], timeout_s: float | None = None) -> Stream:
        """A streaming call at the member asked now; a failure moves on to the next, for the caller's next try."""
        member = self._member_now()
        metadata = self._metadata(member, self._timeout_s)
        with _closed_told():
            call = self._open(member).stream_stream(what.path, what.request.SerializeToString, what.response.FromString)
            return Stream(self, member, call(iter(requests), timeout=timeout_s, metadata=metadata))

    def failed(self, member: Member, status: str, text: str | None) -> AppServerError:
        """The error for a member's answer, after what follows from it was done: another member, another log-in."""
        said = meaning(status, text or "", member.address)
        if isinstance(said, StaleLogin):
            if self._user is None:  # who is known by a certificate has no log-in to renew
                return NotDone(str(said)) if "auth store is old" in (text or "") else Refused(str(said))
            self.forget_login()
        elif isinstance(said, NotDone | Unknown) and status != "CANCELLED":  # that was us
            self._leave(member)
        return said

    def forget_login(self) -> None:
        """The next call logs in anew."""
        self._token = None

    def close(self) -> None:
        """Cut every call and every stream off; further calls raise StoreError."""
        with self._lock:
            self.closed.set()
            for member in self._members:
                if member.channel is not None:
                    member.channel.close()

    def _once(self, what: Method, request: Any, timeout_s: float) -> Any:
        member = self._member_now()
        metadata = self._metadata(member, timeout_s)
        return self._ask(member, what, request, timeout_s, metadata)

    def _ask(
        self, member: Member, what: Method, request: Any, timeout_s: float, metadata: tuple[tuple[str, str], ...]
    ) -> Any:
        try:
            with _closed_told():
                call = self._open(member).unary_unary(
                    what.path, what.request.SerializeToString, what.response.FromString
                )
                return call(request, timeout=max(timeout_s, 0.0), metadata=metadata)
        except grpc.RpcError as e:
            raise self.failed(member, e.code().name, e.details()) from e

    def _metadata(self, member: Member, timeout_s: float) -> tuple[tuple[str, str], ...]:
        token = self._log_in(member, timeout_s) if self._user is not None else ""
        return (*_LEADER_ONLY, ("token", token)) if token else _LEADER_ONLY

    def _log_in(self, member: Member, timeout_s: float) -> str:
        """The token in force; "" where the cluster does not ask for one (yet)."""
        deadline = time.monotonic() + timeout_s
        if not self._login_lock.acquire(timeout=max(timeout_s, 0.0)):
            raise NotDone(f"etcd did not answer a log-in in time ({member.address})")
        try:
            if self._token is None:
                what = method("Auth", "Authenticate")
                request = what.request(name=self._user, password=self._password or "")
                self._token = self._ask(member, what, request, deadline - time.monotonic(), _LEADER_ONLY).token
        except AuthIsOff:
            self._token = ""
        except Unknown as e:
            raise NotDone(f"etcd was asked for a log-in: {e}") from e
        finally:
            self._login_lock.release()
        return self._token or ""

    def _member_now(self) -> Member:
        return self._members[self._current]

    def _leave(self, member: Member) -> None:
        with self._lock:
            if self._members[self._current] is member:
                self._current = (self._current + 1) % len(self._members)

    def _open(self, member: Member) -> Any:
        with self._lock:
            if self.closed.is_set():
                raise StoreError("the etcd client is closed")
            if member.channel is None:
                if member.secure:
                    member.channel = grpc.secure_channel(member.address, _credentials(self._credentials), _OPTIONS)
                else:
                    member.channel = grpc.insecure_channel(member.address, _OPTIONS)
            return member.channel


def _credentials(tls: TLS | None) -> Any:
    if tls is None:
        return grpc.ssl_channel_credentials()
    try:
        key = tls.key.read_bytes() if tls.key else None
        cert = tls.cert.read_bytes() if tls.cert else None
        return grpc.ssl_channel_credentials(tls.ca.read_bytes(), key, cert)
    except OSError as e:
        raise StoreError(f"a certificate file of the etcd client cannot be read: {e}") from e


@contextmanager
def _closed_told() -> Iterator[None]:
    """gRPC has a ValueError for a channel that is closed just before a call."""
    try:
        yield
    except ValueError as e:
        raise StoreError(f"the etcd client is closed ({e})") from e


def _pause_s(tries: int, members: int) -> float:
    """Nothing until every member was asked once more; then twice as long as the last time, up to a limit."""
    rounds, rest = divmod(tries, members)
    return 0.0 if rest else min(_FIRST_PAUSE_S * 2 ** (rounds - 1), _LAST_PAUSE_S)
