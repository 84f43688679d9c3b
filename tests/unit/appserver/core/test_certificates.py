"""When a certificate ends, read from its file; and what is said of those that end soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from appserver.core.certificates import ends, finding
from tests.lab.certs import Authority

NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)


def test_the_end_is_that_of_the_certificate(tmp_path: Path) -> None:
    """As another reader has it: in this century and, written in another form, from 2050 on."""
    authority = Authority(tmp_path)
    for days in (-3, 12, 365, 36_500):
        text = authority.issue("agent", days=days)[0].read_text()
        assert ends(text) == x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc
    assert ends(authority.path.read_text()).year > 2000


def test_a_chain_ends_with_the_first_of_its_certificates(tmp_path: Path) -> None:
    """Whichever stands first; what stands between them is let be."""
    authority = Authority(tmp_path)
    texts = [authority.issue("serve", days=days)[0].read_text() for days in (90, 9, 900)]
    assert ends("subject: x\n".join(texts)) == ends(texts[1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB",
    ],
)
def test_what_is_no_certificate(text: str) -> None:
    """Is told as such, whatever it is."""
    with pytest.raises(ValueError, match="no certificate that can be read"):
        ends(text)


def test_no_cut_of_a_certificate_is_more_than_unreadable(tmp_path: Path) -> None:
    """A file that is being written, or was damaged."""
    text = Authority(tmp_path).issue("agent")[0].read_text()
    begin, *lines, end = text.splitlines()
    whole = ends(text)
    for count in range(len(lines)):
        try:
            assert ends("\n".join((begin, *lines[:count], end))) == whole
        except ValueError as error:
            assert "no certificate" in str(error)  # one of two answers is right


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ({"a.crt": 365.0, "b.crt": 30.0}, (True, "none ends within 30 days")),
        ({"a.crt": 365.0, "b.crt": 29.9}, (False, "b.crt ends in 29 days")),
        ({"a.crt": 12.5, "b.crt": 1.5}, (False, "b.crt ends in 1 day, a.crt ends in 12 days")),
        ({"a.crt": 0.5}, (False, "a.crt ends in less than a day")),
        ({"a.crt": 0.0, "b.crt": -40}, (False, "b.crt ended on 2026-10-12, a.crt ended on 2026-11-21")),
    ],
)
def test_those_that_end_soon_are_named(left: dict[str, float], told: tuple[bool, str]) -> None:
    """The first of them first, and in how many whole days."""
    assert finding({name: NOW + timedelta(days=days) for name, days in left.items()}, NOW) == told
