"""Notices over the API: what is answered has the documented shape, page by page, newest first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appserver.core.notices import Notice
from appserver.core.sendings import Sending
from appserver.store.codec import encode
from appserver.store.notices import PREFIXES, puts, sending_key
from appserver.web import shapes_notices
from tests.fakes import START
from tests.lab.served import Site

BEGIN = Notice(1, "begin", "1.2", (0, 1), START, "start updating the new release.", START)


@pytest.fixture
def told(site: Site) -> Site:
    """Three updates began; of the second one nobody knows whether it arrived, of the third nobody was told yet."""
    kv = site.services.kv
    for run in (1, 2, 3):
        expect, put = puts(kv.snapshot(*PREFIXES), [replace(BEGIN, run=run)])
        assert kv.commit(expect, put)
    made = {
        sending_key("00000001-begin", "slack"): Sending("a1", "sent", START, 1),
        sending_key("00000002-begin", "slack"): Sending("b1", "unknown", START, 1, reason="no answer"),
        sending_key("00000002-begin", "mail"): Sending("b2", "sent", START, 2),
    }
    assert kv.commit({}, {key: encode(one) for key, one in made.items()})
    return site


def test_notices_are_listed_newest_first_in_pages(told: Site) -> None:
    """Each with how far it is on each channel."""
    token = told.token()
    first = told.api("GET", "/notices?limit=2", token).json()
    second = told.api("GET", f"/notices?limit=2&after={first['next']}", token).json()
    items = [*first["items"], *second["items"]]
    for item in items:
        shapes_notices.Notice.model_validate(item)
    assert [item["name"] for item in items] == ["00000003-begin", "00000002-begin", "00000001-begin"]
    assert second["next"] is None
    assert [(one["channel"], one["state"]) for one in items[1]["sendings"]] == [("mail", "sent"), ("slack", "unknown")]
    late = told.api("GET", "/notices?undelivered=true", token).json()["items"]
    assert [item["name"] for item in late] == ["00000003-begin", "00000002-begin"]


def test_one_is_sent_again_by_name_and_channel(told: Site) -> None:
    """What arrived is left alone, and the audit says who asked."""
    token = told.token()
    done = told.api("POST", "/notices/00000002-begin/resend", token, json={"channel": "slack"})
    shapes_notices.Notice.model_validate(done.json())
    assert [(one["channel"], one["state"]) for one in done.json()["sendings"]] == [
        ("mail", "sent"),
        ("slack", "pending"),
    ]
    assert told.api("POST", "/notices/00000002-begin/resend", token, json={}).status_code == 409
    assert told.api("POST", "/notices/00000009-begin/resend", token, json={}).status_code == 404
    found = told.api("GET", "/audit?limit=500", token).json()["items"]
    assert [(one["action"], one["result"]) for one in found if "notices" in one["subject"]][-1] == ("resend", "ok")


def test_a_test_says_what_came_of_it(told: Site) -> None:
    """A name that leads nowhere: no channel is well, and the answer is no error."""
    token = told.token()
    assert told.api("POST", "/notices/test", token, json={}).status_code == 422
    url = {"value": "https://hooks.invalid/services/hunter2"}
    assert told.api("PUT", "/config/notification/slack", token, json=url).status_code == 200
    (item,) = told.api("POST", "/notices/test", token, json={"channel": "slack"}).json()["items"]
    shapes_notices.Tested.model_validate(item)
    assert (item["channel"], item["ok"]) == ("slack", False)
    assert "hunter2" not in item["reason"]
