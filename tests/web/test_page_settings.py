"""The pages of the site's configuration: values are seen, checked while they are written, set; secrets stay hidden."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.web.harbour import Harbour
from tests.web.site_settings import SECRET
from tests.web.visiting import VIEWER, logged_in, send


@pytest.fixture
def harbour() -> Harbour:
    return Harbour()


@pytest.fixture
def client(harbour: Harbour) -> FlaskClient:
    return logged_in(harbour)


def test_what_holds_is_seen_with_its_origin(client):
    """Set, by default, from an old key; and what cannot be read is said to be."""
    page = client.get("/settings").text
    for told in ("2h0m0s", "From an old key", "Cannot be read", "http://squid:***@squid.example.net:3128", "ann"):
        assert told in page, told
    one = client.get("/settings/check-update-interval").text
    assert "What stands there does not count." in one and "nanoseconds" in one


@pytest.mark.parametrize("key", ["config/proxy", "bmc/bmc-user", "config/notification/slack"])
def test_no_secret_is_in_a_page_or_its_form(client, key):
    """Nor the part of a webhook's URL that lets anybody write to it."""
    page = client.get(f"/settings/{key}").text
    assert SECRET not in page and "B0/XX" not in page


def test_a_value_is_checked_while_it_is_written(client):
    """By the server's own rule, as it would be kept; and nothing is set by that."""
    key = "config/external-ip-address-block"
    ask = f"/settings/check/{key}"
    assert "10.72.32.0/20" in send(client, ask, f"/settings/{key}", value="10.72.33.7/20").text
    assert "no block of IPv4 addresses" in send(client, ask, f"/settings/{key}", value="10.72.33.7").text
    assert send(client, ask, f"/settings/{key}", value="").text.strip() == ""
    assert "Not set" in client.get(f"/settings/{key}").text


def test_a_value_is_set_and_unset(client):
    """The page that follows says so; a bad one comes back with its reason, and what was typed."""
    path = "/settings/config/worker-timeout-duration"
    bad = send(client, path, path, value="an hour")
    assert bad.status_code == 422
    assert "is no duration" in bad.text and 'value="an hour"' in bad.text
    assert send(client, path, path, value="90m", version="0").location == "/settings"
    assert "is set." in client.get("/settings").text
    assert 'value="1h30m0s"' in client.get(path).text
    send(client, "/settings/unset/config/worker-timeout-duration", path)
    assert "1h0m0s" in client.get(path).text


def test_a_secret_that_is_refused_is_not_sent_back(client):
    """It would stand in the page's source."""
    path = "/settings/bmc/ipmi-password"
    answer = send(client, path, path, value=f" {SECRET}")
    assert answer.status_code == 422 and SECRET not in answer.text


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(client, harbour):
    """The form knows which version it was made of."""
    path = "/settings/config/notification/slack"
    answer = send(client, path, path, value="https://hooks.slack.com/services/T0/B0/YY", version="1")
    assert answer.status_code == 412
    assert "somebody else has changed it" in answer.text


def test_a_viewer_reads_and_is_offered_no_form():
    """And is refused where they ask all the same."""
    client = logged_in(Harbour(me=VIEWER))
    page = client.get("/settings/config/proxy").text
    assert "squid.example.net" in page and "New value" not in page
    assert send(client, "/settings/config/proxy", "/settings/config/proxy", value="http://x:1").status_code == 403
    assert send(client, "/settings/unset/config/proxy", "/settings/config/proxy").status_code == 403


@pytest.mark.parametrize("key", ["nothing", "config/prxy", "..%2f..%2fetc", "config/proxy/", "%00"])
def test_a_key_that_is_none_is_not_found(client, key):
    """With the nearest, where there is one."""
    answer = client.get(f"/settings/{key}")
    assert answer.status_code in (400, 404) and "Traceback" not in answer.text
