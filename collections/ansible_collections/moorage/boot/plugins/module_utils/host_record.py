"""A boot server's record against what its host has: what is to be written, and writing it. On the controller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appserver.adapters.engine_state import from_list, named
from appserver.core.boot import Installed, differences, is_newer
from appserver.errors import AppServerError, Conflict, Invalid, StoreError
from appserver.ports import KV, Snapshot
from appserver.store import keys
from appserver.store.boot_record import installed_in
from appserver.store.parts import parts

__all__ = ["AppServerError", "Conflict", "Told", "observe", "plan", "record", "write"]

RELEASE, PUBLIC_KEY = "info/release", "info/ssh-pubkey"
_TRIES = 5
_KEY_KINDS = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")


@dataclass(frozen=True)
class Told:
    """Keys whose text differs, before and after; None where there is none. `left`: an agent sees to the record."""

    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    left: bool = False


def record(
    kv: KV, seen_at: int, lrn: int, host: Mapping[str, Any], release: str, public_key: str, check_mode: bool = False
) -> tuple[int, Told]:
    """See `plan`: what was, or would be, written, and the store revision it was decided on.

    What holds for the site is written for every boot server, which may be at once: who comes second looks again.

    Raises:
        Conflict: somebody else writes it all the time.
        Invalid, StoreError
    """
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    for tries in range(1, _TRIES + 1):
        seen = observe(kv, lrn, check_mode)
        told = plan(seen, seen_at, lrn, host, release, public_key)
        before, after = {**told.before, **before}, {**after, **told.after}
        try:
            if not check_mode:
                write(kv, seen, lrn, told)
            break
        except Conflict:
            if tries == _TRIES:
                raise
    return seen.revision, Told(before, after, told.left)


def observe(kv: KV, lrn: int, check_mode: bool) -> Snapshot:
    """What is on record of the boot server.

    Raises:
        StoreError: the store did not answer. Not in check mode, in which one that is not there yet is empty.
    """
    try:
        return kv.snapshot(f"install/{int(lrn)}/", keys.bootserver(lrn), RELEASE, PUBLIC_KEY)
    except StoreError:
        if check_mode:
            return Snapshot(0, {})
        raise


def plan(
    seen: Snapshot, seen_at: int, lrn: int, host: Mapping[str, Any], release: str = "", public_key: str = ""
) -> Told:
    """What is to be written so that the record equals the host.

    Args:
        seen_at: store revision from before the host was looked at. An agent writes its boot server's own key with
            everything it records; where it has done so since, it has seen the host later, and has the last word.
        host: as `installed_facts` tells it: `debs`, and `containers` and `images` unless it has no engine.
        release: that is installed; a later one on record stays, since an updater has found it.
        public_key: those that may log in to the nodes, one in a line; empty leaves what is on record.
    Raises:
        Invalid: no public key, or a name that no key can be made of.
    """
    left = seen.revision_of(keys.bootserver(lrn)) > seen_at
    wanted = {} if left else _installed(seen, lrn, host)
    held = {key: seen.items[key].value for key in (*wanted, RELEASE, PUBLIC_KEY) if key in seen.items}
    if release and is_newer(release, held.get(RELEASE, "")):
        wanted[RELEASE] = release
    if public_key and _checked(public_key) != held.get(PUBLIC_KEY):
        wanted[PUBLIC_KEY] = _checked(public_key)
    return Told({key: held.get(key) for key in wanted}, wanted, left)


def write(kv: KV, seen: Snapshot, lrn: int, told: Told) -> None:
    """In as few transactions as the store takes, each only while no agent has written the record since it was seen.

    Raises:
        Conflict: one has, or another run.
        StoreError
    """
    own = keys.bootserver(lrn)
    fence = seen.revision_of(own)
    for part in parts(list(told.after)):
        puts = {key: text for key in part if (text := told.after[key]) is not None}
        gone = [key for key in part if told.after[key] is None]
        revision = kv.commit({**{key: seen.revision_of(key) for key in part}, own: fence}, puts, gone)
        if not revision:
            raise Conflict(f"the record of boot server {lrn} was written by somebody else meanwhile; run again")
        fence = revision if own in puts else fence


def _installed(seen: Snapshot, lrn: int, host: Mapping[str, Any]) -> dict[str, str | None]:
    """Its own key first, where it is not known yet."""
    held = installed_in(seen, lrn)
    containers = held.containers if host["containers"] is None else _containers(host["containers"], host["images"])
    own = keys.bootserver(lrn)
    wanted: dict[str, str | None] = {} if own in seen.items else {own: ""}
    for one in differences(held, Installed(containers, host["debs"])):
        make = keys.installed_deb if one.kind == "deb" else keys.installed_container
        wanted[make(lrn, one.name)] = one.after or None
    return wanted


def _containers(listed: Sequence[Mapping[str, Any]], images: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Name to image, by the rule that the agent goes by."""
    tags = {image["Id"]: image.get("RepoTags") or () for image in images}
    found = [from_list({**item, "Image": named(item, tags)}) for item in listed]
    return {container.name: container.image for container in found}


def _checked(public_keys: str) -> str:
    lines = [line.strip() for line in public_keys.strip().splitlines()]
    for line in lines:
        words = line.split()
        if len(words) < 2 or not words[0].startswith(_KEY_KINDS) or not line.isprintable():
            raise Invalid("ssh_public_key", "each is one line as ssh-keygen writes it: ssh-ed25519 AAAA… comment")
    return "\n".join(lines)
