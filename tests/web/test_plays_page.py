"""Playbooks on the pages: a real browser, a real app server, real hosts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.fakes import PASSWORD
from tests.lab.theatre import Theatre
from tests.web.conftest import Open, log_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ENDED_MS = 60_000


@pytest.fixture
def ann(theatre: Theatre, open_page: Open) -> Page:
    """An administrator's browser."""
    api = theatre.api
    if api.get("users/ann").status_code == 404:
        link = api.post("users", {"name": "ann", "role": "admin"}).json()["url"]
        page = open_page(theatre.servers.url + "/setup/" + link.rpartition("/")[2])
        for field in page.get_by_label(re.compile("assword")).all():
            field.fill(PASSWORD)
        page.get_by_role("button").last.click()
    page = open_page(f"{theatre.servers.url}/login", provoked="422")  # a form that is to be mended
    log_in(page, "ann", PASSWORD)
    return page


def state(page: Page, text: str) -> None:
    expect(page.locator("h1 .chip")).to_have_text(text, timeout=ENDED_MS)


def test_check_first_then_run(theatre: Theatre, ann: Page, tmp_path: Path) -> None:
    """The form begins with a check; what it found is run with one more press, its answers taken over."""
    ann.get_by_role("link", name="Playbooks").click()
    ann.get_by_role("link", name="Run a playbook").click()
    ann.get_by_role("link", name="Choose file.yml").click()
    ann.get_by_label("Extra variables").fill(f"path: {tmp_path / 'motto'}\ntext: fair winds\n")
    ann.get_by_label("Reason").fill("a motto")
    ann.get_by_role("button", name="Go").click()
    state(ann, "Done")
    expect(ann.get_by_text("+fair winds")).to_be_visible()
    assert not (tmp_path / "motto").exists()
    ann.get_by_role("link", name="Run it now").click()
    expect(ann.get_by_label("What", exact=True)).to_have_value("run")
    ann.get_by_role("button", name="Go").click()
    state(ann, "Done")
    assert (tmp_path / "motto").read_text() == "fair winds\n"
    expect(ann.get_by_text("a motto")).to_be_visible()


def test_a_running_play_is_followed_reloaded_and_cancelled(theatre: Theatre, ann: Page) -> None:
    """Lines come by themselves; a reload shows them all once; cancelling ends it, and the page says by whom."""
    with theatre.held("web1", "web2") as held:
        ann.goto(f"{theatre.servers.url}/plays/{held.number}")
        state(ann, "Running")
        expect(ann.locator(".log")).to_contain_text("PLAY [Held]")
        ann.reload()
        expect(ann.get_by_text("PLAY [Held]")).to_have_count(1)
        ann.get_by_text("Cancel", exact=True).click()
        ann.get_by_role("button", name=f"Cancel play {held.number}").click()
        state(ann, "Cancelled")
        expect(ann.get_by_role("status").first).to_have_text("cancelled by ann")
        expect(ann.get_by_role("cell", name="processes ended:")).to_have_count(2)


def test_lines_come_while_one_looks(theatre: Theatre, ann: Page) -> None:
    """To the last, without a reload; then nothing is asked any more."""
    with theatre.held("web1") as held:
        ann.goto(f"{theatre.servers.url}/plays/{held.number}")
        expect(ann.locator("[data-log-state]")).to_have_text("Live")
        held.go()
        expect(ann.locator(".log")).to_contain_text("PLAY RECAP", timeout=ENDED_MS)
        state(ann, "Done")
        expect(ann.locator("[data-log-state]")).to_have_text("Ended")


def test_a_mistake_stands_at_its_field(theatre: Theatre, ann: Page) -> None:
    """What was typed is still there, and nothing is queued."""
    ann.goto(f"{theatre.servers.url}/plays/new?playbook=asks.yml")
    ann.get_by_label("Others", exact=False).first.fill("web9")
    ann.get_by_label("Extra variables").fill("ansible_user: root")
    ann.get_by_role("button", name="Go").click()
    expect(ann.get_by_text("no host and no group of the inventory is called 'web9'")).to_be_visible()
    expect(ann.get_by_text("for the inventory to say")).to_be_visible()
    expect(ann.get_by_text("would prompt for colour")).to_be_visible()
    expect(ann.get_by_label("Extra variables")).to_have_value("ansible_user: root")
    expect(ann.get_by_label("Others", exact=False).first).to_have_value("web9")
