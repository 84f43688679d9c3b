"""Updates of boot servers on the pages: seen while they run, asked for, stopped and gone on with by those who may."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import expect

from appserver.core.access import Caller
from appserver.core.rollout_record import ABORTED, RUNNING, Status
from appserver.store import rollout as store
from tests.web import updates_record, values
from tests.web.conftest import Open, log_in
from tests.web.harbour import ADA, Harbour, serving
from tests.web.updates_record import V1, V2, V3, Record
from tests.web.visiting import OPERATOR, VIEWER, logged_in, send

VERBS = ("stop", "recover", "retry", "undo")


def harbour(record: Record, me: Caller = ADA) -> Harbour:
    return Harbour(me=me, updating=record)


def visitor(record: Record, me: Caller = ADA) -> FlaskClient:
    return logged_in(harbour(record, me))


def words(page: str, heading: str = "", end: str = "</section>") -> str:
    """What is read on a page, or in the section with a heading."""
    part = page.partition(f">{heading}</h2>")[2].partition(end)[0] if heading else page
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def test_the_standing_says_what_is_going_on_and_what_is_next() -> None:
    """Which release, which update, why it waits; who has no agent, with the command; what was not delivered."""
    page = visitor(updates_record.record()).get("/updates").text
    told = words(page, "Standing")
    assert "Release 2026.11.01-1" in told
    assert "Update 3 , retry by ada" in told
    assert "wait-for-workers : waiting for servers 0, 1 and 2; server 2: its agent is gone" in told
    assert "Boot server 2 has no agent." in page
    assert "retire=" in page
    assert "00000003-begin: nobody has been told yet" in page


def test_each_server_has_its_step_and_its_task() -> None:
    """By the step's name; who has none waits for the others."""
    told = words(visitor(updates_record.record()).get("/updates").text, "Boot servers")
    assert "3 of 4 agent" in told
    assert "The agent is there" in told
    assert "task 12, try 2" in told
    assert told.count("waits for the others") == 2


def test_where_an_update_was_stopped_nobody_waits_for_others() -> None:
    """Whoever was at a step is stopped there; whoever failed says why."""
    told = words(visitor(updates_record.aborted()).get("/updates").text, "Boot servers")
    assert told.count("Stopped") == 2
    assert "Aborted 2 of 4 etcd step etcd on boot-1: broke" in told
    assert "waits" not in told


def test_the_chart_is_there_without_scripts_and_in_words() -> None:
    """A bar for each try, a cross for the one that failed, a line for each barrier, one sentence for all of it."""
    page = visitor(updates_record.record()).get("/updates/3").text
    assert page.count('<g class="bar ') == 8
    assert len(re.findall(r'<g class="bar tone-3 failed">', page)) == 1
    assert page.count('class="barrier"') == 2
    summary = re.search(r'role="img" aria-label="(Update 3[^"]+)"', page)
    assert summary
    assert "server 1 at step 3 of 4, under way, one failed try; server 2 at step 2 of 4, done" in summary[1]


def test_an_update_is_shown_whole() -> None:
    """Its steps with scope, waves and probes; each try with its times; the output of the one that failed, as text."""
    page = visitor(updates_record.record()).get("/updates/2").text
    steps = words(page, "Steps")
    assert "one server at a time etcd etcd , tcp 127.0.0.1:2379" in steps
    assert "in waves: 1, the rest" in steps
    assert "once for all: contents" in steps
    assert "20 min, 2 tries" in steps
    assert page.count(">Failed</span>") == 1
    assert "fatal: &lt;script&gt;" in page
    assert "msg: no" in page
    assert values.EVIL not in page


