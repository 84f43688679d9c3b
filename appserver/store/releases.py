"""Releases as the store has them: what each is, its files, and the state of the search for new ones.

App servers write them, agents read their files: both have the seal key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appserver.core import release_versions
from appserver.core.release import Kept
from appserver.errors import BadRecord, LeadershipLost, NotFound
from appserver.ports import KV, Sealer, Snapshot
from appserver.store.codec import encode
from appserver.store.packed import pack, unpack
from appserver.store.records import Stored, below, read

RELEASES, FILES, SEARCH = "releases/", "releasefiles/", "releasesearch"


@dataclass(frozen=True, slots=True)
class Search:
    """`releasesearch`: how the last look for a new release went. `why` is the reason against taking what it found."""

    looked_at: datetime | None = None
    found: str = ""
    """The tag that the channel was at."""
    why: str = ""
    error: str = ""
    error_at: datetime | None = None
    failures: int = 0
    """Looks in a row that went wrong."""
    asked: int = 0
    """How often somebody asked for a look at once."""
    answered: int = 0
    """Up to which of them there was one."""


def release(version: str) -> str:
    """
    Raises:
        Invalid: no key is made of what is no version.
    """
    release_versions.parse(version)
    return f"{RELEASES}{version}"


def parts(version: str) -> str:
    release_versions.parse(version)
    return f"{FILES}{version}/"


def kept(kv: KV, version: str) -> Kept | None:
    """
    Raises:
        BadRecord: it is there, and cannot be read.
    """
    found = stored(kv, version)
    return found.record if found else None


def stored(kv: KV, version: str) -> Stored[Kept] | None:
    """
    Raises:
        BadRecord: it is there, and cannot be read.
    """
    return read(kv, release(version), Kept)


def kept_of(seen: Snapshot) -> tuple[Stored[Kept], ...]:
    """All that are kept, the newest first, of a snapshot of `RELEASES`."""
    found = [one for version, one in below(seen, RELEASES, Kept) if one.record.release.version == version]
    return tuple(sorted(found, key=lambda one: release_versions.parse(one.record.release.version), reverse=True))


def files(kv: KV, sealer: Sealer, version: str) -> Mapping[str, str]:
    """Path to text of all that the release's commit has.

    Raises:
        NotFound: it is not kept.
        RepoError: its files are not on record as they should be.
    """
    found = kv.snapshot(parts(version)).items
    if not found:
        raise NotFound(f"release {version} is not on record")
    return unpack([found[key].value for key in sorted(found)], sealer, _place(version), f"release {version}")


def write_files(kv: KV, sealer: Sealer, version: str, tree: Mapping[str, str], fence: Mapping[str, int]) -> None:
    """Before the release itself is put on record: what is there has all its files.

    Raises:
        LeadershipLost: `fence` no longer holds.
    """
    gone = set(kv.snapshot(parts(version)).items)  # of a write that broke off
    for number, part in enumerate(pack(tree, sealer, _place(version))):
        key = f"{parts(version)}{number:04d}"
        gone.discard(key)
        if not kv.commit(fence, {key: part}):
            raise LeadershipLost(f"release {version} was not written: another app server leads now")
    if gone:
        kv.commit(fence, {}, sorted(gone))


def drop(kv: KV, held: Stored[Kept], fence: Mapping[str, int] | None = None) -> bool:
    """Forget a release and its files. False: it changed meanwhile."""
    version = held.record.release.version
    key = release(version)
    return bool(kv.commit({**(fence or {}), key: held.revision}, {}, [key, *kv.snapshot(parts(version)).items]))


def search(kv: KV) -> Stored[Search]:
    """One that cannot be read is begun anew: nothing is lost with it."""
    try:
        found = read(kv, SEARCH, Search)
    except BadRecord:
        return Stored(Search(), kv.snapshot(SEARCH).revision_of(SEARCH))
    return found or Stored(Search(), 0)


def put_search(kv: KV, wanted: Search, expect: int, fence: Mapping[str, int] | None = None) -> bool:
    """
    Args:
        expect: the revision that was read.
    """
    return bool(kv.commit({**(fence or {}), SEARCH: expect}, {SEARCH: encode(wanted)}))


def _place(version: str) -> str:
    """What the seal is bound to."""
    return f"release.{version}"
