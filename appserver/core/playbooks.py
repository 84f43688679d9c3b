"""Which playbooks there are, what each asks for, and on which hosts a site can run them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from appserver.errors import Invalid, InvalidMany

FILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\.ya?ml")
"""What a playbook's file may be called; a path is none."""
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,252}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,63}")
MOST_LIMITS = MOST_TAGS = 100
LARGEST = 1 << 20
"""Bytes of a playbook's own file."""
_LONGEST = 2_000
"""Characters of what it says of itself."""


@dataclass(frozen=True, slots=True)
class Part:
    """One play of a playbook: its name, the pattern of its hosts, its own tags."""

    name: str
    hosts: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Playbook:
    """A file that may be run.

    `title` is the first line of the comment at its beginning, `about` all of it. `asks` are variables that it would
    prompt for: nobody sits at its terminal. `error` says why it cannot be read; then the rest is empty.
    """

    name: str
    digest: str
    title: str = ""
    about: str = ""
    parts: tuple[Part, ...] = ()
    asks: tuple[str, ...] = ()
    error: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        """Of its plays, in their order; tasks within may have more."""
        return tuple(dict.fromkeys(tag for part in self.parts for tag in part.tags))


@dataclass(frozen=True, slots=True)
class Inventory:
    """Host to its groups, and group to its hosts."""

    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def described(name: str, raw: bytes) -> Playbook | None:
    """What a file is as a playbook; None when it is YAML, and something else."""
    digest = hashlib.sha256(raw).hexdigest()
    if len(raw) > LARGEST:
        return Playbook(name, digest, error=f"is larger than {LARGEST >> 20} MiB")
    try:
        text = raw.decode()
        found = yaml.load(text, _Loader)  # noqa: S506  # constructs nothing beside plain values
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        return Playbook(name, digest, error="is not YAML" + (f": line {line + 1}" if line is not None else ""))
    if not isinstance(found, list) or not all(isinstance(one, dict) and _PLAY & one.keys() for one in found):
        return None
    parts = tuple(_part(one) for one in found)
    asks = tuple(dict.fromkeys(name for one in found for name in _prompts(one)))
    about = _about(text)
    return Playbook(name, digest, about.partition("\n")[0], about, parts, asks) if parts else None


def check_choice(
    playbook: Playbook, inventory: Inventory, limit: Sequence[str], tags: Sequence[str], given: Mapping[str, object]
) -> None:
    """Whether this may be asked of the playbook, on hosts and groups that there are.

    Args:
        limit: names, each with `!` (but not these) or `&` (only if among these) before it as Ansible has it.
        tags: both those to run and those to leave out.
        given: extra variables.
    Raises:
        InvalidMany: every fault at its place.
    """
    if playbook.error:
        raise Invalid("playbook", f"{playbook.name} {playbook.error}")
    faults = [*_limit_faults(inventory, limit), *_tag_faults(tags)]
    if asked := [name for name in playbook.asks if name not in given]:
        faults.append(("extra_vars", f"{playbook.name} would prompt for {', '.join(asked)}: give it here"))
    if faults:
        raise InvalidMany(tuple(faults))


def inventory_of(listed: Mapping[str, Any]) -> Inventory:
    """From what `ansible-inventory --list` says.

    Raises:
        Invalid: a host's name that cannot be told apart from a pattern.
    """
    hosts: dict[str, set[str]] = {name: set() for name in listed.get("_meta", {}).get("hostvars", {})}
    groups = {name: frozenset(_members(listed, name, ())) for name in listed if name != "_meta"}
    for group, members in groups.items():
        for host in members:
            hosts.setdefault(host, set()).add(group)
    for host in hosts:
        if not HOST.fullmatch(host):
            raise Invalid("inventory", f"{host[:80]!r} is no name of a host that can be limited to")
    return Inventory(
        {host: tuple(sorted(of)) for host, of in sorted(hosts.items())},
        {group: tuple(sorted(members)) for group, members in sorted(groups.items())},
    )


def listed_hosts(text: str) -> tuple[str, ...]:
    """The hosts in the output of `ansible-playbook --list-hosts`, of all plays together, each once."""
    found: dict[str, None] = {}
    counted = 0
    for line in text.splitlines():
        if count := _COUNT.fullmatch(line):
            counted = int(count[1])
        elif counted and line.startswith("      "):
            found[line.strip()] = None
            counted -= 1
        else:
            counted = 0
    return tuple(sorted(found))


class _Loader(yaml.CSafeLoader):
    """Plain values; Ansible's own tags (`!vault`, `!unsafe`) are nothing to us."""


_Loader.add_multi_constructor("!", lambda *_: None)
_PLAY = {"hosts", "import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"}
_COUNT = re.compile(r"    hosts \((\d+)\):")


def _part(one: dict[str, Any]) -> Part:
    imported = one.get("import_playbook") or one.get("ansible.builtin.import_playbook") or ""
    hosts = one.get("hosts", "")
    return Part(
        str(one.get("name") or imported or ""),
        ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts),
        tuple(_tags(one.get("tags"))),
    )


def _tags(found: object) -> Iterator[str]:
    words = found.split(",") if isinstance(found, str) else found if isinstance(found, list) else []
    yield from (str(word).strip() for word in words if str(word).strip())


def _prompts(one: dict[str, Any]) -> Iterator[str]:
    asked = one.get("vars_prompt")
    for prompt in asked if isinstance(asked, list) else ():
        if isinstance(prompt, dict) and "default" not in prompt:
            yield str(prompt.get("name", ""))


def _about(text: str) -> str:
    """The comment that the file begins with, as its lines stand."""
    said = []
    for line in text.splitlines():
        if line.startswith("#"):
            said.append(line[1:].removeprefix(" ").rstrip())
        elif line.strip() != "---":
            break
    return "\n".join(said).strip("\n")[:_LONGEST]


def _members(listed: Mapping[str, Any], group: str, seen: tuple[str, ...]) -> Iterator[str]:
    entry = cast(Mapping[str, Any], listed.get(group) or {})
    yield from entry.get("hosts", ())
    for child in entry.get("children", ()):
        if child not in seen:
            yield from _members(listed, child, (*seen, group))


def _limit_faults(inventory: Inventory, limit: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(limit) > MOST_LIMITS:
        yield "limit", f"at most {MOST_LIMITS} names"
    for number, word in enumerate(limit[:MOST_LIMITS]):
        name = word[1:] if word[:1] in ("!", "&") else word
        if name not in inventory.hosts and name not in inventory.groups:
            yield f"limit/{number}", f"no host and no group of the inventory is called {name[:80]!r}"
    if limit and all(word[:1] in ("!", "&") for word in limit):
        yield "limit", "name what to run on before what to leave out: all, !name"


def _tag_faults(tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(tags) > MOST_TAGS:
        yield "tags", f"at most {MOST_TAGS} tags"
    for tag in tags[:MOST_TAGS]:
        if not TAG.fullmatch(tag):
            yield "tags", f"{tag[:80]!r} is no name of a tag"
