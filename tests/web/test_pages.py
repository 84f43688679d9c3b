"""Every page as the server sends it: complete without scripts, safe from strangers, open to those who may."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from appserver.core.access import Caller
from appserver.errors import StoreError
from tests.web import values
from tests.web.harbour import ADA, Harbour
from tests.web.visiting import APP, OPEN, OPERATOR, PAGES, VIEWER, logged_in, send


@pytest.fixture
def harbour() -> Harbour:
    return Harbour()


@pytest.fixture
def client(harbour: Harbour) -> FlaskClient:
    """A browser without scripts, logged in as whoever `harbour.me` is."""
    return logged_in(harbour)


@pytest.mark.parametrize("path", [*PAGES, *OPEN])
def test_a_page_is_whole_and_needs_nothing_that_a_strict_policy_forbids(client, path):
    """One language, one heading, one main landmark; no inline script, style or handler, nothing from elsewhere."""
    answer = client.get(path)
    assert answer.status_code == 200
    page = answer.text
    assert page.count("<h1") == 1 and page.count("<main") == 1 and '<html lang="en"' in page
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert not re.search(r'<(?!a )[^>]*(src|href|action)="(https?:)?//', page)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", PAGES)
def test_what_strangers_wrote_is_text(client, path):
    """A script in a log line, a reason, a title or a value is shown, not run."""
    page = client.get(path).text
    assert values.EVIL not in page and "\x1b" not in page


def test_where_an_application_is_reached_is_on_its_page(client):
    """A link for each host and path, and a word where nothing answers."""
    page = client.get(APP).text
    assert 'href="https://shop.example.net/api"' in page
    assert page.count("nothing answers now") == 1


def test_what_is_asked_is_shown_beside_what_was_used(client):
    """On the page of an application: of a service that asks for nothing, and that nobody ran, that is said."""
    page = client.get(APP).text.partition("Asked and used")[2].partition("</section>")[0]
    told = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "web cpus 0.5 0.01 0.31 1.4 quay/web" in told
    assert "web memory 512 MiB 86.8 MiB 114 MiB 475 MiB" in told
    assert "worker memory nothing – – – nobody ran it yet" in told


def test_the_scene_is_full_of_strangers(client):
    """The test above means something: the text is there, escaped."""
    shown = (
        "/applications/default/mail",
        f"{APP}/history",
        f"{APP}/explain",
        f"{APP}/logs",
        "/events",
        "/tokens",
        "/audit",
    )
    assert all("&lt;script&gt;" in client.get(path).text for path in shown)


@pytest.mark.parametrize("path", PAGES)
def test_every_control_has_a_name(client, path):
    """A field has a label, a button a text or a label of its own: a screen reader can say what it is."""
    page = client.get(path).text
    labels = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    for tag, attributes in re.findall(r"<(input|select|textarea)\b([^>]*)>", page):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        wrapped = found.get("type") in ("hidden", "checkbox")
        assert wrapped or found.get("id") in labels or "aria-label" in found, f"{tag} {attributes}"
    for attributes, text in re.findall(r"<button\b([^>]*)>(.*?)</button>", page, re.DOTALL):
        assert "aria-label" in attributes or re.sub(r"<[^>]+>", "", text).strip(), attributes


@pytest.mark.parametrize("path", PAGES)
def test_nobody_unknown_reads_a_page(harbour, path):
    """They are sent to log in, and from there back."""
    answer = harbour.app().test_client().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=")


def test_a_fragment_sends_the_browser_to_log_in(harbour):
    """A live page whose session ended does not show the log-in form inside a table."""
    answer = harbour.app().test_client().get("/applications", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx"]
)
def test_log_in_never_leads_elsewhere(harbour, target):
    """`next` is a path of this server, or it is nothing."""
    client = harbour.app().test_client()
    answer = send(client, "/login", "/login", name="ada", password="right", next=target)
    assert answer.location == "/applications"


def test_a_wrong_password_is_told_and_the_name_kept(harbour):
    """The page says it is wrong, not which of the two."""
    answer = send(harbour.app().test_client(), "/login", "/login", name="ada", password="wrong")
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text and 'value="ada"' in answer.text


def test_a_head_request_reads_and_does_not_act(client, harbour):
    """HEAD is safe: it must not fall into what a POST does."""
    for path in ("/users", "/tokens", "/import", f"{APP}/delete", f"{APP}/history/1/rollback", "/login"):
        assert client.head(path).status_code in (200, 302)
    assert harbour.done == []


@pytest.mark.parametrize(
    "path", [f"{APP}/do/stop", f"{APP}/delete", "/applications/deploy", "/tokens", "/users/ada", "/logout", "/theme"]
)
def test_a_form_without_its_token_does_nothing(client, harbour, path):
    """Another site cannot press our buttons."""
    answer = client.post(path, data={"typed": "shop", "do": "close"})
    assert answer.status_code == 403
    assert harbour.done == []


def test_a_viewer_is_shown_no_button_that_would_refuse_them():
    """What they may not do is not offered; asked for all the same, it is refused with a reason."""
    client = logged_in(Harbour(me=VIEWER))
    page = client.get(APP).text
    assert "Stop" not in page and "Delete" not in page and "Edit" not in page
    assert "New application" not in client.get("/applications").text
    for path in (f"{APP}/edit", f"{APP}/delete", "/users", "/import", "/sources/new"):
        answer = client.get(path)
        assert answer.status_code == 403 and "may not" in answer.text


@pytest.mark.parametrize("me", [VIEWER, OPERATOR, ADA], ids=lambda me: me.role)
def test_the_menu_leads_only_where_one_may_go(me):
    """The rights that the services ask for are those that the menu goes by."""
    page = logged_in(Harbour(me=me)).get("/applications").text
    menu = re.findall(r'<li><a href="/(\w+)"', page)
    held = {"applications", "sources", "nodes", "bootservers", "updates", "settings", "events", "tokens"}
    if me.may("A", "node:n1"):
        held.add("import")
    if me.may("R", "play:"):
        held.add("plays")
    if me.role == "admin":
        held |= {"audit", "users"}
    assert set(menu) == held


def test_an_operator_has_no_page_of_users():
    """Accounts are the administrators' business."""
    assert ">Users<" not in logged_in(Harbour(me=OPERATOR)).get("/applications").text


