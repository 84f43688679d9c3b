"""What a look for a new release comes to: the tag its channel is at, and why that is not taken. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from appserver.core.release_versions import newest, tagged, why_not
from appserver.core.release_windows import frozen, next_window, opened
from appserver.core.site_config import Site

LONGEST_PAUSE_S = 900.0
"""However often it failed in a row."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`tag` is "" where the channel has none; `why` is "" where it is to be taken now."""

    tag: str = ""
    why: str = ""

    @property
    def version(self) -> str:
        known = tagged(self.tag)
        return str(known[1]) if known else ""


def choose(
    site: Site,
    tags: Collection[str],
    aside: Collection[str],
    current: str,
    since: datetime | None,
    now: datetime,
    pause_s: float,
) -> Choice:
    """
    Args:
        current: the version in force, "" for none.
        since, pause_s: as of `release_windows.opened`.
    Raises:
        Invalid: `current` is no version; somebody else wrote it.
    """
    channel = site.text("config/env")
    if channel == "none":
        return Choice("", "config/env is none: no channel is followed")
    tag = newest(tags, channel, aside)
    if tag is None:
        none = "that is not put aside" if newest(tags, channel, ()) else "yet"
        return Choice("", f"the channel {channel} has no release {none}")
    found = Choice(tag)
    if why := why_not(found.version, current) or frozen(site, now):
        return Choice(tag, why)
    if not opened(site, since, now, pause_s):
        window = next_window(site, now)
        when = f"{window:%Y-%m-%d %H:%M %Z}" if window else "in no time that is foreseen"
        return Choice(tag, f"{found.version} waits for its window, {when}")
    return found


def pause_s(interval_s: float, failures: int) -> float:
    """Until the next look: twice as long after each that failed, within limits."""
    return min(interval_s * 2.0 ** min(failures, 20), max(interval_s, LONGEST_PAUSE_S))
