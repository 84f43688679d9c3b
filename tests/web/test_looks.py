"""How the pages look and behave in a real browser: any width, light and dark, by keyboard, under a strict policy."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.web import values
from tests.web.conftest import Open, editor_of, log_in
from tests.web.visiting import APP, OPEN, PAGES

pytestmark = pytest.mark.browser
WIDTHS = (360, 768, 1280, 1600)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CLIPPED = """() => [...document.querySelectorAll("button, a.button, .chip, h1, th")]
  .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow !== "visible")
  .map(e => e.textContent.trim())"""
PALE = """() => {
  const parse = (text) => {
    const part = text.match(/[\\d.]+/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return [...part.slice(0, 3).map((one) => one * scale), part[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim();
    const element = walk.currentNode.parentElement;
    if (!text || !element.checkVisibility() || element.closest(".sr, .skip, [disabled], template")) continue;
    const below = ground(element);
    const [a, b] = [light(over(parse(getComputedStyle(element).color), below)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
}"""

UNUSABLE = """() => {
  const problems = [];
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.checkVisibility());
  const pressed = "button, select, summary, .button, input:not([type=hidden], [type=checkbox], [type=radio])";
  for (const e of visible(pressed)) {
    const box = e.getBoundingClientRect();
    if (box.width < 24 || box.height < 24) problems.push(`small: ${e.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids)) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`twice: #${id}`);
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls"])
    for (const e of document.querySelectorAll(`[${name}]`))
      for (const id of e.getAttribute(name).split(" "))
        if (!document.getElementById(id)) problems.push(`${name} of nothing: ${id}`);
  let level = 0;
  for (const heading of visible("h1, h2, h3, h4")) {
    if (Number(heading.tagName[1]) > level + 1) problems.push(`out of order: ${heading.outerHTML.slice(0, 80)}`);
    level = Number(heading.tagName[1]);
  }
  return problems;
}"""
FOCUS = "[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"


@pytest.fixture
def ada(open_page: Open, harbour: str) -> Page:
    """Ada's browser, logged in."""
    page = open_page(f"{harbour}/login")
    log_in(page, "ada", "right")
    return page


def test_every_page_fits_every_screen_and_can_be_read(ada: Page, harbour: str) -> None:
    """From a phone to a wide screen nothing overflows or is cut; light or dark, every text has a contrast of 4.5."""
    wrong = []
    for path in PAGES:
        ada.goto(harbour + path)
        for width in WIDTHS:
            ada.set_viewport_size({"width": width, "height": 860})
            over, clipped = ada.evaluate(TOO_WIDE), ada.evaluate(CLIPPED)
            if over > 0 or clipped:
                wrong.append(f"{path} at {width}: {over} px too wide, cut: {clipped}")
        for scheme in SCHEMES:
            ada.emulate_media(color_scheme=scheme)
            wrong += [f"{path}, {scheme}: {pale}" for pale in ada.evaluate(PALE)]
    assert wrong == []


def test_every_page_is_in_order_for_those_who_do_not_see_it_or_point_badly(ada: Page, harbour: str) -> None:
    """Headings in order, ids once, descriptions that exist, nothing to press that is smaller than 24 pixels."""
    wrong = []
    for path in PAGES:
        ada.goto(harbour + path)
        for width in (1280, 390):
            ada.set_viewport_size({"width": width, "height": 860})
            wrong += [f"{path} at {width}: {one}" for one in ada.evaluate(UNUSABLE)]
    assert wrong == []


def test_who_goes_by_keyboard_sees_where_they_are(ada: Page, harbour: str) -> None:
    """Tab goes past the menu by one link, through every control, and marks each."""
    ada.goto(f"{harbour}{APP}")
    ada.keyboard.press("Tab")
    expect(ada.get_by_role("link", name="Skip to content")).to_be_focused()
    ada.keyboard.press("Enter")
    ada.keyboard.press("Tab")
    expect(ada.get_by_role("main").get_by_role("link").first).to_be_focused()
    passed = 0
    while (focus := ada.evaluate(FOCUS))[0] != "BODY":
        assert focus[1] != "none", passed
        ada.keyboard.press("Tab")
        passed += 1
    assert passed > 10


@pytest.mark.parametrize("path", OPEN)
def test_pages_for_nobody_known_fit_a_phone(open_page: Open, harbour: str, path: str) -> None:
    """The first page somebody sees is whole on the screen they have in their hand."""
    page = open_page(harbour + path, width=360)
    assert page.evaluate(TOO_WIDE) <= 0
    assert page.evaluate(PALE) == []


def test_strangers_run_nothing(ada: Page, harbour: str) -> None:
    """The scripts that strangers wrote are on the pages as text."""
    for path in (f"{APP}/logs", f"{APP}/history", f"{APP}/explain", "/events", "/tokens", "/audit"):
        ada.goto(harbour + path)
        expect(ada.get_by_text(values.EVIL).first).to_be_visible()
        assert "owned" not in ada.title()


def test_the_editor_marks_faults_at_their_lines(ada: Page, harbour: str) -> None:
    """As one types, the fault stands in the list and at its line; a click leads there."""
    ada.goto(f"{harbour}/applications/new")
    ada.get_by_label("Name").fill("shop")
    editor = editor_of(ada, "compose.yaml")
    editor.click()
    ada.keyboard.insert_text("services:\n  web:\n    ports: [bad]\n")
    expect(ada.get_by_text("3 things to mend")).to_be_visible()
    expect(ada.locator(".cm-lint-marker-error")).to_have_count(2)
    ada.get_by_role("button", name="compose.yaml:3").click()
    expect(editor).to_be_focused()
    ada.keyboard.press("Control+a")
    ada.keyboard.insert_text("services:\n  web:\n    image: web\n")
    expect(ada.get_by_text("Ready to review")).to_be_visible()
    expect(ada.locator(".cm-lint-marker-error")).to_have_count(0)


def test_the_editor_lets_the_keyboard_out(ada: Page, harbour: str) -> None:
    """Tab leaves it, as it leaves any field."""
    ada.goto(f"{harbour}/applications/new")
    editor_of(ada, "compose.yaml").focus()
    ada.keyboard.press("Tab")
    expect(ada.get_by_role("textbox", name=".env")).to_be_focused()


def test_rows_are_added_and_taken_away(ada: Page, harbour: str) -> None:
    """An override more, an override less, without a round trip."""
    ada.goto(f"{harbour}{APP}/edit")
    rows = ada.get_by_role("textbox", name="Service")
    expect(rows).to_have_count(2)
    ada.get_by_role("button", name="Add an override").click()
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_be_focused()
    ada.get_by_role("button", name="Take this override away").first.click()
    expect(rows).to_have_count(2)


def test_find_narrows_as_one_types(ada: Page, harbour: str) -> None:
    """Values that do not match are gone, services without a match too."""
    ada.goto(f"{harbour}{APP}/explain")
    ada.get_by_label("Find").fill("mem_limit")
    expect(ada.get_by_role("row", name="mem_limit")).to_be_visible()
    expect(ada.get_by_role("heading", name="db")).to_be_hidden()
    expect(ada.get_by_text("1 shown")).to_be_visible()


def test_the_theme_changes_at_once_and_stays(ada: Page, harbour: str) -> None:
    """Without a reload, and on the next page too."""
    before = ada.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    ada.get_by_role("button", name="Dark").click()
    expect(ada.locator("html")).to_have_attribute("data-theme", "dark")
    assert ada.evaluate("getComputedStyle(document.documentElement).backgroundColor") != before
    ada.goto(f"{harbour}/nodes")
    expect(ada.locator("html")).to_have_attribute("data-theme", "dark")
    expect(ada.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


def test_on_a_phone_the_menu_opens_and_closes_by_keyboard(open_page: Open, harbour: str) -> None:
    """Behind a button, and away again with Escape."""
    page = open_page(f"{harbour}/login", width=390)
    log_in(page, "ada", "right")
    nodes = page.get_by_role("link", name="Nodes")
    expect(nodes).to_be_hidden()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    expect(nodes).to_be_visible()
    page.keyboard.press("Escape")
    expect(nodes).to_be_hidden()


def test_live_content_keeps_what_the_reader_opened(ada: Page, harbour: str) -> None:
    """New content is merged into the old: an opened log stays open, focus stays where it is."""
    ada.goto(f"{harbour}/applications/default/mail")
    summary = ada.get_by_text(re.compile("log lines"))
    summary.click()
    summary.focus()
    ada.evaluate("document.querySelector('#live').dataset.old = ''")
    ada.evaluate("htmx.trigger('#live', 'refresh')")
    expect(ada.locator("#live:not([data-old])")).to_be_visible()
    expect(ada.locator("details pre")).to_be_hidden()
    expect(summary).to_be_focused()


def test_old_content_does_not_look_current(open_page: Open, harbour: str) -> None:
    """When the server does not answer any more, the page says so."""
    ada = open_page(f"{harbour}/login", provoked="ERR_FAILED|htmx:")
    log_in(ada, "ada", "right")
    ada.route("**/applications", lambda route: route.abort())
    ada.evaluate("htmx.trigger('#applications', 'refresh')")
    expect(ada.locator("#applications")).to_have_class(re.compile("lost"))
    ada.unroute("**/applications")
    ada.evaluate("htmx.trigger('#applications', 'refresh')")
    expect(ada.locator("#applications")).not_to_have_class(re.compile("lost"))


def test_without_scripts_the_pages_are_read_and_forms_work(open_page: Open, harbour: str) -> None:
    """Log in, read, write, plan: no script needed."""
    page = open_page(f"{harbour}/login", scripts=False)
    log_in(page, "ada", "right")
    expect(page.get_by_role("link", name="shop", exact=True)).to_be_visible()
    page.goto(f"{harbour}/applications/new")
    page.get_by_label("Name").fill("shop")
    page.get_by_label("compose.yaml").fill(values.COMPOSE)
    page.get_by_role("button", name="Review plan").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