def test_an_empty_list_says_what_to_do_next(harbour):
    """The first page after the set-up is not a blank table."""
    harbour.apps.clear()
    page = logged_in(harbour).get("/applications").text
    assert "Nothing runs here yet" in page and "New application" in page


def test_a_token_is_shown_once(client):
    """In the answer that made it, and on no page after."""
    made = send(client, "/tokens", "/tokens", title="laptop", scope="operator", days="30")
    assert made.status_code == 201 and "mrg_a1a1" in made.text
    assert "mrg_" not in client.get("/tokens").text


def test_an_invitation_is_a_link_shown_once(client):
    """The whole address, to be handed on."""
    made = send(client, "/users", "/users", name="grace", role="operator")
    assert made.status_code == 201 and "http://localhost/setup/s3cret" in made.text


def test_a_used_set_up_link_says_how_to_get_another(client):
    """Nobody is left at a dead end."""
    answer = client.get("/setup/old")
    assert answer.status_code == 404
    assert "no longer good" in answer.text and "moorage setup link" in answer.text


def test_the_theme_is_remembered_without_scripts(client):
    """A cookie, so that the first byte is already dark."""
    answer = send(client, "/theme", "/applications", theme="dark", back="/nodes")
    assert answer.location == "/nodes"
    assert '<html lang="en" data-theme="dark">' in client.get("/nodes").text


def test_drift_of_an_agent_that_is_away_is_not_known(client):
    """What it said last is not taken for what is there now."""
    page = client.get("/applications/edge/proxy/drift").text
    assert "Not known" in page and "The agent on quay-7 is away" in page
    assert "As recorded" not in page


def test_the_last_changes_of_a_boot_server_have_both_sides(client):
    """When, what, before and after; where there are none, the page says so, and how a number goes that nobody has."""
    page = client.get("/bootservers/0").text
    changes = page.partition("Last changes</h2>")[2].partition("</section>")[0]
    assert re.findall(r"<b>([^/]*)</b>", changes) == ["jq &lt;b&gt;", "odd", "ops"]
    assert "1.6-2.1" in changes and "busybox:1.36" in changes and "moorage boot retire" not in page
    ghost = client.get("/bootservers/10").text
    assert "Nobody has changed anything by hand" in ghost and "moorage boot retire 10" in ghost


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/applications/default/gone", 404), ("/applications/UP/x", 422)]
)
def test_an_error_is_a_page_with_a_way_on(client, path, status):
    """A title, the reason, what to do next, a link back to the applications."""
    answer = client.get(path)
    assert answer.status_code == status
    assert 'href="/applications"' in answer.text and answer.text.count("<h1") == 1


def test_when_the_record_cannot_be_read_the_page_says_so(harbour):
    """Even who is calling is unknown then; the page is there all the same, with a reason."""
    client = logged_in(harbour)

    def away(*_: object) -> Caller:
        raise StoreError("etcd does not answer")

    client.application.extensions["moorage"].services.access.by_session = away
    answer = client.get("/applications")
    assert answer.status_code == 502
    assert "etcd does not answer" in answer.text and "What runs goes on running" in answer.text


def test_static_files_are_kept_for_ever_by_digest_and_asked_for_without(client):
    """An address with the digest of its content never goes stale; one without is checked each time."""
    page = client.get("/applications").text
    sheet = re.search(r'href="(/static/css/tokens.css\?v=[0-9a-f]{12})"', page)
    with client.get(sheet[1]) as lasting, client.get("/static/css/tokens.css") as passing:
        assert "immutable" in lasting.headers["Cache-Control"]
        assert "immutable" not in passing.headers.get("Cache-Control", "")
