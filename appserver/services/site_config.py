"""The site's configuration for people: what holds and who said so, checked and changed, with secrets never shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from appserver.core import site_config as core
from appserver.core.access import Caller, require
from appserver.core.addresses import Outgoing
from appserver.core.channels import check_reach
from appserver.core.events import PIPELINE
from appserver.core.site_config import TABLE, Origin, Setting
from appserver.errors import Conflict, PreconditionFailed
from appserver.ports import KV, Clock, Sealer
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.store.codec import encode
from appserver.store.site_config import Held, origin_key, read


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting as people see it. `value` is what holds, "" where nothing does; `masked`: not all of it is told."""

    setting: Setting
    value: str
    held: Held | None = None
    masked: bool = False

    @property
    def origin(self) -> str:
        """`set`, `default`, `unset`, or `old key`; `unreadable` where something stands there that cannot be."""
        if self.held is None:
            return "default" if self.setting.default else "unset"
        if self.held.fault:
            return "unreadable"
        return "set" if self.held.key == self.setting.key else "old key"

    @property
    def version(self) -> int:
        """The store revision that wrote it; 0 where it is not set, also where an old key is."""
        return self.held.revision if self.held and self.held.key == self.setting.key else 0

    @property
    def secret(self) -> bool:
        return self.setting.kind.sealed("")

    def to_json(self) -> Mapping[str, object]:
        setting, held = self.setting, self.held
        by = held.origin if held else None
        return {
            "key": setting.key,
            "value": self.value or None,
            "origin": self.origin,
            "set_by": by.by if by else None,
            "set_at": by.at.isoformat() if by else None,
            "fault": (held.fault if held else "") or None,
            "kind": setting.kind.name,
            "choices": list(setting.kind.choices),
            "default": setting.kind.tell(setting.default) if setting.default else None,
            "secret": self.secret,
            "about": setting.about,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What setting or unsetting does: nothing is written where `changed` is false."""

    before: SettingView
    after: SettingView
    changed: bool


class SiteSettings:
    """Reads are everybody's; writes are administrators'."""

    def __init__(
        self,
        *,
        kv: KV,
        sealer: Sealer,
        audit: Audit,
        events: Events,
        clock: Clock,
        rule: Outgoing | None = None,
    ) -> None:
        """
        Args:
            rule: where URLs that are called from here may lead; None: that is judged when they are called.
        """
        self._kv = kv
        self._sealer = sealer
        self._audit = audit
        self._events = events
        self._clock = clock
        self._rule = rule

    def list(self, caller: Caller) -> tuple[SettingView, ...]:
        """All there are, set or not, in the order of the table."""
        require(caller, "R", "site:")
        held = read(self._kv, self._sealer)[1]
        return tuple(_view(setting, held.get(setting.key)) for setting in TABLE)

    def show(self, caller: Caller, name: str) -> SettingView:
        """
        Raises:
            NotFound: no key is called that; the nearest is named.
        """
        setting = core.find(name)
        require(caller, "R", f"site:{setting.key}")
        return self._seen(setting)

    def check(self, caller: Caller, name: str, given: str) -> str:
        """What a value would be shown as, were it set: for a form that is being filled in.

        Raises:
            NotFound, Invalid
        """
        setting = core.find(name)
        require(caller, "R", f"site:{setting.key}")
        return setting.shown(self._kept(setting, given))

    def plan(self, caller: Caller, name: str, given: str | None) -> Change:
        """What `set`, or `unset` for None, would do. A secret is compared opened, so the same one is no change.

        Raises:
            NotFound, Invalid
        """
        setting = core.find(name)
        require(caller, "D" if given is None else "U", f"site:{setting.key}")
        kept = None if given is None else self._kept(setting, given)
        return _change(self._seen(setting), kept)

    def set(self, caller: Caller, name: str, given: str, expect: int = 0) -> Change:
        """Put it there, sealed where it is secret. The value that is there already is not written again.

        Args:
            expect: the version the caller looked at; 0: any.
        """
        with self._audit.of(caller, "set", f"site:{name[:100]}"):
            change = self.plan(caller, name, given)
            _expect(change.before, expect)
            setting = change.before.setting
            if not change.changed:
                return change
            kept = setting.keep(given)
            text = self._sealer.seal(kept, core.place(setting.key)) if setting.kind.sealed(kept) else kept
            origin = Origin(caller.name, self._clock.now())
            puts = {setting.key: text, origin_key(setting.key): encode(origin)}
            revision = self._kv.commit({setting.key: change.before.version}, puts)
            return self._committed(caller, change, revision, origin)

    def unset(self, caller: Caller, name: str, expect: int = 0) -> Change:
        """Take it away, with what an old key says: its default holds again."""
        with self._audit.of(caller, "unset", f"site:{name[:100]}"):
            change = self.plan(caller, name, None)
            _expect(change.before, expect)
            setting = change.before.setting
            if not change.changed:
                return change
            gone = [setting.key, origin_key(setting.key), *setting.old]
            revision = self._kv.commit({setting.key: change.before.version}, {}, gone)
            return self._committed(caller, change, revision, None)

    def _kept(self, setting: Setting, given: str) -> str:
        kept = setting.keep(given)
        if self._rule is not None:
            check_reach(setting.key, kept, self._rule)
        return kept

    def _seen(self, setting: Setting) -> SettingView:
        return _view(setting, read(self._kv, self._sealer, (setting,))[1].get(setting.key))

    def _committed(self, caller: Caller, change: Change, revision: int, origin: Origin | None) -> Change:
        setting, held = change.after.setting, change.after.held
        if not revision:
            raise Conflict(f"{setting.key} changed meanwhile; look again")
        after = change.after
        if held:
            after = replace(after, held=replace(held, revision=revision, origin=origin))
        told = f"is set to {after.value}" if held else "is unset"
        self._events.emit(PIPELINE, "update", "INFO", setting.key, f"{setting.key} {told}", caller.name)
        return replace(change, after=after)


def _view(setting: Setting, held: Held | None) -> SettingView:
    kept = setting.default if held is None or held.fault else held.kept
    if not kept:
        return SettingView(setting, "", held)
    shown = setting.shown(kept)
    return SettingView(setting, shown, held, shown != setting.kind.tell(kept))


def _change(before: SettingView, kept: str | None) -> Change:
    """Towards a text to be kept, or towards none."""
    setting, held = before.setting, before.held
    if kept is None:
        return Change(before, _view(setting, None), changed=held is not None)
    same = held is not None and held.key == setting.key and not held.fault and held.kept == kept
    return Change(before, before if same else _view(setting, Held(setting.key, kept, 0)), changed=not same)


def _expect(view: SettingView, expect: int) -> None:
    if expect and expect != view.version:
        raise PreconditionFailed(f"{view.setting.key} changed meanwhile")
