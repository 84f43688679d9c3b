"""What may be a part of a key. Each check answers with what it was given, or how that is to stand in the key.

Raises, all of them:
    Invalid: says which part.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from appserver.core.entities import AppKey
from appserver.errors import Invalid

NAME = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?")
RESERVED = frozenset({"_ping", "con", "nul", "prn", "aux", "all", "orphans"})
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}")


def check_name(name: str, what: str) -> str:
    """The name itself, if keys may be made of it.

    Raises:
        Invalid: `where` is `what`.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Invalid(what, "names are 1 to 63 of a-z 0-9 _ . - and begin and end with a letter or digit")
    if name in RESERVED:
        raise Invalid(what, f"{name} is a reserved name")
    return name


def check_app(key: AppKey) -> AppKey:
    """Cluster and application names have no dot besides the rule for names.

    The dot parts them in `desired/<node>/<cluster>.<app>`, and Compose allows none in a project's name.
    """
    for name, what in ((key.cluster, "cluster"), (key.name, "name")):
        check_name(name, what)
        if "." in name:
            raise Invalid(what, f"{name}: no dots here, because the compose project takes this name")
    return key


def check_container(name: str) -> str:
    """Docker's own rule: upper case may be in it, a slash cannot."""
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}", name):
        raise Invalid("container", f"{name!r} is not a container's name")
    return name


def check_package(name: str) -> str:
    """Debian policy 5.6.1, bounded."""
    if not _PACKAGE.fullmatch(name):
        raise Invalid("package", f"{name!r} is not a Debian package's name")
    return name


def check_address(text: str) -> str:
    """As it is written shortest, so that one address is one key."""
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise Invalid("address", f"{text[:80]!r} is no IP address") from error


def check_id(text: str, what: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{8,64}", text):
        raise Invalid(what, "ids are 8 to 64 of 0-9 a-f")
    return text
