"""Classic Swarm's expressions: `storage==ssd`, `zone!=b*`, `name==/^db[0-9]/`, `name=~^db`, `zone==~west`.

`~` before the value makes a wish of it: it decides between nodes, and refuses none. A label that is not set is "".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from appserver.errors import Invalid

_EXPRESSION = re.compile(
    r"(?P<key>[A-Za-z0-9_./-]{1,128})(?P<operator>==|!=|=~)(?P<soft>~?)(?P<value>[^\x00-\x1f\x7f]{0,256})"
)
_LONGEST_TEXT = 256
_MOST_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Expression:
    """`value` is a glob, or with `regex` what may be found anywhere in a text."""

    text: str
    key: str
    equal: bool
    soft: bool
    value: str
    regex: bool

    def holds(self, texts: Iterable[str]) -> bool:
        """Whether any of `texts` matches; with `!=`, whether none does."""
        return any(self.matches(text) for text in texts) is self.equal

    def matches(self, text: str) -> bool:
        if self.regex:
            return re.search(self.value, text[:_LONGEST_TEXT]) is not None
        return fnmatchcase(text, self.value)


@lru_cache(maxsize=4096)
def parse(text: str, where: str = "constraint") -> Expression:
    """
    Raises:
        Invalid: not `key==value`, `key!=value` or `key=~regex`, with `~` before the value where it is only a wish.
    """
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        raise Invalid(where, f"{text!r} is not label==value or label!=value")
    value, regex = found["value"], found["operator"] == "=~"
    if len(value) > 1 and value[0] == value[-1] == "/":
        value, regex = value[1:-1], True
    if regex and (why := _unfit(value)):
        raise Invalid(where, f"{text!r}: {why}")
    return Expression(text, found["key"], found["operator"] != "!=", bool(found["soft"]), value, regex)


@dataclass(frozen=True, slots=True)
class Said:
    """What a container's environment and labels say of where it is to run."""

    constraints: tuple[str, ...] = ()
    affinities: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()
    reschedulable: bool = False


def said(environment: Mapping[str, str], labels: Mapping[str, str]) -> Said:
    """Classic Swarm's two ways: `constraint:zone==a` among the variables, `com.docker.swarm.constraints` as a label."""
    found: dict[str, list[str]] = {"constraint": [], "affinity": [], "whitelist": [], "reschedule": []}
    for name, value in environment.items():
        kind, colon, rest = name.partition(":")
        if colon and kind in found:
            found[kind].append(f"{rest}={value}")
    for label, kind in _LABELS.items():
        if text := labels.get(label, ""):
            found[kind] += [one.strip(' "') for one in text.strip("[]").split(",") if one.strip(' "')]
    return Said(
        tuple(found["constraint"]),
        tuple(found["affinity"]),
        tuple(name for text in found["whitelist"] for name in text.rpartition("=")[2].split("|")),
        any("on-node-failure" in text for text in found["reschedule"]),
    )


_LABELS = {
    "com.docker.swarm.constraints": "constraint",
    "com.docker.swarm.affinities": "affinity",
    "com.docker.swarm.whitelists": "whitelist",
    "com.docker.swarm.reschedule-policies": "reschedule",
}


def _unfit(pattern: str) -> str:
    """Why a regular expression is not taken: Python's tries every way of matching, which some make endlessly many."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    bare = re.sub(r"\\.", "x", pattern)
    bare = re.sub(r"\[\]?[^\]]*\]", "x", bare)
    if len(re.findall(r"[*+]|\{\d*,", bare)) > _MOST_REPEATS:
        return f"repeats more than {_MOST_REPEATS} things"
    if re.search(r"\)(?:[*+]|\{)", bare):
        return "repeats a group; repeat one character or one set of them"
    if re.search(r"\\[1-9]|\(\?", pattern):
        return "refers to a group or changes what the rest means"
    return ""
