"""Kinds of values of the site's configuration: what people write, checked, to the text that is kept, and back.

A reason against a value never repeats it: a password may have been given in the wrong place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appserver.core import cron, durations
from appserver.core.addresses import check_host, split_url
from appserver.core.secrets import MASK
from appserver.errors import Invalid

MOST_TEXT = 65_536
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_PASSWORDS = ({"raw"}, {"hash", "salt"})


@dataclass(frozen=True, slots=True)
class Kind:
    """`keep` makes of what people write the text that is kept, or raises Invalid with an empty place.

    `tell` makes of what is kept what people write, and raises Invalid where it is not of the kind; `show` is that
    without what is secret in it. `sealed` says whether it is to be kept sealed.
    """

    name: str
    example: str
    keep: Callable[[str], str]
    tell: Callable[[str], str]
    show: Callable[[str], str]
    sealed: Callable[[str], bool]
    lines: bool = False
    """Whether it is written over several lines."""
    choices: tuple[str, ...] = ()


def duration(least: str) -> Kind:
    """Nanoseconds in decimal, at least those of `least`."""
    floor = durations.parse(least)

    def keep(text: str) -> str:
        found = durations.parse(text)
        if found < floor:
            raise Invalid("", f"is at least {least}")
        return str(found)

    return _open("duration", "1h30m", keep, _told_duration)


def choice(*among: str) -> Kind:
    def keep(text: str) -> str:
        if text not in among:
            raise Invalid("", f"is one of {', '.join(among)}")
        return text

    return _open("choice", among[0], keep, choices=among)


def shown_url(text: str) -> str:
    """Without the password. What is no URL at all may hold anything."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return MASK
    if parts.password is None:
        return text
    return parts._replace(netloc=f"{parts.username}:{MASK}@{parts.netloc.rpartition('@')[2]}").geturl()


def _told_duration(kept: str) -> str:
    if not re.fullmatch(r"[0-9]{1,19}", kept) or int(kept) > durations.LONGEST:
        raise Invalid("", "is kept as a decimal number of nanoseconds")
    return durations.told(int(kept))


def _url(text: str, webhook: bool = False) -> str:
    parts = split_url(text, "", ("http", "https"))
    check_host(parts.hostname or "", "")
    if parts.port == 0 or parts.fragment:
        raise Invalid("", "a URL here has no fragment and no port 0")
    if webhook and (parts.username is not None or not parts.path.strip("/")):
        raise Invalid("", "the URL of a webhook has a path, and no user")
    return text


def _shown_webhook(text: str) -> str:
    """Whoever knows all of it may write to the channel: without its last part."""
    head, _, _ = text.partition("?")[0].rstrip("/").rpartition("/")
    return f"{head}/{MASK}"


def _cidr(text: str) -> str:
    if not re.fullmatch(r"[0-9.]{7,15}/[0-9]{1,2}", text):
        raise Invalid("", "is no block of IPv4 addresses such as 10.72.32.0/20")
    try:
        return str(IPv4Network(text, strict=False))
    except (AddressValueError, NetmaskValueError) as error:
        raise Invalid("", "is no block of IPv4 addresses such as 10.72.32.0/20") from error


def _crons(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not 1 <= len(lines) <= 100:
        raise Invalid("", "is 1 to 100 lines of cron")
    for number, line in enumerate(lines, 1):
        cron.parse(line, f"line {number}" if len(lines) > 1 else "")
    return "\n".join(lines)


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid("", "is no time zone such as Asia/Tokyo or UTC") from error
    return text


def _secret(text: str, most: int) -> str:
    """One line: what was read from a file or a pipe may end with a line end."""
    line = text.removesuffix("\n").removesuffix("\r")
    if not 1 <= len(line) <= most or not line.isprintable() or line != line.strip():
        raise Invalid("", f"is one line of 1 to {most} printable characters, without blanks around it")
    return line


def _bmc_users(text: str) -> str:
    users = _object(text)
    if not users:
        raise Invalid("", "names no user")
    for name, user in users.items():
        if not _USER.fullmatch(name):
            raise Invalid("", "a user's name is 1 to 32 of letters, digits, . _ -")
        password = user.get("password") if isinstance(user, Mapping) else None
        if not isinstance(user, Mapping) or set(user) != {"password"} or not isinstance(password, Mapping):
            raise Invalid("", f'{name}: is {{"password": …}}')
        if set(password) not in _PASSWORDS or not all(map(_is_line, password.values())):
            raise Invalid("", f'{name}: a password is {{"raw": …}}, or {{"hash": …, "salt": …}}, each a text')
    return json.dumps(users, ensure_ascii=False)


def _is_line(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 256 and value.isprintable()


def _weights(text: str) -> str:
    weights = _object(text)
    for role, weight in weights.items():
        if not _ROLE.fullmatch(role):
            raise Invalid("", "a role's name is 1 to 63 of letters, digits, . _ -")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < 1e9:
            raise Invalid("", f"{role}: a weight is a number over 0")
    return json.dumps(weights)


def _object(text: str) -> dict[str, object]:
    """A JSON object in which no name is given twice."""
    if len(text) > MOST_TEXT:
        raise Invalid("", f"has over {MOST_TEXT} characters")
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Invalid("", f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise Invalid("", "is not JSON, or nested too deeply") from error
    if not isinstance(found, dict):
        raise Invalid("", "is not a JSON object")
    return found


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Invalid("", "has a name twice")
    return dict(pairs)


def _no_constant(_: str) -> None:
    raise Invalid("", "holds a number that JSON does not have")


def _open(
    name: str,
    example: str,
    keep: Callable[[str], str],
    tell: Callable[[str], str] | None = None,
    show: Callable[[str], str] = str,
    sealed: Callable[[str], bool] = lambda _: False,
    lines: bool = False,
    choices: tuple[str, ...] = (),
) -> Kind:
    """A kind whose values may be read, but for what `show` leaves out."""
    return Kind(name, example, keep, tell or keep, show, sealed, lines, choices)


def _hidden(name: str, example: str, keep: Callable[[str], str], lines: bool = False) -> Kind:
    return Kind(name, example, keep, keep, lambda _: MASK, lambda _: True, lines)


URL = _open("URL", "http://squid.example.net:3128", _url, show=shown_url, sealed=lambda text: shown_url(text) != text)
WEBHOOK = _open("webhook", "https://hooks.slack.com/services/T0/B0/X", partial(_url, webhook=True), show=_shown_webhook)
CIDR = _open("IPv4 block", "10.72.32.0/20", _cidr)
CRONS = _open("lines of cron", "0 9-17 * * 1-5", _crons, lines=True)
ZONE = _open("time zone", "Asia/Tokyo", _zone)
WEIGHTS = _open("JSON", '{"cs": 18, "ss": 10}', _weights, lines=True)
BMC_USERS = _hidden("secret JSON", '{"root": {"password": {"raw": "…"}}}', _bmc_users, lines=True)
SECRET = _hidden("secret", "…", partial(_secret, most=4096))
BMC_NAME = _hidden("secret", "…", partial(_secret, most=64))