def test_the_history_goes_back_page_by_page() -> None:
    """The newest first, the outcome and why."""
    record = Record()
    for number in range(1, 26):
        record.ended(
            number, V1, "late" if number == 25 else "completed", "workers take too long" if number == 25 else ""
        )
    client = visitor(record)
    page = client.get("/updates").text
    assert re.findall(r'href="/updates/(\d+)">\d+</a>', page) == [str(number) for number in range(25, 5, -1)]
    assert "Too late" in page
    older = client.get("/updates?after=6").text
    assert re.findall(r'href="/updates/(\d+)">\d+</a>', older) == ["5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    ("record", "offered"),
    [
        (updates_record.record, {"/updates/do/stop"}),
        (updates_record.aborted, {"/updates/do/recover", "/updates/do/retry", "/updates/do/undo"}),
        (updates_record.completed, {"/updates/new", f"/updates/new?version={V2}", f"/updates/new?version={V3}"}),
    ],
    ids=["running", "aborted", "completed"],
)
def test_only_what_can_be_done_now_is_offered(record, offered) -> None:
    """And of that, only what the reader may."""
    found = {}
    for me in (ADA, OPERATOR, VIEWER):
        page = visitor(record(), me).get("/updates").text
        found[me.role] = set(re.findall(r'href="(/updates/(?:do/\w+|new[^"]*))"', page))
    assert found["admin"] >= offered
    assert found["operator"] == found["admin"] - {"/updates/do/undo"}
    assert found["viewer"] == set()


def test_a_viewer_changes_nothing_an_operator_takes_nothing_back() -> None:
    """At the page and at the form: refused with a reason, and on record."""
    for me, refused in ((VIEWER, (*VERBS, "new")), (OPERATOR, ("undo",))):
        record = updates_record.aborted()
        client = visitor(record, me)
        before = dict(record.kv.snapshot("status/", "update/", "info/").items)
        for verb in refused:
            path = "/updates/new" if verb == "new" else f"/updates/do/{verb}"
            page = client.get(path)
            assert page.status_code == 403
            assert "may not" in page.text
            assert send(client, path, "/updates", version=V2).status_code == 403
        assert dict(record.kv.snapshot("status/", "update/", "info/").items) == before
        results = [item.value for item in record.kv.snapshot("audit/").items.values()]
        assert len(results) == len(refused)
        assert all('"result":"refused"' in one for one in results)


def test_a_stop_takes_its_reason_along() -> None:
    """Asked once more first; the page that follows says what was done."""
    record = updates_record.record()
    client = visitor(record, OPERATOR)
    page = client.get("/updates/do/stop").text
    assert "A step runs on" in words(page)
    assert send(client, "/updates/do/stop", "/updates/do/stop", reason=f"wrong {values.EVIL}").location == "/updates"
    page = client.get("/updates").text
    assert "The update is stopped:" in page
    assert "stopped by ada: wrong &lt;script&gt;" in page
    request = store.request_of(record.kv.snapshot(store.REQUEST))
    assert request
    assert request.record.stop


def test_what_was_stopped_is_retried_recovered_or_taken_back() -> None:
    """Each says what it comes to before."""
    client = visitor(updates_record.aborted())
    assert "at the first step that not all were through with" in client.get("/updates/do/retry").text
    send(client, "/updates/do/retry", "/updates/do/retry")
    assert "retry by ada" in words(client.get("/updates").text, "Standing")

    record = updates_record.aborted()
    client = visitor(record)
    assert "begins anew with 2026.11.01-1" in words(client.get("/updates/do/recover").text)
    send(client, "/updates/do/recover", "/updates/do/recover")
    assert store.request_of(record.kv.snapshot(store.REQUEST)) is None

    client = visitor(updates_record.aborted())
    assert "etcd-back.yml" in client.get("/updates/do/undo").text
    send(client, "/updates/do/undo", "/updates/do/undo")
    assert "undo by ada" in words(client.get("/updates").text, "Standing")


def test_the_plan_comes_before_an_update_is_asked_for() -> None:
    """With its steps; nothing is written by looking."""
    record = updates_record.completed()
    client = visitor(record, OPERATOR)
    page = client.get(f"/updates/new?version={V3}").text
    assert f"request-update : {V3} follows {V1}, on servers 0, 1, 2" in words(page)
    assert "etcd.yml" in page
    assert store.release_of(record.kv.snapshot(store.RELEASE)) == V1
    assert send(client, "/updates/new", f"/updates/new?version={V3}", version=V3).location == "/updates"
    assert store.release_of(record.kv.snapshot(store.RELEASE)) == V3


