"""When a new release may be taken: windows by cron in a time zone, and freezes. Pure.

A window is a minute that a line of `config/release-time` fires in. Each look within it takes what is new; where none
was, the first look after it does: so it does not matter how often it is looked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from appserver.core import cron, release_freeze
from appserver.core.cron import Cron
from appserver.core.site_config import Site

SLACK_S = 60.0
"""How much later than it is due a look may come, and still find its window open."""
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_FAR = 4 * 366 + 1
"""Days that are searched for the next window: a leap day is among them."""


def frozen(site: Site, now: datetime) -> str:
    """Why no release is taken at this time, "" where nothing forbids it."""
    text = site.text("config/release-freeze")
    day = now.astimezone(_zone(site)).date()
    return next((str(one) for one in (release_freeze.read(text) if text else ()) if one.holds(day)), "")


def opened(site: Site, since: datetime | None, now: datetime, pause_s: float) -> bool:
    """Whether a window is open, or was since the last look.

    Args:
        since: when it was looked last; None: never.
        pause_s: how long that is ago when nothing is amiss. What opened longer ago is missed: a site that nobody
            updated for a night is not updated at noon.
    """
    lines, zone = _lines(site), _zone(site)
    earliest = now - timedelta(seconds=min(pause_s + SLACK_S, _DAY.total_seconds()))
    begin = max(since, earliest) if since else earliest
    minute = this = now.replace(second=0, microsecond=0)
    while minute > begin or minute == this:
        local = minute.astimezone(zone)
        if any(line.fires(local) for line in lines):
            return True
        minute -= _MINUTE
    return False


def next_window(site: Site, now: datetime) -> datetime | None:
    """When a window opens next that no freeze is over; None: not within four years."""
    lines, zone = _lines(site), _zone(site)
    text = site.text("config/release-freeze")
    freezes = release_freeze.read(text) if text else ()
    today = now.astimezone(zone).date()
    for ahead in range(_FAR):
        day = today + ahead * _DAY
        if any(one.holds(day) for one in freezes):
            continue
        for at in _minutes(lines, day):
            local = datetime.combine(day, at, zone)
            # An hour that the clocks leave out has no such minute.
            if local > now and local.astimezone(now.tzinfo).astimezone(zone).time() == at:
                return local
    return None


def _minutes(lines: tuple[Cron, ...], day: date) -> Iterator[time]:
    """Of a day, those in which one of the lines fires."""
    fit = [line for line in lines if line.fires(datetime.combine(day, time(min(line.hours), min(line.minutes))))]
    yield from sorted({time(hour, minute) for line in fit for hour in line.hours for minute in line.minutes})


def _lines(site: Site) -> tuple[Cron, ...]:
    return tuple(cron.parse(line) for line in site.lines("config/release-time"))


def _zone(site: Site) -> ZoneInfo:
    return ZoneInfo(site.text("config/release-timezone"))
