"""Devices, secrets, configs and block device limits: list items with a key, read as whole records."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from image_config.kinds import Kind, scalar_text
from image_config.lists import Items, Keys
from image_config.model import Value
from image_config.reading import Reading
from image_config.scalars import MODE, TEXT
from image_config.shapes import Record
from image_config.tree import Node

_DEVICE = Record({"source": TEXT, "target": TEXT, "permissions": TEXT})
_GRANT = Record({"source": TEXT, "target": TEXT, "uid": TEXT, "gid": TEXT, "mode": MODE})


def by_device(name: str, amount: Kind, syntax: str) -> Items:
    """Block device limits: `{path: /dev/sda, rate: 12mb}`."""
    record = Record({"path": TEXT, name: amount})

    def keys(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
        lowered = item.value
        if isinstance(lowered, dict):  # `docker compose config --format json` prints Path and Rate
            lowered = {key.lower(): value for key, value in lowered.items()}
        limit = record.whole(Node(lowered, item.line), said, into)
        if "path" not in limit:
            raise ValueError("has no path")
        return ((str(limit["path"]), limit),)

    return Items(keys, syntax, "by device, the stronger wins", render=record.write)


def _device(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
    """`/dev/source[:/dev/target[:rwm]]`, Compose's long form, or the name of a CDI device."""
    if isinstance(item.value, dict):
        device = _DEVICE.whole(item, said, into)
    else:
        parts = scalar_text(item).split(":")
        if not all(parts) or len(parts) > 3:
            raise ValueError("is not a device; write /dev/fuse or /dev/source:/dev/target:rwm")
        device = {"source": parts[0], "target": (parts[1:] or parts)[0], "permissions": (parts[2:] or ["rwm"])[0]}
    if "source" not in device:
        raise ValueError("has no source")
    return ((str(device.get("target", device["source"])), device),)


def _granted_below(directory: str) -> Keys:
    """A secret or config by where it appears, which is below `directory` unless it says otherwise."""

    def keys(item: Node, said: str, into: Reading) -> Sequence[tuple[str, Value]]:
        grant = _GRANT.whole(item, said, into) if isinstance(item.value, dict) else {"source": scalar_text(item)}
        if "source" not in grant:
            raise ValueError("has no source")
        return ((posixpath.join(directory, str(grant.get("target") or grant["source"])), grant),)

    return keys


def _show_device(device: Value) -> str:
    if not isinstance(device, Mapping):
        return str(device)
    return ":".join(str(device[part]) for part in ("source", "target", "permissions") if part in device)


def _show_grant(grant: Value) -> str:
    if not isinstance(grant, Mapping):
        return str(grant)
    return f"{grant['source']} at {grant['target']}" if grant.get("target") else str(grant["source"])


_BY_TARGET = "by target, the stronger wins"
_GRANT_SYNTAX = "names, or Compose's long form"

DEVICES = Items(
    _device,
    "`/dev/source:/dev/target:rwm`, or Compose's long form",
    _BY_TARGET,
    render=_DEVICE.write,
    shown=_show_device,
)
SECRETS = Items(_granted_below("/run/secrets"), _GRANT_SYNTAX, _BY_TARGET, render=_GRANT.write, shown=_show_grant)
CONFIGS = Items(_granted_below("/"), _GRANT_SYNTAX, _BY_TARGET, render=_GRANT.write, shown=_show_grant)