@pytest.mark.parametrize(
    ("version", "status", "told"),
    [
        ("latest", 422, "is no version"),
        ("../x", 422, "is no version"),
        ("x" * 20_000, 422, "is no version"),
        ("2026.13.01-1", 422, "is no version"),
        ("2026.12.01-9", 404, "is not kept here"),
        (updates_record.OLD, 409, "goes back"),
        (values.EVIL, 422, "is no version"),
    ],
)
def test_what_cannot_be_updated_to_stands_at_its_field(version: str, status: int, told: str) -> None:
    """What was typed is still there; the form alone does no more."""
    record = updates_record.completed()
    client = visitor(record)
    answer = client.get("/updates/new", query_string={"version": version})
    assert answer.status_code == status
    assert told in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert values.EVIL not in answer.text
    assert send(client, "/updates/new", "/updates/do/stop", version=version).status_code == status
    assert store.release_of(record.kv.snapshot(store.RELEASE)) == V1


@pytest.mark.parametrize("path", ["/updates/new", *(f"/updates/do/{verb}" for verb in VERBS)])
def test_a_form_without_its_token_does_nothing(path: str) -> None:
    """Another site cannot press our buttons."""
    record = updates_record.aborted()
    before = dict(record.kv.snapshot("status/", "update/", "info/").items)
    assert visitor(record).post(path, data={"version": V3}).status_code == 403
    assert dict(record.kv.snapshot("status/", "update/", "info/").items) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/updates/99", 404),
        ("/updates/99999999999999999999", 404),
        ("/updates/x", 404),
        ("/updates/-1", 404),
        ("/updates/do/rm", 404),
        ("/updates?after=x", 200),
        ("/updates?after=99999999999", 200),
    ],
)
def test_what_is_not_there_is_said_to_be(path: str, status: int) -> None:
    """And is no fault of ours."""
    assert visitor(updates_record.record()).get(path).status_code == status


def test_before_the_first_update_the_page_says_so() -> None:
    """Nothing is asked for, and nothing was."""
    record = Record()
    record.kv.commit({}, {}, [store.RELEASE])
    page = visitor(record).get("/updates").text
    assert "Clear" in page
    assert "no release is known yet" in page
    assert "There was no update yet." in page
    assert "<figure" not in page


@pytest.mark.browser
def test_it_is_followed_without_a_reload(open_page: Open) -> None:
    """A step that ends, and one that fails, are on the page by themselves; what is opened stays open."""
    record = updates_record.record()
    with serving(harbour(record).app()) as address:
        page = open_page(f"{address}/login", width=360)
        log_in(page, "ada", "right")
        page.goto(f"{address}/updates")
        expect(page.locator("h1 .chip")).to_have_text("Running")
        expect(page.locator(".bar")).to_have_count(8)
        page.locator(".failure summary").click()
        page.evaluate("window.same = true")
        done = record.update_list.status(ADA).progress[1].steps
        failed = replace(done[-1], phase="failed", ended_at=record.clock.now(), why="it broke again", output=("last",))
        record.did(1, 3, *done[:-1], failed)
        record.say(Status(V1, 3, RUNNING), Status(V1, 3, ABORTED, "it broke again"), Status(V1, 3, RUNNING))
        expect(page.get_by_role("cell", name="it broke again")).to_be_visible()
        expect(page.locator(".bar.failed")).to_have_count(2)
        expect(page.locator(".failure pre").first).to_be_visible()
        record.updates.stop(ADA, "enough")
        expect(page.locator("h1 .chip")).to_have_text("Aborted")
        expect(page.get_by_role("link", name="Recover")).to_be_visible()
        assert page.evaluate("window.same")


@pytest.mark.browser
def test_an_update_is_stopped_with_the_keyboard(open_page: Open) -> None:
    """From the page to the reason to the button."""
    record = updates_record.record()
    with serving(harbour(record).app()) as address:
        page = open_page(f"{address}/login")
        log_in(page, "ada", "right")
        page.get_by_role("link", name="Updates").click()
        page.get_by_role("link", name="Stop").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Reason").fill("the wrong day")
        page.keyboard.press("Enter")
        expect(page.get_by_text("stopped by ada: the wrong day").first).to_be_visible()
        expect(page.locator("h1 .chip")).to_have_text("Aborted")
