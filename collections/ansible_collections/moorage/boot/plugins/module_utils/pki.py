"""Certificates of the installation's own authority: what one says, and a new one. No files here."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
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
    """Why the pair cannot stay, in a few words; empty when it can. `authority` is a certificate, PEM, or empty."""
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


def issue(wanted: Wanted, authority: Pair | None, now: datetime.datetime) -> Pair:
    """A new key (P-256) and its certificate, signed by the authority, or by itself where there is none."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer, issuer = key, _name(wanted.subject)
    if authority:
        signer = serialization.load_pem_private_key(authority.key, None)
        issuer = x509.load_pem_x509_certificate(authority.certificate).subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(wanted.subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + datetime.timedelta(days=wanted.days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_key_usage(is_authority=authority is None), critical=True)
    )
    if authority is None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    else:
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
    if wanted.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(_general(wanted.names)), critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def describe(certificate: bytes) -> str:
    """A few lines about a certificate, for a difference that people read."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
    except ValueError:
        return ""
    names = ", ".join(sorted(_names(found)))
    return f"subject: {found.subject.rfc4514_string()}\nnames: {names}\nuntil: {_ends(found):%Y-%m-%d}\n"


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
    try:
        authority.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(algorithm))
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
