"""Extra variables of a play: data, never templates and never the way a host is reached; their secrets kept apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from appserver.core.secrets import MASK, is_secret_name
from appserver.errors import InvalidMany

MOST_BYTES = 64 << 10
DEEPEST = 8
_SHORTEST_MASKED = 4
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TEMPLATE = re.compile(r"\{[{%#]")
_MAGIC = frozenset(
    (
        *("environment", "group_names", "groups", "hostvars", "inventory_dir", "inventory_file", "inventory_hostname"),
        *("inventory_hostname_short", "omit", "play_hosts", "playbook_dir", "role_name", "role_names", "role_path"),
        "vars",
    )
)


def check_vars(given: Mapping[str, object], secret: Iterable[str] = ()) -> None:
    """
    Args:
        secret: further names whose values are secret.
    Raises:
        InvalidMany: a name that Ansible keeps for itself, a template, or more than a play is given. No value is told.
    """
    faults = [fault for name, value in given.items() for fault in _faults(name, value)]
    faults += [("secrets", f"{name[:64]!r} is not among the extra variables") for name in secret if name not in given]
    if not faults and len(json.dumps(given).encode()) > MOST_BYTES:
        faults.append(("extra_vars", f"is over {MOST_BYTES >> 10} KiB"))
    if faults:
        raise InvalidMany(tuple(faults[:20]))


def shown_vars(given: Mapping[str, object], secret: Iterable[str] = ()) -> Mapping[str, object]:
    """As anybody may see them: a secret, and all below a secret's name, is `***`."""
    named = frozenset(secret)
    return {name: _shown(name, value, named) for name, value in given.items()}


def masking(given: Mapping[str, object], secret: Iterable[str] = ()) -> Callable[[str], str]:
    """What takes the secrets out of a text: as they are, as JSON and YAML quote them, and line by line."""
    named = frozenset(secret)
    texts = {one for name, value in given.items() for one in _secret_texts(name, value, named)}
    spelled = {one for text in texts for one in _spellings(text) if len(one) >= _SHORTEST_MASKED}
    if not spelled:
        return lambda text: text
    pattern = re.compile("|".join(re.escape(one) for one in sorted(spelled, key=len, reverse=True)))
    return lambda text: pattern.sub(MASK, text)


def _faults(name: str, value: object) -> Iterator[tuple[str, str]]:
    where = f"extra_vars.{name[:64]}"
    if not _NAME.fullmatch(name):
        yield where, "is no name of a variable"
    elif name.lower().startswith("ansible_") or name in _MAGIC:
        yield where, "how a host is reached and by whom is for the inventory to say, not for one run"
    yield from ((where, why) for why in _value_faults(value, 0))


def _value_faults(value: object, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"is nested more than {DEEPEST} deep"
    elif isinstance(value, str):
        if _TEMPLATE.search(value):
            yield "holds a template; extra variables are data"
        if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            yield "holds what is no text"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _value_faults(str(key), depth + 1)
            yield from _value_faults(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _value_faults(item, depth + 1)


def _shown(name: str, value: object, named: frozenset[str]) -> object:
    if name in named or is_secret_name(name):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _shown(str(key), item, named) for key, item in value.items()}
    return [_shown("", item, named) for item in value] if isinstance(value, list | tuple) else value


def _secret_texts(name: str, value: object, named: frozenset[str], within: bool = False) -> Iterator[str]:
    """Every text and number below a secret's name."""
    hidden = within or name in named or is_secret_name(name)
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secret_texts(str(key), item, named, hidden)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secret_texts("", item, named, hidden)
    elif hidden and value is not None and not isinstance(value, bool):
        yield str(value)


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield text.replace("'", "''")
    if "\n" in text:
        yield from (line for line in text.splitlines() if len(line.strip()) >= 2 * _SHORTEST_MASKED)
