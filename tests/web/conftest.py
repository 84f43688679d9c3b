"""A real Chromium, and pages that fail their test when the browser complains about anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, StorageState, sync_playwright

from tests.web.harbour import Harbour, serving

CHROMIUM = Path(__file__).parent / "quiet_chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WAIT_MS = 15_000

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """`open_page(url, width=1280, dark=False, scripts=True)`: a page of a browser that remembers nothing, or `state`.

    At the end every page is asked what it complained of: errors of scripts, of loading, of the content security
    policy. `provoked` is a pattern of the complaints that a test means to hear.
    """
    with ExitStack() as undo:
        yield lambda url, **wanted: undo.enter_context(_page(browser, url, **wanted))


@pytest.fixture(scope="module")
def harbour() -> Iterator[str]:
    """The address of the application over literals; ada logs in with the password `right`."""
    with serving(Harbour().app()) as address:
        yield address


def log_in(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/applications")


def editor_of(page: Page, name: str) -> Locator:
    """The editor that has taken a textarea's place."""
    return page.locator(".editor").get_by_role("textbox", name=name)


@contextmanager
def _page(
    browser: Browser,
    url: str,
    width: int = 1280,
    height: int = 860,
    dark: bool = False,
    scripts: bool = True,
    state: StorageState | None = None,
    provoked: str = "",
) -> Iterator[Page]:
    made = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        storage_state=state,
    )
    made.set_default_timeout(WAIT_MS)
    page = made.new_page()
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        meant = provoked and re.search(provoked, message.text)
        if message.type in ("error", "warning") and not meant:
            complaints.append(f"{page.url}: {message.type}: {message.text}")

    def failed(error: Any) -> None:
        complaints.append(f"{page.url}: {error}")

    page.on("console", heard)
    page.on("pageerror", failed)
    try:
        page.goto(url)
        yield page
        page.wait_for_timeout(0)  # what the browser has to say reaches us
        assert complaints == []
    finally:
        made.close()
