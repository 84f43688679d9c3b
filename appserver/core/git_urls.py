"""Which remote repositories may be named: https and ssh, with the secret kept apart from the URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from appserver.core.addresses import PORTS, Endpoint, Outgoing, endpoint, redacted, split_url
from appserver.errors import Invalid

_SCP = re.compile(r"(?P<user>[A-Za-z0-9_.-]+)@(?P<host>[A-Za-z0-9.-]+):(?P<path>[^:/].*)")
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_PATH = re.compile(r"/?[A-Za-z0-9_~.][A-Za-z0-9_.~+@/%-]*")


@dataclass(frozen=True, slots=True)
class GitUrl:
    """A URL that git may be given, and where it leads. `user` is empty but for ssh."""

    text: str
    endpoint: Endpoint
    user: str = ""


def parse(url: str, rule: Outgoing, where: str = "url") -> GitUrl:
    """
    Raises:
        Invalid: anything but `https://host[:port]/path`, `ssh://[user@]host[:port]/path` and `user@host:path`.
    """
    if url.startswith("-") or _HELPER.match(url):
        raise Invalid(where, "is no URL but an option or a transport of git")
    scp = _SCP.fullmatch(url) if "://" not in url else None
    if scp:
        parts = urlsplit(f"ssh://{scp['host']}")
        path, user = scp["path"], scp["user"]
    else:
        parts = split_url(url, where, ("https", "ssh"))
        path, user = parts.path, parts.username or ""
    if parts.password is not None or (parts.scheme == "https" and parts.username is not None):
        raise Invalid(where, f"{redacted(url)}: user and password are given apart, as `username` and `credential`")
    if parts.query or parts.fragment:
        raise Invalid(where, "a repository's URL has no ? and no #")
    if user and not _USER.fullmatch(user):
        raise Invalid(where, "the user is 1 to 64 of A-Z a-z 0-9 _ . - and does not begin with - or .")
    if not _PATH.fullmatch(path) or path.strip("/") == "":
        raise Invalid(where, "the path is to name a repository, in A-Z a-z 0-9 _ . ~ + @ % / -")
    return GitUrl(url, endpoint(parts, where, rule), user)


def pinned(url: GitUrl, addresses: Sequence[str]) -> str:
    """`host:port:address,address`, as curl's CURLOPT_RESOLVE takes it: no name is looked up again."""
    literals = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
    return f"{url.endpoint.host}:{url.endpoint.port}:{literals}"


def known_host(url: GitUrl) -> str:
    """The host as a line of known_hosts names it."""
    host, port = url.endpoint.host, url.endpoint.port
    return host if port == PORTS["ssh"] else f"[{host}]:{port}"
