"""What notices of updates say: Neco's titles, texts and colours to the letter, and nothing that pings or breaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from appserver.core import notices
from appserver.core.notices import BEGIN_RECONFIGURE, BEGIN_UPDATE, Notice
from appserver.errors import Invalid

STARTED = datetime(2026, 11, 21, 16, 0, tzinfo=timezone(timedelta(hours=9)))
AT = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
BEGIN = Notice(12, "begin", "2026.11.21-3", (10, 0, 2), STARTED, BEGIN_UPDATE, AT)
REASON = "update request was aborted: server 2: etcd did not start"
SHORT = [
    {"title": "Cluster", "value": "tokyo", "short": True},
    {"title": "Version", "value": "2026.11.21-3", "short": True},
    {"title": "Servers", "value": "0, 2, 10", "short": True},
    {"title": "Started at", "value": "2026-11-21T07:00:00Z", "short": True},
]


@pytest.mark.parametrize(
    ("notice", "wanted"),
    [
        (
            BEGIN,
            {
                "color": "#439FE0",
                "author_name": "Boot server updater",
                "title": "Update begins",
                "text": "neco-worker has started the updating process.",
                "fields": [*SHORT, {"title": "Detail", "value": "start updating the new release.", "short": False}],
            },
        ),
        (
            replace(BEGIN, detail=BEGIN_RECONFIGURE),
            {
                "color": "#439FE0",
                "author_name": "Boot server updater",
                "title": "Update begins",
                "text": "neco-worker has started the updating process.",
                "fields": [
                    *SHORT,
                    {"title": "Detail", "value": "start boot servers reconfiguration.", "short": False},
                ],
            },
        ),
        (
            replace(BEGIN, kind="success", detail=""),
            {
                "color": "good",
                "author_name": "Boot server updater",
                "title": "Update completed successfully",
                "text": ":tada::tada::tada:",
                "fields": SHORT,
            },
        ),
        (
            replace(BEGIN, kind="failure", detail=REASON),
            {
                "color": "danger",
                "author_name": "Boot server updater",
                "title": "Update failed",
                "text": "please fix it manually",
                "fields": [*SHORT, {"title": "Reason", "value": REASON, "short": False}],
            },
        ),
        (
            replace(BEGIN, kind="warning", detail="server 2: its agent is gone"),
            {
                "color": "warning",
                "author_name": "Boot server updater",
                "title": "Boot server is gone",
                "text": "the update waits for it",
                "fields": [*SHORT, {"title": "Detail", "value": "server 2: its agent is gone", "short": False}],
            },
        ),
    ],
)
def test_slack_is_told_in_necos_words_and_colours(notice: Notice, wanted: object) -> None:
    """One attachment; servers as numbers, times in UTC."""
    assert notices.slack(notice, "tokyo") == {"attachments": [wanted]}


def test_what_others_wrote_pings_nobody() -> None:
    """Slack's three characters are escaped, colours of terminals and directions of text are gone, length is bounded."""
    bad = replace(
        BEGIN, kind="failure", version="<!here>", detail="\x1b[31m<!channel> a & b\x1b[0m\u202e\0" + "x" * 9000
    )
    (made,) = notices.slack(bad, "a<b")["attachments"]  # type: ignore[misc]
    values = [one["value"] for one in made["fields"]]  # type: ignore[index]
    assert values[:2] == ["a&lt;b", "&lt;!here&gt;"]
    assert values[4].startswith("&lt;!channel&gt; a &amp; bxxx")
    assert len(values[4]) < 2100


def test_a_url_is_posted_plain_facts() -> None:
    """As docs/notices.md tells receivers."""
    assert notices.webhook(replace(BEGIN, kind="failure", detail=REASON), "tokyo", "af01") == {
        "id": "af01",
        "event": "update.failure",
        "cluster": "tokyo",
        "run": 12,
        "version": "2026.11.21-3",
        "servers": [10, 0, 2],
        "started_at": "2026-11-21T07:00:00Z",
        "at": "2026-11-21T07:30:00Z",
        "title": "Update failed",
        "text": "The update of the boot servers failed; please fix it manually.",
        "detail": REASON,
    }


def test_mail_says_the_same_in_words() -> None:
    """A subject to sort by, and a text without markup."""
    assert notices.mail(replace(BEGIN, kind="failure", detail=REASON), "tokyo") == (
        "[tokyo] Update failed: 2026.11.21-3",
        (
            "The update of the boot servers failed; please fix it manually.\n\n"
            "Cluster:    tokyo\n"
            "Version:    2026.11.21-3\n"
            "Servers:    0, 2, 10\n"
            "Started at: 2026-11-21T07:00:00Z\n"
            "Told at:    2026-11-21T07:30:00Z\n\n"
            f"{REASON}\n"
        ),
    )
    subject, _ = notices.mail(replace(BEGIN, version="1\r\nBcc: all@example.com"), "tokyo")
    assert "\n" not in subject and "\r" not in subject


@pytest.mark.parametrize(
    ("kind", "servers", "key"),
    [
        ("begin", (0, 1), "notices/00000012-begin"),
        ("success", (0, 1), "notices/00000012-success"),
        ("failure", (), "notices/00000012-failure"),
        ("warning", (10,), "notices/00000012-dead-10"),
        ("warning", (10, 2), "notices/00000012-dead-2-10"),
    ],
)
def test_a_notice_is_called_by_its_run_and_event(kind: str, servers: tuple[int, ...], key: str) -> None:
    """So that it is one record, whoever writes it and how often."""
    made = replace(BEGIN, kind=kind, servers=servers)  # type: ignore[arg-type]  # a word of the table above
    assert notices.key(made) == key
    assert notices.check_name(key.removeprefix("notices/")) == key.removeprefix("notices/")


@pytest.mark.parametrize("name", ["", "12-begin", "00000012-", "00000012-a/b", "../00000012-begin", "00000012-BEGIN"])
def test_no_other_key_is_reached_by_a_notices_name(name: str) -> None:
    """Names come from people, by API and command line."""
    with pytest.raises(Invalid):
        notices.check_name(name)
