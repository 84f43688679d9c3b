"""Versions of the base file system on record, and who has which. It runs on the controller."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ansible_collections.moorage.boot.plugins.module_utils import services
from ansible_collections.moorage.boot.plugins.module_utils.basefs import Inputs

from appserver.core.basefs import Basefs, forgotten, otherwise, why_not
from appserver.errors import AppServerError, Conflict, Invalid, StoreError
from appserver.ports import KV, Snapshot
from appserver.store import keys
from appserver.store.codec import decode, encode

__all__ = ["AppServerError", "basefs", "held", "known", "recorded", "services", "tidied", "told"]

CURRENT = "info/basefs"
Change = tuple[dict[str, str], dict[str, str]]
"""Keys to values, as they were and as they are to be; of a key that goes, no value."""


def known(kv: KV, version: str, inputs: Mapping[str, object], check_mode: bool) -> Basefs | None:
    """What is on record of a version.

    Raises:
        Conflict: it was built from other inputs.
    """
    wanted = Inputs(inputs["suite"], tuple(inputs["packages"]), tuple(inputs["sources"]), int(inputs["epoch"]))
    key = keys.basefs(version)
    item = _snapshot(kv, check_mode, key).get(key)
    found = decode(item, Basefs, key) if item is not None else None
    why = why_not(found, wanted.digest)
    if why:
        raise Conflict(why)
    return found


def recorded(kv: KV, built: Basefs, check_mode: bool) -> Change:
    """Put a version on record, for good, and make it the one in use.

    Raises:
        Conflict: the same version is on record with other bytes.
    """
    key = keys.basefs(built.version)
    was = _snapshot(kv, check_mode, key, CURRENT)
    if key in was:
        why = otherwise(decode(was[key], Basefs, key), built)
        if why:
            raise Conflict(f"{built.version} cannot be made again: {why}. Give it a new version")
        return _commit(kv, was, {CURRENT: built.version}, check_mode)
    return _commit(kv, was, {key: encode(built), CURRENT: built.version}, check_mode)


def held(kv: KV, lrn: int, ids: Mapping[str, str], check_mode: bool) -> Change:
    """A boot server's engine has these versions, by the ids that it calls them, and no others."""
    was = _snapshot(kv, check_mode, "basefs/")
    mine = {key: value for key, value in was.items() if key.endswith(f"/on/{int(lrn)}")}
    wanted = {keys.basefs_on(version, lrn): name for version, name in ids.items() if keys.basefs(version) in was}
    return _commit(kv, mine, wanted, check_mode, gone=mine.keys() - wanted.keys())


def tidied(kv: KV, check_mode: bool) -> Change:
    """Versions that nobody has any more, and that are not in use, go from the record."""
    was = _snapshot(kv, check_mode, "basefs/", CURRENT)
    names = [key.split("/") for key in was if key != CURRENT]
    versions = {parts[1] for parts in names if len(parts) == 2}
    gone = forgotten(versions, {parts[1] for parts in names if len(parts) > 2}, was.get(CURRENT, ""))
    old = {keys.basefs(version): was[keys.basefs(version)] for version in gone}
    return _commit(kv, old, {}, check_mode, gone=old.keys())


def _snapshot(kv: KV, check_mode: bool, *wanted: str) -> dict[str, str]:
    """Key to value. In a check, a store that is not there yet counts as empty."""
    try:
        snapshot: Snapshot = kv.snapshot(*wanted)
    except StoreError:
        if not check_mode:
            raise
        return {}
    return {key: item.value for key, item in snapshot.items.items()}


def _commit(kv: KV, was: Mapping[str, str], wanted: Mapping[str, str], check_mode: bool, gone=frozenset()) -> Change:
    differs = {key: value for key, value in wanted.items() if was.get(key) != value}
    touched = (*differs, *gone)
    before = {key: was[key] for key in (*wanted, *gone) if key in was}
    after = dict(wanted)
    if touched and not check_mode:
        items = kv.snapshot(*touched).items
        expect = {key: items[key].revision if key in items else 0 for key in touched}
        same = all(items[key].value == was.get(key) if key in items else key not in was for key in touched)
        if not same or not kv.commit(expect, differs, tuple(gone)):
            raise Conflict(f"{', '.join(touched)} changed while it was being written; run again")
    return before, after


def told(found: Basefs | None) -> dict[str, object]:
    """For a playbook; empty if there is nothing to tell."""
    return {} if found is None else {**dataclasses.asdict(found), "packages": dict(found.packages)}


def basefs(told: Mapping[str, object]) -> Basefs:
    """Of what a playbook gathered.

    Raises:
        Invalid: something of it is missing.
    """
    try:
        texts = {name: str(told[name]) for name in ("version", "image", "digest", "inputs", "suite")}
        return Basefs(**texts, packages=dict(told["packages"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid("record", f"of a version there has to be {error}") from error
