"""Notices of updates: which arrived, a test of the channels, and sending one again."""

from __future__ import annotations

from flask import Response

from appserver.web import forms, queries, shapes, shapes_notices
from appserver.web.api import api, described
from appserver.web.context import caller, services


@api.get("/notices")
@described("site", ok=shapes.Listed[shapes_notices.Notice])
def list_notices(query: queries.NoticesQuery) -> Response:
    """Newest first, with how far each is on each channel; with `undelivered`, those alone that did not arrive."""
    found, following = services().notice_list.list(caller(), query.undelivered, query.after, query.limit)
    return forms.listing([one.to_json() for one in found], following)


@api.post("/notices/test")
@described("site", ok=shapes.Listed[shapes_notices.Tested])
def test_notices(json: forms.NoticeBody) -> Response:
    """Send a test to one channel, or to each that is configured, and say what came of it."""
    return forms.listing([one.to_json() for one in services().notice_list.test(caller(), json.channel)])


@api.post("/notices/<name>/resend")
@described("site", ok=shapes_notices.Notice)
def resend_notice(name: str, json: forms.NoticeBody) -> Response:
    """Send one again that was given up, or of which nobody knows whether it arrived; at once, with the same id."""
    return forms.one(services().notice_list.resend(caller(), name, json.channel).to_json())
