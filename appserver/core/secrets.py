"""Which values are secret, and how they look to the core: sealed text that nobody here can open.

A seal is text that begins with `sealed:v1:`; adapters make and open it. Deciding works on seals, so a plan
compares secrets without holding one, and what a person sees is `***`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

MARK = "sealed:v1:"
MASK = "***"
FREE_TEXT = ("annotations", "command", "entrypoint", "environment", "healthcheck", "labels", "logging")
"""Options of a service whose texts nothing is decided by, so that a seal can stand in their place."""
_CONTENT = ("content", "x-files")
_NAME = re.compile(
    r"(^|[^a-z])(pass(word|wd|phrase)?|secrets?|tokens?|api[-_]?keys?|private[-_]?keys?|access[-_]?keys?|credentials?)([^a-z]|$)"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----")
_WEB_USERINFO = re.compile(r"https?://[^/@\s]+@")
_USERINFO = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/@\s:]*:[^/@\s]+@")


def is_sealed(value: object) -> bool:
    return isinstance(value, str) and value.startswith(MARK)


def is_secret_name(name: str) -> bool:
    """By convention: a name with the word password, secret, token, api key, private key or credential in it."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return bool(_NAME.search(spaced))


def is_secret(name: str, value: str, declared: Iterable[str] = (), known: Iterable[str] = ()) -> bool:
    """Whether an environment value is to be sealed.

    Args:
        declared: names that `x-moorage.secrets` lists.
        known: secret texts of this project; a value that holds one is secret too.
    """
    if not value:
        return False
    return (
        name in declared
        or is_secret_name(name)
        or bool(_USERINFO.search(value))
        or any(len(text) >= 4 and text in value for text in known)
    )


def in_clear(value: object, place: str = "", named: bool = False) -> Iterator[tuple[str, str]]:
    """Where values that nobody has sealed look like secrets, at any depth: a place and why.

    Below a secret's name only texts are secrets: `token_ttl: 3600` and `PasswordAuthentication: false` are settings.

    Args:
        named: whether a name above it is a secret's.
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from in_clear(item, f"{place}/{str(name)[:64]}", named or is_secret_name(str(name)))
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            yield from in_clear(item, f"{place}/{at}", named)
    elif isinstance(value, str) and value and named:
        yield place, "is a secret's name"
    elif isinstance(value, str) and any(one.search(value) for one in (_USERINFO, _WEB_USERINFO, _PRIVATE_KEY)):
        yield place, "holds a password or private key"


def masked(value: object) -> object:
    """The same structure with every seal replaced by `***`."""
    return each(value, lambda text: MASK if is_sealed(text) else text)


def opened(project: Mapping[str, object], open_one: Callable[[str], str]) -> Mapping[str, object]:
    """The project with the seals opened that we make: in free text and in what configs and secrets hold.

    Any other stays a seal: policy decided on the text that stood there. The result must not be logged or recorded.
    """

    def clear(value: object, names: tuple[str, ...]) -> object:
        if not isinstance(value, Mapping):
            return value
        return {name: _open(item, open_one) if name in names else item for name, item in value.items()}

    within = {"services": FREE_TEXT, "configs": _CONTENT, "secrets": _CONTENT}
    return {
        kind: {name: clear(one, within[kind]) for name, one in items.items()}
        if kind in within and isinstance(items, Mapping)
        else items
        for kind, items in project.items()
    }


def _open(value: object, open_one: Callable[[str], str]) -> object:
    return each(value, lambda text: open_one(text) if is_sealed(text) else text)


def seals(value: object) -> tuple[str, ...]:
    """Every seal in a structure, in order."""
    found: list[str] = []

    def note(text: str) -> str:
        if is_sealed(text):
            found.append(text)
        return text

    each(value, note)
    return tuple(found)


def each(value: object, change: Callable[[str], str]) -> object:
    """The same structure with every text in it changed; names of a mapping stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: each(item, change) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [each(item, change) for item in value]
    return value
