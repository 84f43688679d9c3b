"""Where this program may connect to on somebody's word: public addresses, and the networks a setting names.

Two checks, both needed: the URL as it is written, before anything is looked up, and every address its host has,
after. The connection is then made to a checked address, so that a name cannot change its mind in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from appserver.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = {"https": 443, "http": 80, "ssh": 22, "smtp": 25, "smtps": 465, "starttls": 587}
MAX_URL = 2048
_CHARS = re.compile(r"[!#-&(-;=?-\[\]_a-z~]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"\d+|0x[0-9a-f]*")
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_NAT64 = ip_network("64:ff9b::/96")
_WORDS = (
    ("is_loopback", "loopback"),
    ("is_unspecified", "the unspecified address"),
    ("is_link_local", "link-local"),
    ("is_multicast", "multicast"),
    ("is_private", "in a private network"),
    ("is_reserved", "reserved"),
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`allowed` are networks besides the public internet that may be reached."""

    allowed: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Host and port as a checked URL names them. `host` is lower case; a v6 address is without brackets."""

    scheme: str
    host: str
    port: int


def outgoing(networks: Iterable[str]) -> Outgoing:
    """From a setting's texts, such as `10.0.0.0/8` or `192.168.1.7`.

    Raises:
        Invalid: one of them is no network.
    """
    allowed = []
    for text in networks:
        try:
            allowed.append(ip_network(text.strip(), strict=False))
        except ValueError as error:
            raise Invalid("networks", f"{text!r} is not a network such as 10.0.0.0/8") from error
    return Outgoing(tuple(allowed))


def split_url(url: str, where: str, schemes: tuple[str, ...]) -> SplitResult:
    """The URL's parts. What is refused here could be read one way by us and another by who follows it."""
    if not _CHARS.fullmatch(url) or len(url) > MAX_URL:
        raise Invalid(where, f"a URL is 1 to {MAX_URL} printable ASCII characters without spaces or quotes")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is no port
    except ValueError as error:
        raise Invalid(where, "not a URL: host or port cannot be read") from error
    if parts.scheme not in schemes or not url[len(parts.scheme) :].startswith("://"):
        raise Invalid(where, f"only {' and '.join(schemes)} are allowed here")
    return parts


def endpoint(parts: SplitResult, where: str, rule: Outgoing) -> Endpoint:
    """Host and port; a host that is an address is checked like a resolved one."""
    host = check_host(parts.hostname or "", where)
    if _literal(host) is not None:
        check_addresses(host, (host,), where, rule)
    if parts.port == 0:
        raise Invalid(where, "0 is no port")
    return Endpoint(parts.scheme, host, parts.port or PORTS[parts.scheme])


def check_host(host: str, where: str) -> str:
    """The host in lower case, if it is a DNS name or an address in its usual form.

    Decimal, octal, hexadecimal and shortened IPv4 forms are refused rather than understood: those who resolve
    them do not agree on what they mean.
    """
    host = host.lower().removesuffix(".")
    if _literal(host) is not None:
        return host
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Invalid(where, "the host is neither a DNS name nor an address")
    if _NUMERIC.fullmatch(labels[-1]):
        raise Invalid(where, "an IPv4 address is written as four decimal numbers without leading zeros")
    return host


def check_addresses(host: str, found: Iterable[str], where: str, rule: Outgoing) -> tuple[str, ...]:
    """The addresses a host resolved to, if every one of them may be reached.

    One bad address among good ones refuses all: a name that answers both ways is not to be trusted with either.
    """
    checked = tuple(found)
    if not checked:
        raise Invalid(where, f"{host} has no address")
    for text in checked:
        why = refusal(ip_address(text.partition("%")[0]), rule)
        if why:
            told = text if text == host else f"{host} is at {text}, which"
            raise Invalid(where, f"{told} is {why}; the setting `networks` may permit it")
    return checked


def refusal(address: Address, rule: Outgoing) -> str | None:
    """Why an address may not be reached, or None. A v4 address within a v6 one counts as itself."""
    address = _innermost(address)
    if any(address.version == network.version and address in network for network in rule.allowed):
        return None
    for attribute, word in _WORDS:
        if getattr(address, attribute):
            return word
    return None if address.is_global else "not a public address"


def redacted(text: str) -> str:
    """The text with the user part of every URL in it hidden."""
    return _USERINFO.sub("***@", text)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _innermost(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address.teredo:
            return address.teredo[1]
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if int(address) >> 32 == 0 and int(address) > 1:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
