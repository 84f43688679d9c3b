"""Certificates of the site's authority: what one says, how one is asked for, and a new one. No files here."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATED = datetime.timedelta(minutes=5)
"""Hosts whose clocks differ a little must take a new certificate at once."""


@dataclass(frozen=True)
class Wanted:
    """What a certificate is to say. `names` are DNS names and addresses; without an authority it is one itself."""

    subject: str
    names: tuple[str, ...]
    days: int
    renew_days: int


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, PEM."""

    certificate: bytes
    key: bytes


def why_not(have: Pair, wanted: Wanted, authority: bytes, now: datetime.datetime) -> str:
    """Why the pair cannot stay, in a few words; empty when it can. `authority` is a certificate, PEM, or empty.

    A pair whose authority is not known (empty) is judged by all else.
    """
    if not (have.certificate and have.key):
        return "there is none"
    try:
        certificate = x509.load_pem_x509_certificate(have.certificate)
        key = serialization.load_pem_private_key(have.key, None)
    except ValueError:
        return "the files cannot be read"
    if _public(key) != _public(certificate):
        return "key and certificate do not belong together"
    if certificate.subject != _name(wanted.subject):
        return "another subject"
    if _names(certificate) != set(wanted.names):
        return "other names"
    if authority and not _signed_by(certificate, x509.load_pem_x509_certificate(authority)):
        return "another authority"
    left = _ends(certificate) - now
    return f"{max(left.days, 0)} days are left" if left < datetime.timedelta(days=wanted.renew_days) else ""


def new_key() -> bytes:
    """A private key (P-256), PEM, PKCS8."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def request(key: bytes, subject: str) -> bytes:
    """A request for a certificate, PEM, which proves that who asks holds the key."""
    asking = x509.CertificateSigningRequestBuilder().subject_name(_name(subject))
    return asking.sign(_private(key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def sign(asked: bytes, wanted: Wanted, authority: Pair, now: datetime.datetime) -> bytes:
    """The certificate, PEM, of the key in the request. What it says is `wanted`; the request is believed nothing else.

    Raises:
        ValueError: the request is none, or is not signed with its own key.
    """
    found = x509.load_pem_x509_csr(asked)
    if not found.is_signature_valid:
        raise ValueError("the request is not signed with its own key")
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _builder(wanted, found.public_key(), issuer.subject, issuer.public_key(), now)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
    if wanted.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(_general(wanted.names)), critical=False)
    return builder.sign(_private(authority.key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def authority(wanted: Wanted, now: datetime.datetime) -> Pair:
    """A new authority: a key and a certificate that it signed itself."""
    key = new_key()
    private = _private(key)
    public = private.public_key()
    builder = _builder(wanted, public, _name(wanted.subject), public, now)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return Pair(builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), key)


def describe(certificate: bytes) -> str:
    """A few lines about a certificate, for a difference that people read."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
    except ValueError:
        return ""
    names = ", ".join(sorted(_names(found)))
    return f"subject: {found.subject.rfc4514_string()}\nnames: {names}\nuntil: {_ends(found):%Y-%m-%d}\n"


def _builder(
    wanted: Wanted, key: object, issuer: x509.Name, issuer_key: object, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(wanted.subject))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=wanted.days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        .add_extension(_key_usage(is_authority=key is issuer_key), critical=True)
    )


def _private(key: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    return serialization.load_pem_private_key(key, None)


def _name(subject: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])


def _general(names: tuple[str, ...]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in extension.value}


def _public(holder: x509.Certificate | ec.EllipticCurvePrivateKey) -> bytes:
    return holder.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    algorithm = certificate.signature_hash_algorithm
    if certificate.issuer != authority.subject or algorithm is None:
        return False
    key = authority.public_key()
    # An authority of the site's own may be of either kind.
    scheme = (padding.PKCS1v15(), algorithm) if isinstance(key, rsa.RSAPublicKey) else (ec.ECDSA(algorithm),)
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, *scheme)
    except InvalidSignature:
        return False
    return True


def _ends(certificate: x509.Certificate) -> datetime.datetime:
    """Aware, whichever release of the library the host has."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def _key_usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=is_authority, crl_sign=is_authority,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
