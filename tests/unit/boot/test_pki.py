"""Certificates of the installation's own authority."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID

from tests.unit.boot.plugins import plugin

pki: Any = plugin("module_utils/pki.py")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
AUTHORITY = pki.Wanted("authority", (), days=3650, renew_days=60)
MEMBER = pki.Wanted("etcd", ("boot-0", "198.18.0.10", "127.0.0.1"), days=397, renew_days=60)


@pytest.fixture(scope="module")
def authority() -> Any:
    return pki.authority(AUTHORITY, NOW)


@pytest.fixture(scope="module")
def member(authority: Any) -> Any:
    return issue(authority)


def load(pair: Any) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate)


def issue(authority: Any) -> Any:
    """A pair of which the key never was where the authority is."""
    key = pki.new_key()
    return pki.Pair(pki.sign(pki.request(key, "etcd"), MEMBER, authority, NOW), key)


def test_new_pairs_can_stay(authority: Any, member: Any) -> None:
    """What was just made is what was wanted, so a second run changes nothing."""
    assert pki.why_not(authority, AUTHORITY, b"", NOW) == ""
    assert pki.why_not(member, MEMBER, authority.certificate, NOW) == ""


def test_others_take_what_the_authority_signed(authority: Any, member: Any) -> None:
    """A verifier that knows the authority alone lets the member in, as a server and as a client."""
    known = verification.PolicyBuilder().time(NOW).store(verification.Store([load(authority)]))
    known.build_server_verifier(x509.DNSName("boot-0")).verify(load(member), [])
    known.build_client_verifier().verify(load(member), [])


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
    other = pki.authority(AUTHORITY, NOW)
    assert pki.why_not(member, MEMBER, other.certificate, NOW) == "another authority"


def test_a_foreign_key_is_noticed(authority: Any, member: Any) -> None:
    """A key that does not belong to the certificate is not kept beside it."""
    other = issue(authority)
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


def test_a_request_of_a_foreign_key_is_refused(authority: Any) -> None:
    """Nobody gets a certificate for a key that they do not hold."""
    mine, theirs = pki.request(pki.new_key(), "etcd"), pki.request(pki.new_key(), "etcd")
    body, other = (x509.load_pem_x509_csr(one).public_bytes(Encoding.DER) for one in (mine, theirs))
    forged = x509.load_der_x509_csr(body[:-60] + other[-60:]).public_bytes(Encoding.PEM)
    with pytest.raises(ValueError, match=r"not signed|could not|error"):
        pki.sign(forged, MEMBER, authority, NOW)


def test_what_the_request_says_is_not_believed(authority: Any) -> None:
    """The certificate says what the playbook wants, whatever name the host asked for."""
    signed = pki.sign(pki.request(pki.new_key(), "root"), MEMBER, authority, NOW)
    assert "subject: CN=etcd\n" in pki.describe(signed)


def test_an_authority_of_the_sites_own_may_have_an_rsa_key() -> None:
    """Certificates that it signed are known as its own."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Site")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=999))
    own = pki.Pair(
        made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    assert pki.why_not(issue(own), MEMBER, own.certificate, NOW) == ""
