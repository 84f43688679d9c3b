"""What etcd's refusals mean: one table from its words to our errors, each with a sentence that says what to do."""

from __future__ import annotations

from appserver.errors import AppServerError, Compacted, Denied, LeadershipLost, StoreError, TooLarge


class NotDone(StoreError):
    """The request was not carried out, for certain: it never left, or it was refused before any member acted on it."""


class Unknown(StoreError):
    """The request went out and no answer came back: it may have been carried out."""


class NoLeader(NotDone):
    """The member is up, its cluster is not."""


class StaleLogin(NotDone):
    """The token is no longer good: log in again."""


class Refused(Denied):
    """This user may not, or is not known."""


class AuthIsOff(StoreError):
    """The cluster takes no log-ins: it lets everybody."""


_FULL = (
    "etcd's disk quota is used up (NOSPACE), it refuses every write: compact and defragment it or raise its "
    "--quota-backend-bytes, then run `etcdctl alarm disarm`"
)
_NO_QUORUM = (
    "etcd has no leader: more than half of its members are down or cut off from each other; start them, "
    "`etcdctl endpoint status --cluster` shows which are missing"
)
_TOO_SLOW = (
    "etcd did not finish in time; if this lasts, its disk is slow, or more than half of its members are down: "
    "`etcdctl endpoint status --cluster` tells"
)
_UNREACHED = "etcd cannot be reached: see that it runs, and that its address and certificates are right"
_STALE = "etcd asks for a user and a password, or for a new log-in"
_FORBIDDEN = "etcd does not let this user: grant it a role that covers the keys"

_MEANINGS: tuple[tuple[str, type[AppServerError], str], ...] = (
    ("requested lease not found", LeadershipLost, "the lease ended"),
    ("revision has been compacted", Compacted, "the revision asked for was compacted: list again and watch from there"),
    ("database space exceeded", StoreError, _FULL),
    ("no leader", NoLeader, _NO_QUORUM),
    ("too many requests", NotDone, "etcd is overloaded: try again later"),
    ("request timed out", Unknown, _TOO_SLOW),
    ("request is too large", TooLarge, "the transaction is larger than etcd takes (--max-request-bytes)"),
    ("message larger than max", TooLarge, "the transaction is larger than etcd takes (--max-request-bytes)"),
    ("too many operations", TooLarge, "the transaction has more operations than etcd takes (--max-txn-ops)"),
    ("invalid auth token", StaleLogin, _STALE),
    ("revision of auth store is old", StaleLogin, _STALE),
    ("user name is empty", StaleLogin, _STALE),
    ("authentication is not enabled", AuthIsOff, "etcd does not ask for a log-in"),
    ("authentication failed", Refused, "etcd refused this user or password"),
    ("permission denied", Refused, _FORBIDDEN),
    ("failed to connect to all addresses", NotDone, _UNREACHED),
)
"""A piece of etcd's (or, for the last, gRPC's) text, the error it stands for, what it means to a person."""

_BY_STATUS: dict[str, tuple[type[StoreError], str]] = {
    "UNAVAILABLE": (Unknown, "the connection to etcd was lost before it answered"),
    "DEADLINE_EXCEEDED": (Unknown, "etcd did not answer in time"),
    "CANCELLED": (Unknown, "the request was cut off"),
}
"""For texts that are not in the table."""


def meaning(status: str, text: str, where: str) -> AppServerError:
    """The error for an answer of status name `status` with etcd's own `text`, from the member at `where`."""
    for piece, kind, sentence in _MEANINGS:
        if piece in text:
            return kind(f"{sentence} ({where}: {text})")
    fallback, sentence = _BY_STATUS.get(status, (StoreError, "etcd refused the request"))
    return fallback(f"{sentence} ({where}: {status} {text})")
