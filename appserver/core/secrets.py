"""Which values are secret, and how they look to the core: sealed text that nobody here can open.

A seal is text that begins with `sealed:v1:`; adapters make and open it. Deciding works on seals, so a plan
compares secrets without holding one, and what a person sees is `***`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

MARK = "sealed:v1:"
MASK = "***"
_NAME = re.compile(
    r"(^|[^a-z])(pass(word|wd|phrase)?|secrets?|tokens?|api[-_]?keys?|private[-_]?keys?|access[-_]?keys?|credentials?)([^a-z]|$)"
)
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


def masked(value: object) -> object:
    """The same structure with every seal replaced by `***`."""
    return each(value, lambda text: MASK if is_sealed(text) else text)


def open_all(value: object, open_one: Callable[[str], str]) -> object:
    """The same structure with every seal opened. The result must not be logged or recorded."""
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
