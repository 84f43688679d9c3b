"""Which values of a service differ between two revisions, and who says so now."""

from __future__ import annotations

import json
from collections.abc import Mapping

from appserver.core.effective import Effective
from appserver.core.entities import Revision
from appserver.core.plan import ValueChange

Entry = Mapping[str, object]


def changes(current: Revision, result: Effective, service: str) -> tuple[ValueChange, ...]:
    """In the order of options. What no option explains (an image that moved, a config's content) is said last."""
    before = _by_name(current.explained.get(service, ()))
    after = _by_name(result.explained.get(service, ()))
    found = [
        ValueChange(name, _text(before.get(name)), _text(after.get(name)), _source(after.get(name)))
        for name in sorted({*before, *after})
        if _text(before.get(name)) != _text(after.get(name))
    ]
    old, new = _image(current.project, service), _image(result.project, service)
    if old != new and not any(change.option == "image" for change in found):
        found.append(ValueChange("image", _short(old), _short(new), "the engine: the tag points to another image"))
    if not found:
        found = [ValueChange("definition", None, "changed", "a secret, or a config that the service mounts")]
    return tuple(found)


def _by_name(entries: tuple[Entry, ...]) -> dict[str, Entry]:
    named = {}
    for entry in entries:
        key = entry.get("key")
        named[f"{entry['option']}.{key}" if key not in (None, "") else str(entry["option"])] = entry
    return named


def _text(entry: Entry | None) -> str | None:
    if entry is None or entry.get("removed"):
        return None
    value = entry.get("text", entry.get("value"))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _source(entry: Entry | None) -> str:
    return str(entry.get("source", "")) if entry else ""


def _image(project: Mapping[str, object], service: str) -> str:
    services = project.get("services")
    found = services.get(service) if isinstance(services, Mapping) else None
    return str(found.get("image", "")) if isinstance(found, Mapping) else ""


def _short(pin: str) -> str:
    name, at, digest = pin.rpartition("sha256:")
    return f"{name}{at}{digest[:12]}"
