"""etcd's words, and what they become."""

import pytest

from appserver.adapters.etcd_errors import NotDone, Refused, StaleLogin, Unknown, meaning
from appserver.errors import AppServerError, Compacted, LeadershipLost, StoreError, TooLarge


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        ("NOT_FOUND", "etcdserver: requested lease not found", LeadershipLost),
        ("OUT_OF_RANGE", "etcdserver: mvcc: required revision has been compacted", Compacted),
        ("RESOURCE_EXHAUSTED", "etcdserver: mvcc: database space exceeded", StoreError),
        ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (3000018 vs. 2097152)", TooLarge),
        ("INVALID_ARGUMENT", "etcdserver: request is too large", TooLarge),
        ("INVALID_ARGUMENT", "etcdserver: too many operations in txn request", TooLarge),
        ("UNAVAILABLE", "etcdserver: no leader", NotDone),
        ("UNAVAILABLE", "etcdserver: request timed out", Unknown),
        ("UNAVAILABLE", "failed to connect to all addresses; last error: refused", NotDone),
        ("UNAVAILABLE", "Stream removed (sendmsg: Broken pipe (32))", Unknown),
        ("DEADLINE_EXCEEDED", "Deadline Exceeded", Unknown),
        ("UNAUTHENTICATED", "etcdserver: invalid auth token", StaleLogin),
        ("INVALID_ARGUMENT", "etcdserver: user name is empty", StaleLogin),
        ("PERMISSION_DENIED", "etcdserver: permission denied", Refused),
        ("INVALID_ARGUMENT", "etcdserver: authentication failed, invalid user ID or password", Refused),
        ("INTERNAL", "anything else", StoreError),
    ],
)
def test_etcds_words_become_the_error_that_says_what_happened(
    status: str, text: str, kind: type[AppServerError]
) -> None:
    """The kind decides what is tried again; the text keeps etcd's own words and says which member spoke."""
    found = meaning(status, text, "h:2379")
    assert type(found) is kind or (kind is NotDone and isinstance(found, NotDone))
    assert text in str(found)
    assert "h:2379" in str(found)


def test_only_what_certainly_did_nothing_counts_as_not_done() -> None:
    """A write is sent again only after these; a text not in the table is never one of them."""
    assert not isinstance(meaning("UNAVAILABLE", "a text of tomorrow's gRPC", "h:2379"), NotDone)
    assert issubclass(StaleLogin, NotDone)
    assert not issubclass(Unknown, NotDone)
