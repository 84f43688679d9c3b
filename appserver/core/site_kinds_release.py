"""Kinds of values of the site's configuration that are about releases. No reason repeats a value."""

from __future__ import annotations

import re
from ipaddress import ip_network

from appserver.core import git_urls, release_freeze
from appserver.core.addresses import Outgoing
from appserver.core.secrets import MASK
from appserver.core.site_kinds import Kind
from appserver.errors import Invalid

MOST_LINES, LONGEST = 200, 16_384
_ANYWHERE = Outgoing(tuple(ip_network(text) for text in ("0.0.0.0/0", "::/0")))
"""Where a URL may lead is judged when it is followed; here, how it is written."""
_SIGNER = re.compile(
    r"[^\s#][^\s]{0,511} +(?:\S+ +)?(?:ssh|sk-ssh|ecdsa|sk-ecdsa)-[a-z0-9@.-]+ +[A-Za-z0-9+/=]{40,}(?: .*)?"
)
_KNOWN = re.compile(r"(?:@[a-z-]+ +)?[^\s#][^\s]{0,1023} +[a-z0-9@.-]+ +[A-Za-z0-9+/=]{40,}(?: .*)?")
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{40,}\n-----END [A-Z ]*PRIVATE KEY-----\n?")


def _repository(text: str) -> str:
    git_urls.parse(text, _ANYWHERE, "")
    return text


def _freezes(text: str) -> str:
    release_freeze.read(text)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _signers(text: str) -> str:
    return _lines(text, _SIGNER, "is no line of allowed_signers: who, then type and text of a public key")


def _known_hosts(text: str) -> str:
    return _lines(text, _KNOWN, "is no line of known_hosts: host, then type and text of its key")


def _lines(text: str, pattern: re.Pattern[str], why: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not 1 <= len(lines) <= MOST_LINES:
        raise Invalid("", f"is 1 to {MOST_LINES} lines")
    for at, line in enumerate(lines, 1):
        if len(line) > LONGEST or not line.isprintable() or not pattern.fullmatch(line):
            raise Invalid(f"line {at}" if len(lines) > 1 else "", why)
    return "\n".join(lines)


def _private_key(text: str) -> str:
    if len(text) > LONGEST or not _PRIVATE.fullmatch(text := text.replace("\r\n", "\n").strip() + "\n"):
        raise Invalid("", "is no private key as ssh-keygen writes it")
    return text


def _same(text: str) -> str:
    return text


def _never(_: str) -> bool:
    """None of them is secret."""
    return False


REPOSITORY = Kind("git repository", "https://github.com/example/releases.git", _repository, _repository, _same, _never)
SIGNERS = Kind(
    "lines of allowed_signers", "anna@example.com ssh-ed25519 AAAA…", _signers, _signers, _same, _never, lines=True
)
KNOWN_HOSTS = Kind(
    "lines of known_hosts", "github.com ssh-ed25519 AAAA…", _known_hosts, _known_hosts, _same, _never, lines=True
)
FREEZE = Kind("freezes", "2026-12-20..2027-01-05 Turn of the year", _freezes, _freezes, _same, _never, lines=True)
PRIVATE_KEY = Kind("secret", "…", _private_key, _private_key, lambda _: MASK, lambda _: True, lines=True)
