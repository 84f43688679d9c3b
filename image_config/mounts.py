"""Volumes in Compose's short and long forms and in Haven's `volumeBinds` and `mounts`; tmpfs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

from image_config.errors import plain
from image_config.kinds import scalar_text
from image_config.lists import Items, commas
from image_config.model import Value
from image_config.reading import Reading
from image_config.scalars import BOOLEAN, MODE, SIZE, TEXT, choice
from image_config.shapes import Map, Record
from image_config.tree import Node

_VOLUME = Record({
    "type": choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
    "source": TEXT,
    "target": TEXT,
    "read_only": BOOLEAN,
    "consistency": TEXT,
    "bind": Record({"propagation": TEXT, "create_host_path": BOOLEAN, "recursive": TEXT, "selinux": choice("z", "Z")}),
    "volume": Record({"labels": Map(), "nocopy": BOOLEAN, "subpath": TEXT}),
    "tmpfs": Record({"size": SIZE, "mode": MODE}),
    "image": Record({"subpath": TEXT}),
})  # fmt: skip
_HAVEN_NAMES = {"readonly": "read_only", "noCopy": "nocopy"}
_HAVEN_PLACES = {
    "propagation": "bind", "nocopy": "volume", "labels": "volume", "size": "tmpfs", "mode": "tmpfs",
}  # fmt: skip
_HAVEN_DRIVER = "names a volume driver: declare the volume with its driver in the compose file, and name it here"

_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_DEFAULTS = ("rw", "cached", "delegated", "consistent")
_NOT_A_VOLUME = "is not a volume; write /target, name:/target or /source:/target:ro"
_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LONGEST = 4096


def short(text: str) -> dict[str, Value]:
    """`[source:]target[:options]`; a source that begins with a slash, a dot or `~` is a directory of the host.

    Raises:
        ValueError: not such a text.
    """
    source, target, options = _parts(text)
    if not target.startswith("/"):
        raise ValueError(_NOT_A_VOLUME)
    mount: dict[str, Value] = {"type": "volume", "target": target}
    if source:
        mount["source"] = source
    if source[:1] in ("/", ".", "~") and source:
        mount["type"] = "bind"
        mount["bind"] = {"create_host_path": True}
    elif source and not _VOLUME_NAME.fullmatch(source):
        raise ValueError("has a source that is neither a volume's name nor an absolute path")
    for option in options:
        _apply(option, mount)
    return mount


def show_volume(mount: Value) -> str:
    """`data:/var/lib/x:ro`."""
    if not isinstance(mount, Mapping):
        return str(mount)
    source = f"{mount['source']}:" if mount.get("source") else ""
    kind = "" if mount.get("type") in ("bind", "volume") else f" ({mount.get('type')})"
    return f"{source}{mount.get('target', '')}{':ro' if mount.get('read_only') else ''}{kind}"


def _volume(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    mount = _VOLUME.whole(item, said, into) if isinstance(item.value, dict) else short(scalar_text(item))
    if "target" not in mount:
        raise ValueError("has no target")
    target, source = str(mount["target"]), str(mount.get("source", ""))
    mount.setdefault("type", "volume")
    if into.strict and not target.startswith("/"):
        raise ValueError("has a target that is not an absolute path")
    if into.strict and mount["type"] == "bind" and not source.startswith("/"):
        raise ValueError("has a source that is relative to some directory of the host; write its absolute path")
    return ((posixpath.normpath(target), mount),)


def _haven_mount(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    """Haven's flat mount in Compose's nested form; what is nested already stays."""
    if not isinstance(item.value, dict):
        return _volume(item, said, into)
    nested: dict[str, Node] = {}
    for written, value in item.value.items():
        name = _HAVEN_NAMES.get(written, written)
        place = _HAVEN_PLACES.get(name)
        if name in ("driver", "driverOpts"):
            into.fault(f"{said}/{written}", value.line, _HAVEN_DRIVER)
        elif place:
            inside = nested[place].value if place in nested else {}
            nested[place] = Node({**inside, name: value} if isinstance(inside, dict) else {name: value}, value.line)
        else:
            nested[name] = value
    return _volume(Node(nested, item.line), said, into)


def _tmpfs(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    found = scalar_text(item)
    if not found.startswith("/"):
        raise ValueError("is not an absolute path")
    return ((posixpath.normpath(found.split(":", 1)[0]), found),)


def _tmpfs_lines(text: str) -> list[str]:
    """Options hold commas too: `/run:size=1m,mode=755,/tmp` is two mounts."""
    joined: list[str] = []
    for part in commas(text):
        if part.startswith("/") or not joined:
            joined.append(part)
        else:
            joined[-1] += f",{part}"
    return joined


def _parts(text: str) -> tuple[str, str, tuple[str, ...]]:
    parts = text.split(":")
    if len(text) > _LONGEST or not all(parts) or len(parts) > 3:
        raise ValueError(_NOT_A_VOLUME)
    if len(parts) == 1:
        return "", parts[0], ()
    if len(parts) == 2 and parts[0].startswith("/") and not parts[1].startswith("/"):
        return "", parts[0], tuple(parts[1].split(","))
    return parts[0], parts[1], tuple(parts[2].split(",")) if len(parts) == 3 else ()


def _apply(option: str, mount: dict[str, Value]) -> None:
    bind = mount.get("bind")
    if option == "ro":
        mount["read_only"] = True
    elif option in ("z", "Z"):
        if isinstance(bind, Mapping):
            mount["bind"] = {**bind, "selinux": option}
    elif option in _PROPAGATIONS and isinstance(bind, Mapping):
        mount["bind"] = {**bind, "propagation": option}
    elif option == "nocopy" and not bind:
        mount["volume"] = {"nocopy": True}
    elif option not in _DEFAULTS:
        raise ValueError(f"has the unknown option {plain(option)}")


VOLUMES = Items(
    _volume,
    "`name:/target`, `/source:/target:ro`, `/target`, or Compose's long form",
    "by target, the stronger wins",
    render=_VOLUME.write,
    shown=show_volume,
)
HAVEN_MOUNTS = Items(
    _haven_mount,
    "Haven's long form: type, source, target, readonly, propagation, noCopy, size, mode",
    VOLUMES.rule,
    render=_VOLUME.write,
    shown=show_volume,
)
TMPFS = Items(_tmpfs, "`/run`, `/run:size=1m,mode=755`", "by path, the stronger wins", split=_tmpfs_lines)
