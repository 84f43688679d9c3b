"""The site's configuration as it is on record; and a view of it that follows every change, for whoever runs on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Condition, Event, Thread

from appserver.core import site_config as core
from appserver.core.secrets import is_sealed
from appserver.core.site_config import TABLE, Origin, Setting, Site
from appserver.errors import BadRecord, Compacted, Invalid, SealError, StoreError
from appserver.ports import KV, Sealer, Snapshot
from appserver.store.records import find, skipped
from appserver.store.watching import watching

log = logging.getLogger(__name__)

_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Held:
    """What is on record of one setting. `kept` is opened, and never to be logged; "" where `fault` says why not.

    `key` is where it was found: an old one, or the setting's own. `origin` is None where whoever wrote it left none.
    """

    key: str
    kept: str = field(repr=False)
    revision: int
    fault: str = ""
    sealed_elsewhere: bool = False
    origin: Origin | None = None


def origin_key(setting: str) -> str:
    """Where it stands who set that key, one that the table in `core/site_config.py` names."""
    return f"origins/{setting}"


def read(
    kv: KV, sealer: Sealer, settings: Sequence[Setting] = TABLE, origins: bool = True
) -> tuple[Snapshot, Mapping[str, Held]]:
    """What is set of these, all at one store revision; by the setting's key, also where it was found under an old one.

    Args:
        origins: whether to tell who set them, which an agent may not read.
    Raises:
        StoreError
    """
    wanted = [key for setting in settings for key in (setting.key, *setting.old)]
    seen = kv.snapshot(*wanted, *(origin_key(setting.key) for setting in settings if origins))
    found = ((setting, key) for setting in settings for key in reversed((setting.key, *setting.old)))
    return seen, {setting.key: _held(seen, setting, key, sealer) for setting, key in found if key in seen.items}


def site(seen: Snapshot, held: Mapping[str, Held]) -> Site:
    """Those that are of their kind; of the others the log tells."""
    for one in held.values():
        if one.fault:
            skipped(one.key, BadRecord(f"{one.key} {one.fault}; its default holds"))
    return Site(seen.revision, {key: one.kept for key, one in held.items() if not one.fault})


class SiteConfig:
    """A view of the site's configuration that stays true without a restart: listed, then watched, listed again.

    Whoever begins something long takes `now` once and goes by that to its end.
    """

    def __init__(self, kv: KV, sealer: Sealer, section: str = core.SECTION) -> None:
        """
        Args:
            section: what keys begin with that are to be followed: an agent may not read every secret.
        """
        self._kv = kv
        self._sealer = sealer
        self._section = section
        self._settings = [setting for setting in TABLE if setting.key.startswith(section)]
        self._site: Site | None = None
        self._changed = Condition()

    def now(self) -> Site:
        """As last seen, also while the store is away.

        Raises:
            StoreError: it was away from the beginning.
        """
        return self._site or self._load()

    def later(self, than: Site, timeout_s: float) -> Site:
        """What is in force once it differs from `than`, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._site is not None and self._site.kept != than.kept, timeout_s)
        return self.now()

    def start(self, stop: Event) -> Thread:
        """Follow, in a thread of its own, until told to stop."""
        thread = Thread(target=self.run, args=(stop,), name=f"site {self._section}", daemon=True)
        thread.start()
        return thread

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                at = self._load().revision
                with watching(self._kv, self._section, at, stop) as watch:
                    for _ in watch:
                        self._load()
            except Compacted:
                continue
            except StoreError as error:
                log.warning("event=site_config_away section=%s reason=%r", self._section, str(error))
                stop.wait(_PAUSE_S)

    def _load(self) -> Site:
        found = site(*read(self._kv, self._sealer, self._settings, origins=False))
        with self._changed:
            if self._site is None or found.revision >= self._site.revision:
                self._site = found
                self._changed.notify_all()
        return found


def _held(seen: Snapshot, setting: Setting, key: str, sealer: Sealer) -> Held:
    item = seen.items[key]
    kept, fault, elsewhere = item.value, "", False
    try:
        if is_sealed(kept):
            kept = sealer.open(kept, core.place(setting.key))
        setting.kind.tell(kept)
    except SealError:
        kept, fault, elsewhere = "", "was not sealed with this machine's key", True
    except Invalid as error:
        kept, fault = "", f"is not what belongs there: {error.why}"
    return Held(key, kept, item.revision, fault, elsewhere, _origin(seen, setting, item.revision))


def _origin(seen: Snapshot, setting: Setting, revision: int) -> Origin | None:
    """That of the same commit: another one tells of a value which somebody has written over since."""
    key = origin_key(setting.key)
    try:
        stored = find(seen, key, Origin)
    except BadRecord as error:
        skipped(key, error)
        return None
    return stored.record if stored and stored.revision == revision else None
