"""Notices of updates of boot servers: what is told, once for each run and event, and how each channel words it.

Titles, texts and colours for Slack are Neco's; that of a server that is gone is ours, in the colour that Neco keeps for
warnings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from appserver.errors import Invalid

NoticeKind = Literal["begin", "success", "failure", "warning"]
SECTION = "notices/"
BEGIN_UPDATE = "start updating the new release."
BEGIN_RECONFIGURE = "start boot servers reconfiguration."
"""Details of a notice that an update begins."""
MOST_DETAIL = 2_000
_NAME = re.compile(r"[0-9]{8}-[a-z0-9-]{1,64}")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Notice:
    """`notices/<run>-<name>`. `run` is the number of the update; `detail` says what the kind does not, or why.

    `servers` are those of the update, of a warning those that are gone.
    """

    run: int
    kind: NoticeKind
    version: str
    servers: tuple[int, ...]
    started_at: datetime
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Look:
    """`text`, the line below the title, and `field`, that of the long field, are Slack's; `plain` is for others."""

    colour: str
    title: str
    text: str
    field: str
    plain: str


_LOOKS: Mapping[NoticeKind, _Look] = {
    "begin": _Look(
        "#439FE0",
        "Update begins",
        "neco-worker has started the updating process.",
        "Detail",
        "The update of the boot servers begins.",
    ),
    "success": _Look(
        "good",
        "Update completed successfully",
        ":tada::tada::tada:",
        "",
        "The update of the boot servers is complete.",
    ),
    "failure": _Look(
        "danger",
        "Update failed",
        "please fix it manually",
        "Reason",
        "The update of the boot servers failed; please fix it manually.",
    ),
    "warning": _Look(
        "warning",
        "Boot server is gone",
        "the update waits for it",
        "Detail",
        "A boot server is gone; the update waits for it.",
    ),
}


def name(notice: Notice) -> str:
    """Unique for the run and the event: writing the same notice again is one record."""
    words = {"begin": "begin", "success": "success", "failure": "failure"}
    gone = "-".join(str(lrn) for lrn in sorted(set(notice.servers))[:10])
    return f"{int(notice.run):08d}-{words.get(notice.kind) or f'dead-{gone}'}"


def key(notice: Notice) -> str:
    return f"{SECTION}{name(notice)}"


def check_name(text: str) -> str:
    """
    Raises:
        Invalid: no notice is called so.
    """
    if not _NAME.fullmatch(text):
        raise Invalid("notice", "a notice is called by its run and event: 00000012-failure")
    return text


def run_of(notice_name: str) -> int:
    return int(notice_name[:8])


def slack(notice: Notice, cluster: str) -> dict[str, object]:
    """The JSON for an incoming webhook of Slack, or of what speaks like it. What others wrote cannot ping a channel."""
    look = _LOOKS[notice.kind]
    short = {
        "Cluster": cluster,
        "Version": notice.version,
        "Servers": _servers(notice),
        "Started at": _rfc3339(notice.started_at),
    }
    fields: list[object] = [
        {"title": title, "value": _escaped(_clean(value)), "short": True} for title, value in short.items()
    ]
    if look.field and notice.detail:
        fields.append({"title": look.field, "value": _escaped(_detail(notice)), "short": False})
    attachment = {
        "color": look.colour,
        "author_name": "Boot server updater",
        "title": look.title,
        "text": look.text,
        "fields": fields,
    }
    return {"attachments": [attachment]}


def webhook(notice: Notice, cluster: str, id_: str) -> dict[str, object]:
    """The JSON for any receiver; docs/notices.md has it. `id_` is the same whenever this notice is sent there."""
    look = _LOOKS[notice.kind]
    return {
        "id": id_,
        "event": f"update.{notice.kind}",
        "cluster": cluster,
        "run": notice.run,
        "version": notice.version,
        "servers": list(notice.servers),
        "started_at": _rfc3339(notice.started_at),
        "at": _rfc3339(notice.at),
        "title": look.title,
        "text": look.plain,
        "detail": _detail(notice),
    }


def mail(notice: Notice, cluster: str) -> tuple[str, str]:
    """Subject, of one line, and text."""
    look = _LOOKS[notice.kind]
    subject = _line(f"[{cluster}] {look.title}: {notice.version}")
    facts = {
        "Cluster": cluster,
        "Version": notice.version,
        "Servers": _servers(notice),
        "Started at": _rfc3339(notice.started_at),
        "Told at": _rfc3339(notice.at),
    }
    told = "".join(f"{title + ':':<12}{_line(value)}\n" for title, value in facts.items())
    detail = f"\n{_detail(notice)}\n" if notice.detail else ""
    return subject, f"{look.plain}\n\n{told}{detail}"


def _servers(notice: Notice) -> str:
    return ", ".join(str(lrn) for lrn in sorted(set(notice.servers)))


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _detail(notice: Notice) -> str:
    """What a server's worker said last may be in it, so anything at all."""
    text = _clean(notice.detail)
    return text if len(text) <= MOST_DETAIL else f"{text[: MOST_DETAIL - 1]}…"


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).encode("utf-8", "replace").decode()


def _line(text: str) -> str:
    return " ".join(_clean(text).split())[:200]


def _escaped(text: str) -> str:
    """Slack's own three characters, by which it knows links and mentions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
