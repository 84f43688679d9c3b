"""B12, requests that another site makes a browser send, and text that would act where it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from appserver.core.access import Caller
from appserver.web.app import create_app
from tests.fakes import PASSWORD
from tests.lab.served import Site

EVIL = "https://evil.example"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def browser(site: Site) -> Iterator[requests.Session]:
    """A browser in which ann, an administrator, is logged in."""
    site.person("ann")
    with requests.Session() as page:
        page.trust_env = False
        form = page.get(f"{site.url}/login", timeout=10).text
        page.post(
            f"{site.url}/login", data={"csrf_token": _csrf(form), "name": "ann", "password": PASSWORD}, timeout=10
        )
        assert page.get(f"{site.url}/api/v1/me", timeout=10).json()["name"] == "ann"
        yield page


def _csrf(text: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert found, text[:500]
    return found[1]


def _posts(site: Site) -> list[tuple[str, str]]:
    """Every route that changes something for a session: method and an address of it."""
    app = create_app(site.services, site.settings, b"k" * 32)
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            if rule.endpoint.split(".")[0] not in ("git", "hooks") and rule.endpoint != "api.login":
                address = re.sub(r"<any\((\w+).*?\):\w+>", r"\1", rule.rule)
                found.append((method, re.sub(r"<(?:\w+:)?\w+>", "1", address)))
    return found


def test_no_write_is_made_without_the_pages_own_token(site: Site, browser: requests.Session):
    """Every route that changes something refuses a session whose request lacks the CSRF token, whatever its form."""
    before = _record(site)
    posts = _posts(site)
    assert len(posts) > 30
    for method, path in posts:
        for kind in (
            "application/x-www-form-urlencoded",
            "text/plain",
            "application/json",
            "multipart/form-data; boundary=x",
        ):
            answer = browser.request(
                method, site.url + path, data="{}", headers={"Content-Type": kind}, timeout=10, allow_redirects=False
            )
            assert answer.status_code in (403, 404, 415), (method, path, kind, answer.status_code)
    assert _record(site) == before


def test_a_write_of_nobody_is_told_as_a_read_is(site: Site):
    """401 and how to be somebody, not a word of a browser's token, which no program has; and nothing is written."""
    before = _record(site)
    for method, path in _posts(site):
        if path.startswith("/api/"):
            answer = requests.request(method, site.url + path, json={}, timeout=10)
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert _record(site) == before


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_another_site_is_refused_even_with_the_token(site: Site, browser: requests.Session, headers: dict[str, str]):
    """A token that leaked is of no use from elsewhere, in a browser that says where it comes from."""
    token = _csrf(browser.get(f"{site.url}/applications", timeout=10).text)
    answer = browser.post(f"{site.url}/theme", data={"csrf_token": token, "theme": "dark"}, headers=headers, timeout=10)
    assert answer.status_code == 403


def test_the_api_takes_the_token_in_a_header(site: Site, browser: requests.Session):
    """A page's own script may use the API with the session, by showing the page's token."""
    token = _csrf(browser.get(f"{site.url}/applications", timeout=10).text)
    url, body = f"{site.url}/api/v1/clusters/lab", {"title": "lab"}
    assert browser.put(url, json=body, timeout=10).status_code == 403
    assert browser.put(url, json=body, headers={"X-CSRFToken": token}, timeout=10).status_code == 200


@pytest.mark.parametrize("origin", ["null", EVIL, "http://127.0.0.1:1"])
def test_no_other_origin_may_read(site: Site, browser: requests.Session, origin: str):
    """No CORS header is sent to anybody: a browser gives the answer to no other site's script."""
    for method in ("GET", "OPTIONS"):
        answer = browser.request(method, f"{site.url}/api/v1/me", headers={"Origin": origin}, timeout=10)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_every_answer_carries_the_headers_that_confine_it(site: Site, browser: requests.Session):
    """Pages, API, errors and files alike."""
    for path in ("/applications", "/api/v1/me", "/nope", "/api/v1/nope", "/login", "/static/css/base.css", "/healthz"):
        headers = browser.get(site.url + path, timeout=10).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"], path
        assert "unsafe-inline" not in headers["Content-Security-Policy"], path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "same-origin", path


@pytest.mark.parametrize(
    "target", ["//evil.example", EVIL, "/\\evil.example", "javascript:alert(1)", "\t//evil.example"]
)
def test_log_in_leads_nowhere_else(site: Site, target: str):
    """`next` is a path of this server, or it is not followed."""
    site.person("ann")
    with requests.Session() as page:
        page.trust_env = False
        form = page.get(f"{site.url}/login", params={"next": target}, timeout=10).text
        data = {"csrf_token": _csrf(form), "name": "ann", "password": PASSWORD, "next": target}
        answer = page.post(f"{site.url}/login", data=data, timeout=10, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/applications"


def test_markup_from_strangers_is_text(site: Site, browser: requests.Session):
    """What somebody sent as a reason, a title or a name is shown, not obeyed, and ends no attribute."""
    token = site.token()
    site.api("POST", "/applications", token, json={"name": MARKUP, "compose": MARKUP, "reason": MARKUP})
    site.services.access.tokens.create(Caller("ann", "admin"), f'"{MARKUP}')
    site.services.events.emit("bus.cluman.node", "online", None, MARKUP, f"\x1b[31m{MARKUP}", MARKUP)
    for path in (
        "/audit",
        "/events",
        "/tokens",
        f"/applications?cluster={MARKUP}",
        f"/{MARKUP}",
        f"/login?next={MARKUP}",
    ):
        page = browser.get(site.url + path, timeout=10)
        assert MARKUP not in page.text, path
        assert page.status_code < 500, path


def test_terminal_escapes_do_not_reach_a_terminal(site: Site, browser: requests.Session):
    """What a stranger wrote cannot move the cursor of whoever reads it as text in a page."""
    site.services.events.emit("bus.cluman.node", "online", None, "n1", "\x1b[2J\x1b]0;owned\x07")
    assert "\x1b" not in browser.get(f"{site.url}/events", timeout=10).text


def _record(site: Site) -> dict[str, str]:
    seen = site.services.kv.snapshot("")
    return {k: i.value for k, i in seen.items.items() if not k.startswith(("audit/", "sessions/"))}
