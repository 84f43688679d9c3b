"""What a person does on the pages, step by step."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.lab.processes import Servers
from tests.web.conftest import editor_of

ROLLED_OUT_MS = 60_000


def fill(page: Page, name: str, compose: str, env: str = "") -> None:
    """The form of a new application."""
    page.get_by_label("Name").fill(name)
    for field, text in (("compose.yaml", compose), (".env", env)):
        editor_of(page, field).click()
        page.keyboard.insert_text(text)


def step(page: Page, service: str) -> Locator:
    """What a plan's page says of one service."""
    return page.locator(".steps > li").filter(has=page.get_by_text(service, exact=True))


def done(page: Page) -> None:
    """The operation on the page comes to a good end, without a reload."""
    expect(page.locator("h1 .chip")).to_have_text(re.compile("Done|Failed"), timeout=ROLLED_OUT_MS)
    expect(page.locator("h1 .chip")).to_have_text("Done")


def deployed(town: Servers, name: str, compose: str) -> None:
    answer = town.api.post("applications", {"name": name, "compose": compose, "env": "PASSWORD=hunter2-at-sea"})
    assert answer.status_code == 202, answer.text
    assert town.api.wait(answer.json()["id"])["state"] == "done"


def press_until(page: Page, wanted: Locator) -> None:
    """Tab until it has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("e => e.matches(':focus')"):
            return
    raise AssertionError(f"the keyboard does not reach {wanted}")
