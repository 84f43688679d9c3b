"""B11, authentication: nothing but a good password, session or token makes anybody somebody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from appserver.core.access import Caller
from tests.fakes import PASSWORD
from tests.lab.served import ROOT, Site

CLAIMS = {"sub": "ann", "role": "admin", "exp": 4_102_444_800}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _jwt(alg: str, key: bytes = b"") -> str:
    text = f"{_part({'alg': alg, 'typ': 'JWT'})}.{_part(CLAIMS)}"
    mac = hmac.digest(key, text.encode(), hashlib.sha256) if key else b""
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


GARBAGE = {
    "unsigned": _jwt("none"),
    "signed with nothing": _jwt("HS256", b"\0"),
    "signed with a public key": _jwt("RS256", b"-----BEGIN PUBLIC KEY-----"),
    "empty": "",
    "another program's": "ghp_" + "a" * 36,
    "only a prefix": "mrg_",
    "made up": f"mrg_{'0' * 16}_{'0' * 64}",
    "of another instance": f"mrg_{'a1' * 8}_{'b2' * 32}",
    "a path": "mrg_../users/ann_" + "0" * 64,
    "endless": "mrg_" + "a" * 6000,
    "not ascii": "mrg_\u00e9",
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_nobody(site: Site, token: str):
    """Unsigned, forged and made-up tokens are 401 at every door, and say nothing about which."""
    site.person("ann")
    headers = {"Authorization": f"Bearer {token}".encode()}
    for method, path in (("GET", "/me"), ("GET", "/applications"), ("POST", "/tokens"), ("GET", "/events")):
        answer = site.api(method, path, headers=headers, json={"title": "x"} if method == "POST" else None)
        assert answer.status_code == 401, (path, answer.text)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    git = site.ask("GET", "/git/config.git/info/refs?service=git-upload-pack", headers=headers)
    assert git.status_code == 401


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Negotiate", "Token", "bearer bearer"])
def test_other_schemes_are_nobody(site: Site, scheme: str):
    """The API takes bearer tokens; a browser that sends a password of its own accord is nobody there."""
    site.person("ann")
    given = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    assert site.api("GET", "/me", headers={"Authorization": f"{scheme} {given}"}).status_code == 401


def test_a_token_in_the_address_is_nobody(site: Site):
    """Addresses are logged and shared: no token is taken from there."""
    token = site.token()
    for name in ("token", "access_token", "api_key", "authorization"):
        assert site.api("GET", f"/me?{name}={token}").status_code == 401
    assert site.ask("GET", "/api/v1/me", cookies={"token": token, "moorage": token}).status_code == 401


def test_revoked_expired_and_orphaned_tokens_are_nobody(site: Site):
    """A token ends with its revocation, its time, and its user, at once."""
    ann, tokens = Caller("ann", "admin"), site.services.access.tokens
    site.person("ann")
    site.person("bob", "operator")
    revoked, text = tokens.create(ann, "revoked")
    assert site.api("GET", "/me", text).status_code == 200
    tokens.revoke(ann, revoked.id)
    short = tokens.create(ann, "short", lasts=timedelta(microseconds=1))[1]
    orphan = tokens.create(Caller("bob", "operator"), "orphan")[1]
    site.services.access.users.delete(ROOT, "bob")
    for gone in (text, short, orphan):
        assert site.api("GET", "/me", gone).status_code == 401


def test_names_cannot_be_found_out_by_trying(site: Site):
    """An unknown name, a wrong password and a closed account get the same words."""
    site.person("ann")
    site.person("bob", "viewer")
    site.services.access.users.change(ROOT, "bob", disabled=True)
    told = {
        _without_noise(site.api("POST", "/login", json={"username": name, "password": password}))
        for name, password in (("ann", "wrong password"), ("nobody", PASSWORD), ("bob", PASSWORD), ("../x", PASSWORD))
    }
    assert len(told) == 1
    assert next(iter(told))[0] == 401


def _without_noise(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


def test_a_storm_of_log_ins_is_told_to_wait(site: Site):
    """A thousand guesses at once do not get a thousand answers, and do not become a thousand audit entries."""
    site.person("ann")

    def guess(number: int) -> int:
        return site.api("POST", "/login", json={"username": "ann", "password": f"guess number {number}"}).status_code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(200)))
    assert set(answers) == {401, 429}
    assert answers.count(401) <= 10
    slow = site.api("POST", "/login", json={"username": "ann", "password": PASSWORD})
    assert slow.status_code == 429
    assert int(slow.headers["Retry-After"]) >= 1
    refused = [key for key in site.services.kv.snapshot("audit/").items.values() if '"refused"' in key.value]
    assert len(refused) <= 10


def test_an_invitation_works_once_even_for_two_at_the_same_time(site: Site):
    """Two people with the same link: one account, and the other is told that the link was used."""
    secret = site.services.access.users.invite(ROOT, "ann", "admin")

    def accept(password: str) -> int:
        page = requests.Session()
        page.trust_env = False
        form = page.get(f"{site.url}/setup/{secret}", timeout=10)
        found = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
        data = {"csrf_token": found[1] if found else "", "password": password, "again": password}
        return page.post(f"{site.url}/setup/{secret}", data=data, timeout=30, allow_redirects=False).status_code

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(accept, ("the first password", "the second password"))
    assert sorted([first == 303, second == 303]) == [False, True], (first, second)
    assert accept("the third password") == 404 or site.ask("GET", f"/setup/{secret}").status_code == 404


def test_a_cookie_set_before_log_in_is_not_the_session_after(site: Site):
    """Whoever plants a cookie in somebody's browser does not get their session: it changes at log-in."""
    site.person("ann")
    with requests.Session() as page:
        page.trust_env = False
        _log_in(site, page)
        planted = page.cookies["moorage"]
        assert site.ask("GET", "/api/v1/me", cookies={"moorage": planted}).status_code == 200
        _log_in(site, page)
        assert page.cookies["moorage"] != planted


def test_a_copied_cookie_is_worth_nothing_after_log_out(site: Site):
    """The record of the session is the server's: logging out ends every copy."""
    site.person("ann")
    with requests.Session() as page:
        page.trust_env = False
        token = _log_in(site, page)
        copied = page.cookies["moorage"]
        assert site.ask("GET", "/api/v1/me", cookies={"moorage": copied}).json()["via"] == "session"
        page.post(f"{site.url}/logout", data={"csrf_token": token}, timeout=10)
    assert site.ask("GET", "/api/v1/me", cookies={"moorage": copied}).status_code == 401


def test_a_forged_cookie_is_nobody(site: Site):
    """The signature is checked; another key's, or none, is as no cookie at all."""
    site.person("ann")
    for forged in ("eyJfdXNlcl9pZCI6ImFubiJ9.Z.x", "ann", "", "." * 5000):
        assert site.ask("GET", "/api/v1/me", cookies={"moorage": forged}).status_code == 401


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(site: Site):
    """HttpOnly, SameSite=Lax, for this host alone."""
    site.person("ann")
    answer = site.ask("GET", "/login")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


def _log_in(site: Site, page: requests.Session) -> str:
    """Log ann in with a browser's form; the CSRF token that then holds."""
    form = page.get(f"{site.url}/login", timeout=10)
    data = {"csrf_token": csrf_of(form.text), "name": "ann", "password": PASSWORD}
    answer = page.post(f"{site.url}/login", data=data, timeout=10, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    return csrf_of(page.get(f"{site.url}/applications", timeout=10).text)


def csrf_of(text: str) -> str:
    """The CSRF token of a page's first form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert found, text
    return found[1]
