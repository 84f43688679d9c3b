"""How the pages say things: the look of each state, times, sizes, and lines from strangers made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from appserver.core.metrics_words import amount
from appserver.errors import NodeError, UserError

LINE = 4000
"""Characters of one log line that a page shows."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BEGINNINGS = {
    "a",
    "an",
    "it",
    "name",
    "no",
    "nobody",
    "nothing",
    "only",
    "that",
    "the",
    "there",
    "this",
    "you",
    "your",
}
"""Words that no application, user or program is called by."""


@dataclass(frozen=True, slots=True)
class Look:
    """A state as a reader sees it: tone (ok, busy, warn, bad, idle), icon and words; never colour alone."""

    tone: str
    icon: str
    text: str


LOOKS: Mapping[str, Look] = {
    # applications, containers, health
    "running": Look("ok", "circle-check", "Running"),
    "healthy": Look("ok", "circle-check", "Healthy"),
    "starting": Look("busy", "loader-circle", "Starting"),
    "restarting": Look("warn", "rotate-cw", "Restarting"),
    "deploying": Look("busy", "loader-circle", "Deploying"),
    "degraded": Look("warn", "triangle-alert", "Degraded"),
    "unhealthy": Look("bad", "circle-x", "Unhealthy"),
    "created": Look("idle", "circle-dashed", "Created"),
    "missing": Look("bad", "circle-x", "Missing"),
    "exited": Look("bad", "circle-stop", "Exited"),
    "dead": Look("bad", "circle-x", "Dead"),
    "paused": Look("idle", "circle-pause", "Paused"),
    "unknown": Look("idle", "circle-question-mark", "Unknown"),
    "drifted": Look("warn", "diff", "Drifted"),
    "in force": Look("ok", "circle-check", "In force"),
    "behind": Look("bad", "circle-x", "Not in force"),
    "empty": Look("idle", "circle-dashed", "Empty"),
    # what an agent is at
    "acting": Look("busy", "loader-circle", "Acting"),
    "settling": Look("busy", "loader-circle", "Settling"),
    "backoff": Look("warn", "clock", "Waiting to retry"),
    "stopped": Look("idle", "circle-stop", "Stopped"),
    "stopping": Look("busy", "loader-circle", "Stopping"),
    "removed": Look("idle", "trash-2", "Removed"),
    "removing": Look("busy", "loader-circle", "Removing"),
    # operations and how revisions ended
    "pending": Look("busy", "loader-circle", "Waiting for the agent"),
    "done": Look("ok", "circle-check", "Done"),
    "failed": Look("bad", "circle-x", "Failed"),
    "superseded": Look("idle", "layers", "Superseded"),
    "deployed": Look("ok", "circle-check", "Deployed"),
    # runs of playbooks
    "queued": Look("idle", "clock", "Waiting"),
    "working": Look("busy", "loader-circle", "Running"),
    "cancelled": Look("warn", "ban", "Cancelled"),
    "lost": Look("bad", "circle-question-mark", "Lost"),
    # updates of boot servers
    "clear": Look("idle", "minus", "Clear"),
    "not running": Look("idle", "circle-dashed", "Not running"),
    "aborted": Look("bad", "circle-x", "Aborted"),
    "completed": Look("ok", "circle-check", "Completed"),
    # nodes that nothing new is placed on
    "cordoned": Look("warn", "ban", "Cordoned"),
    "drained": Look("warn", "ban", "Drained"),
    # steps of a plan
    "create": Look("ok", "plus", "Create"),
    "recreate": Look("busy", "rotate-cw", "Recreate"),
    "update": Look("busy", "rotate-cw", "Update"),
    "start": Look("ok", "play", "Start"),
    "stop": Look("warn", "square", "Stop"),
    "remove": Look("bad", "trash-2", "Remove"),
    "none": Look("idle", "minus", "No change"),
    # the site's configuration
    "set": Look("ok", "circle-check", "Set"),
    "default": Look("idle", "minus", "Default"),
    "unset": Look("idle", "circle-dashed", "Not set"),
    "old key": Look("warn", "clock", "From an old key"),
    "unreadable": Look("bad", "circle-x", "Cannot be read"),
    # nodes
    "on": Look("ok", "circle-check", "On"),
    "off": Look("bad", "circle-x", "Off"),
    "waiting": Look("warn", "clock", "Waits for an app server"),
    "init-new": Look("busy", "loader-circle", "Init, new"),
    "init-recovery": Look("busy", "loader-circle", "Init, recovery"),
    "work": Look("busy", "loader-circle", "Ready for work"),
    # records
    "INFO": Look("idle", "info", "Info"),
    "WARNING": Look("warn", "triangle-alert", "Warning"),
    "ERROR": Look("bad", "circle-x", "Error"),
    "ok": Look("ok", "circle-check", "Done"),
    "refused": Look("warn", "ban", "Refused"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """An error as a reader sees it: what it means, and what to do about it."""

    title: str
    icon: str
    advice: str


ADVICE: Mapping[int, Advice] = {
    400: Advice("This cannot be understood", "circle-question-mark", "Go back and try again."),
    401: Advice("Log in first", "log-in", "Your session has ended, or never began."),
    403: Advice("Not for you", "ban", "An administrator can give you the right, or do it for you."),
    404: Advice("Not here", "search", "It may have been deleted, or the address is mistyped."),
    405: Advice("Not this way", "ban", "Go back and use the buttons of the page."),
    409: Advice("Something changed meanwhile", "layers", "Nothing was done. Look again, then decide anew."),
    412: Advice("Something changed meanwhile", "layers", "Nothing was done. Look again, then decide anew."),
    413: Advice("Too large", "circle-x", "Send less at once."),
    422: Advice("This needs mending", "circle-x", "Nothing was done. Go back, mend it, and send it again."),
    429: Advice("Slow down", "clock", "Wait a little, then try again."),
    500: Advice("A fault of ours", "circle-x", "You did nothing wrong. If it happens again, tell whoever runs this."),
    502: Advice(
        "Something we stand on does not answer",
        "heart-pulse",
        "etcd, an agent or an engine is away. What runs goes on running; try again in a moment.",
    ),
}


def advice(status: int) -> Advice:
    """Of a status that is not in the table: that of its hundred."""
    return ADVICE.get(status) or ADVICE[500 if status >= 500 else 400]


def look(word: str) -> Look:
    """A word nobody foresaw is shown as it is, without a judgement."""
    return LOOKS.get(word) or Look("idle", "circle-dashed", word or "Unknown")


def iso(at: datetime | str) -> str:
    return _instant(at).isoformat()


def moment(at: datetime | str) -> str:
    return f"{_instant(at):%-d %b %Y, %H:%M:%S} UTC"


def ago(at: datetime | str, now: datetime | None = None) -> str:
    """`just now`, `3 min ago`, `2 h ago`, `5 days ago`; older than a month, the date."""
    instant = _instant(at)
    seconds = ((now or datetime.now(UTC)) - instant).total_seconds()
    if seconds < 0:
        return f"in {_span(-seconds)}"
    if seconds < 10:
        return "just now"
    if seconds > 30 * 86400:
        return f"{instant:%-d %b %Y}"
    return f"{_span(seconds)} ago"


def lasting(at: datetime | str, now: datetime | None = None) -> str:
    """How long something has been so: `for 12 days`."""
    return f"for {_span(max(0.0, ((now or datetime.now(UTC)) - _instant(at)).total_seconds()))}"


def size(count: int) -> str:
    """Bytes, in binary units: `15.6 GiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 100 or value == int(value) else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def plain(line: str) -> str:
    """A line that somebody else's program wrote, without terminal sequences, controls or endless length."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", line[: LINE * 2]))
    return text if len(line) <= LINE else f"{text[:LINE]} … ({len(line)} characters)"


def parted(lines: Iterable[str | None]) -> Iterator[tuple[str, str]]:
    """Container and text of each line of logs; the reason instead where an agent cannot be asked."""
    try:
        for line in filter(None, lines):
            name, bar, text = line.partition(" | ")
            yield (name, plain(text)) if bar else ("", plain(line))
    except (NodeError, UserError) as error:
        yield "", str(error)


def sentence(reason: str) -> str:
    """A reason that stands by itself: `there is no page` as `There is no page.` What begins with a name keeps it."""
    told = reason[:1].upper() + reason[1:] if reason.partition(" ")[0] in _BEGINNINGS else reason
    return told if told.endswith((".", "!", "?")) else f"{told}."


def short(reference: str) -> str:
    """An image or commit for a dense table: digests and hashes cut to twelve characters."""
    return re.sub(r"(?<![0-9a-f])([0-9a-f]{12})[0-9a-f]{8,}", r"\1", reference)


def language(path: str) -> str:
    """What the editor takes a file for."""
    if path.endswith((".yml", ".yaml", ".json")):
        return "yaml"
    return "properties" if path.endswith((".env", ".properties", ".conf", ".ini")) else "text"


def back(referrer: str) -> str:
    """The page somebody came from, as a path: another site's address is never linked to."""
    parts = urlsplit(referrer)
    return parts.path + (f"?{parts.query}" if parts.query else "")


_ALL = (look, advice, iso, moment, ago, lasting, size, plain, sentence, short, language, back, amount)
FILTERS = {f.__name__: f for f in _ALL}


def _instant(at: datetime | str) -> datetime:
    return at if isinstance(at, datetime) else datetime.fromisoformat(at)


def _span(seconds: float) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length * (2 if unit == "days" else 1):
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"
