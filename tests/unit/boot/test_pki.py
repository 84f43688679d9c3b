"""Certificates of the installation's own authority."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.boot.plugins import plugin

pki: Any = plugin("module_utils/pki.py")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
AUTHORITY = pki.Wanted("authority", (), days=3650, renew_days=60)
MEMBER = pki.Wanted("etcd", ("boot-0", "198.18.0.10", "127.0.0.1"), days=397, renew_days=60)


@pytest.fixture(scope="module")
def authority() -> Any:
    return pki.issue(AUTHORITY, None, NOW)


@pytest.fixture(scope="module")
def member(authority: Any) -> Any:
    return pki.issue(MEMBER, authority, NOW)


def test_new_pairs_can_stay(authority: Any, member: Any) -> None:
    """What was just made is what was wanted, so a second run changes nothing."""
    assert pki.why_not(authority, AUTHORITY, b"", NOW) == ""
    assert pki.why_not(member, MEMBER, authority.certificate, NOW) == ""


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (replace(MEMBER, subject="serve"), "another subject"),
        (replace(MEMBER, names=("boot-1", "127.0.0.1")), "other names"),
        (replace(MEMBER, renew_days=398), "397 days are left"),
    ],
)
def test_what_was_not_wanted_is_renewed(authority: Any, member: Any, wanted: Any, why: str) -> None:
    """A certificate that says something else, or ends soon, does not stay; the reason is told."""
    assert pki.why_not(member, wanted, authority.certificate, NOW) == why


def test_the_end_is_foreseen(authority: Any, member: Any) -> None:
    """A certificate is renewed before it ends, and one that has ended does not count negative days."""
    assert pki.why_not(member, MEMBER, authority.certificate, NOW + timedelta(days=340)) == "57 days are left"
    assert pki.why_not(member, MEMBER, authority.certificate, NOW + timedelta(days=500)) == "0 days are left"


def test_another_authority_renews_all(member: Any) -> None:
    """With a new authority everything is signed anew, though its name is the same."""
    other = pki.issue(AUTHORITY, None, NOW)
    assert pki.why_not(member, MEMBER, other.certificate, NOW) == "another authority"


def test_a_foreign_key_is_noticed(authority: Any, member: Any) -> None:
    """A key that does not belong to the certificate is not kept beside it."""
    other = pki.issue(MEMBER, authority, NOW)
    mixed = pki.Pair(member.certificate, other.key)
    assert pki.why_not(mixed, MEMBER, authority.certificate, NOW) == "key and certificate do not belong together"


@pytest.mark.parametrize("have", [pki.Pair(b"", b""), pki.Pair(b"text", b"text")])
def test_files_that_are_missing_or_broken_are_made_anew(authority: Any, have: Any) -> None:
    """An empty or spoilt file is a reason, not an error."""
    assert pki.why_not(have, MEMBER, authority.certificate, NOW) in ("there is none", "the files cannot be read")


def test_a_difference_tells_no_key(member: Any) -> None:
    """What is shown of a certificate is what people compare, and nothing secret."""
    assert pki.describe(member.certificate) == (
        "subject: CN=etcd\nnames: 127.0.0.1, 198.18.0.10, boot-0\nuntil: 2027-12-23\n"
    )
