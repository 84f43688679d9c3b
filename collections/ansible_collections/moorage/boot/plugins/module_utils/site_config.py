"""The configuration of the site as a playbook wants it, through the service that the API uses. On the controller."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appserver.adapters.clock import SystemClock
from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.site_config import find
from appserver.errors import AppServerError, BackendError, Invalid, SealError, StoreError
from appserver.ports import KV, Sealer
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.site_config import Change, SettingView, SiteSettings
from appserver.store.site_config import read, site

__all__ = ["AppServerError", "configure", "in_force", "is_secret"]

WRITER = Caller("ansible", "admin", via="system")
"""Whoever may write to the store itself."""


@dataclass(frozen=True)
class Told:
    """What a module says: `before` and `after` without secrets, alike only where nothing changed."""

    changed: bool
    before: str
    after: str
    value: str


def is_secret(name: str, value: object) -> bool:
    """Whether a value may not be shown; that of a name which is none may not either."""
    try:
        return find(name).kind.sealed(text(value))
    except AppServerError:
        return True


def configure(kv: KV, seal_key: str | None, name: str, value: object, check_mode: bool) -> Told:
    """Set the key `name`, or take it away where `value` is None; or only say what would be done.

    Raises:
        AppServerError: no such key, no such value, no key to seal with, or the store did not answer. Not in check
            mode, in which a store or a key that is not there yet is an empty one.
    """
    given = None if value is None else text(value)
    setting = find(name)
    if given is not None and setting.kind.sealed(given) and not seal_key:
        raise Invalid("seal_key", f"is needed: {setting.key} is kept sealed")
    settings = _settings(kv, _sealer(seal_key, check_mode))
    try:
        change = settings.plan(WRITER, name, given)
    except StoreError:
        if not check_mode:
            raise
        shown = settings.check(WRITER, name, given) if given is not None else ""
        nothing = SettingView(setting, "")
        change = Change(nothing, SettingView(setting, shown), changed=given is not None)
    held = change.before.held
    if given is not None and held and held.sealed_elsewhere and not check_mode:
        raise Invalid("seal_key", f"{setting.key} was sealed with another key; give that of the app servers")
    if change.changed and not check_mode:
        change = settings.unset(WRITER, name) if given is None else settings.set(WRITER, name, given)
    return _told(change)


def in_force(kv: KV, seal_key: str | None, names: Sequence[str]) -> list[str]:
    """What holds under each name, as people write it, secrets in the clear; "" where nothing does.

    Raises:
        AppServerError: no such key, a value that cannot be read, or the store did not answer.
    """
    settings = [find(name) for name in names]
    seen, held = read(kv, _sealer(seal_key, False), settings, origins=False)
    for one in held.values():
        if one.fault:
            raise Invalid(one.key, one.fault)
    found = site(seen, held)
    return [found.text(setting.key) for setting in settings]


def text(value: object) -> str:
    """A text as it is, a list as lines, a mapping as JSON."""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return str(value)


class _NoKey:
    """Where no key is given: nothing can be sealed, and what is sealed cannot be opened."""

    def seal(self, text: str, place: str) -> str:
        raise Invalid("seal_key", "is needed")

    def open(self, sealed: str, place: str) -> str:
        raise SealError(f"a secret of {place} cannot be opened without `seal_key`")


def _sealer(path: str | None, check_mode: bool) -> Sealer:
    if not path:
        return _NoKey()
    try:
        return KeySealer.from_file(Path(path))
    except BackendError:
        if check_mode:
            return _NoKey()
        raise


def _settings(kv: KV, sealer: Sealer) -> SiteSettings:
    clock = SystemClock()
    audit, events = Audit(kv=kv, clock=clock), Events(kv=kv, clock=clock)
    return SiteSettings(kv=kv, sealer=sealer, audit=audit, events=events, clock=clock)


def _told(change: Change) -> Told:
    before, after = _line(change.before), _line(change.after)
    if change.changed and before == after:
        after = f"{after.rstrip()} (another)\n"
    return Told(change.changed, before, after, change.after.value)


def _line(view: SettingView) -> str:
    """Empty where it is not set, whatever its default."""
    return f"{view.setting.key}: {view.value}\n" if view.held or view.origin not in ("default", "unset") else ""
