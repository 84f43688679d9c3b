"""From the one-time link to a running application and back, by a person in Chromium, on real everything."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, StorageState, expect

from tests.lab.daemon import MOORAGE, ROOT, environment
from tests.lab.etcd import Cluster
from tests.lab.images import busybox
from tests.lab.processes import Servers, app_server
from tests.web.conftest import Open, editor_of
from tests.web.doing import ROLLED_OUT_MS, deployed, done, fill, press_until, step

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "a quiet harbour at night"
EVIL = "<script>document.title='owned'</script>"
COMPOSE = """\
services:
  web:
    image: IMAGE
    stop_grace_period: 0s
    environment: {GREETING: hello, DB_PASSWORD: "${PASSWORD}"}
    command:
      - /bin/busybox
      - sh
      - -c
      - printf '\\033[31mred\\033[0m <script>document.title=1</script>\\n'; sleep 1000
  db:
    image: IMAGE
    stop_grace_period: 0s
"""
BROKEN = """\
services:
  web:
    image: IMAGE
    command: [/bin/busybox, sh, -c, "echo '<script>document.title=1</script> last words'; exit 3"]
"""
_numbers = count(1)


@pytest.fixture(scope="module")
def town(etcd_server: Cluster) -> Iterator[Servers]:
    """An app server and a node that no person has used yet."""
    with app_server(etcd_server, f"/web-{os.getpid()}/") as started:
        yield started


@pytest.fixture(scope="module")
def link(town: Servers) -> str:
    """The one-time set-up link, as `./up` prints it."""
    argv = (*MOORAGE, "setup", "link", "--config", str(town.folder / "serve.toml"))
    done = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def ada(browser: Browser, link: str) -> StorageState:
    """The first administrator, made by the link and logged in by it: what her browser remembers."""
    made = browser.new_context()
    page = made.new_page()
    page.goto(link)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Create the administrator").click()
    expect(page.get_by_role("heading", name="Nothing runs here yet")).to_be_visible()
    state = made.storage_state()
    made.close()
    return state


@pytest.fixture(scope="module")
def image() -> str:
    return busybox({"arg.memory": "48M"})


@pytest.fixture
def name(town: Servers) -> Iterator[str]:
    """A name for an application that is gone after the test."""
    chosen = f"w{os.getpid()}-{next(_numbers)}"
    yield chosen
    town.remove(chosen)


def test_the_link_works_once(open_page: Open, ada: StorageState, link: str) -> None:
    """Used, it leads nowhere; the account it made can log in, the wrong password cannot."""
    page = open_page(link, provoked="status of 40[14]")
    expect(page.get_by_role("heading", name="no longer good")).to_be_visible()
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Applications")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_the_first_hour(open_page: Open, ada: StorageState, town: Servers, image: str, name: str) -> None:
    """New application, plan, deploy, progress through a reload, explain, change, history, roll back, delete."""
    page = open_page(f"{town.url}/applications", state=ada)
    page.get_by_role("link", name="New application").click()
    fill(page, name, COMPOSE.replace("IMAGE", image), "PASSWORD=hunter2-at-sea\n")
    expect(page.get_by_text("Ready to review")).to_be_visible()
    page.get_by_role("button", name="Review plan").click()
    expect(step(page, "web")).to_contain_text("Create")
    assert "hunter2" not in page.content()
    page.get_by_role("button", name="Deploy").click()
    expect(page).to_have_url(re.compile("/operations/"))
    page.reload()
    done(page)

    page.get_by_role("link", name=f"To {name}").click()
    expect(page.get_by_role("row", name="web")).to_contain_text("Running")
    expect(page.get_by_text("2 of 2 up")).to_be_visible()

    page.get_by_role("link", name="Explain").click()
    expect(page.get_by_role("row", name="environment.GREETING")).to_contain_text("compose.yaml:5")
    expect(page.get_by_role("row", name="environment.DB_PASSWORD")).to_contain_text("***")
    expect(page.get_by_role("row", name="mem_limit").first).to_contain_text("48M")

    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Add an override").click()
    page.get_by_role("textbox", name="Service").fill("web")
    page.get_by_role("combobox", name="Option").fill("mem_limit")
    page.get_by_role("textbox", name="Value").fill("64M")
    page.get_by_label("Reason").fill(f"more room {EVIL}")
    expect(page.locator("#check")).to_contain_text("Recreate")
    page.get_by_role("button", name="Review plan").click()
    expect(step(page, "web")).to_contain_text("mem_limit 48M")
    expect(step(page, "web")).to_contain_text("64M")
    expect(step(page, "db")).to_contain_text("No change")
    page.get_by_role("button", name="Deploy").click()
    done(page)

    page.get_by_role("link", name=f"To {name}").click()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("row", name="2 In force")).to_contain_text(f"more room {EVIL}")
    page.get_by_role("row", name="2 In force").get_by_role("link", name="Changes").click()
    expect(page.get_by_role("region", name="Difference")).to_contain_text("mem_limit")
    page.get_by_role("link", name="History").click()
    page.get_by_role("row", name="1 Deployed").get_by_role("link", name="Roll back").click()
    expect(step(page, "web")).to_contain_text("Recreate")
    page.get_by_role("button", name="Roll back to 1").click()
    done(page)
    assert town.api.get(f"applications/default/{name}").json()["revision"] == 3

    page.get_by_role("link", name=f"To {name}").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_label(f"Type {name} to confirm").fill(name)
    page.get_by_role("button", name=f"Delete {name}").click()
    done(page)
    assert town.api.get(f"applications/default/{name}").status_code == 404
    assert "owned" not in page.title()


def test_a_failure_says_why(open_page: Open, ada: StorageState, town: Servers, image: str, name: str) -> None:
    """Exit code and last words on the page of the operation and of the application, as text."""
    page = open_page(f"{town.url}/applications/new", state=ada)
    fill(page, name, BROKEN.replace("IMAGE", image))
    page.get_by_role("button", name="Review plan").click()
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("heading", name="Why it failed")).to_be_visible(timeout=ROLLED_OUT_MS)
    for _ in range(2):
        expect(page.get_by_text("Exit code")).to_be_visible()
        expect(page.locator("pre")).to_contain_text("<script>document.title=1</script> last words")
        page.goto(f"{town.url}/applications/default/{name}")
    assert page.title() == f"{name} · Moorage"


def test_logs_are_followed_live(open_page: Open, ada: StorageState, town: Servers, image: str, name: str) -> None:
    """One service's lines as they come: no colour codes, no scripts."""
    deployed(town, name, COMPOSE.replace("IMAGE", image))
    page = open_page(f"{town.url}/applications/default/{name}/logs?service=web", state=ada)
    expect(page.get_by_text("Live")).to_be_visible()
    expect(page.locator("[data-log]")).to_contain_text("red <script>document.title=1</script>")
    assert "\x1b" not in page.locator("[data-log]").inner_text()
    page.goto(f"{town.url}/applications/default/{name}/logs")
    expect(page.get_by_label("Log lines")).to_contain_text("red <script>")


def test_drift_shows_by_itself(open_page: Open, ada: StorageState, town: Servers, image: str, name: str) -> None:
    """A container that is removed by hand is on the open page within seconds."""
    deployed(town, name, COMPOSE.replace("IMAGE", image))
    page = open_page(f"{town.url}/applications/default/{name}", state=ada)
    expect(page.locator("#state")).to_have_text("Running")
    subprocess.run(("docker", "rm", "-f", f"{name}-db-1"), check=True, capture_output=True)
    expect(page.locator("#state")).to_have_text("Degraded", timeout=15_000)
    expect(page.get_by_role("heading", name="Drift")).to_be_visible()


def test_by_keyboard_alone(open_page: Open, ada: StorageState, town: Servers, image: str, name: str) -> None:
    """From the list to a running application without a mouse."""
    page = open_page(f"{town.url}/applications", state=ada)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    press_until(page, page.get_by_role("link", name="New application"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.insert_text(name)
    press_until(page, editor_of(page, "compose.yaml"))
    page.keyboard.insert_text(f"services:\n  web:\n    image: {image}\n    stop_grace_period: 0s\n")
    expect(page.get_by_text("Ready to review")).to_be_visible()
    press_until(page, page.get_by_role("button", name="Review plan"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    press_until(page, page.get_by_role("button", name="Deploy"))
    page.keyboard.press("Enter")
    done(page)


def test_what_a_user_may_not_is_refused_with_a_reason(open_page: Open, ada: StorageState, town: Servers) -> None:
    """An invited viewer chooses a password, sees the list, and is told no where they may not."""
    page = open_page(f"{town.url}/users", state=ada)
    page.get_by_label("Name").fill("grace")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_role("button", name="Make the link").click()
    told = page.locator(".made pre").inner_text()
    guest = open_page(told, provoked="status of 403")
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("Password again").fill(PASSWORD)
    guest.get_by_role("button", name="Set the password").click()
    expect(guest.get_by_role("heading", name="Applications")).to_be_visible()
    guest.goto(f"{town.url}/users")
    expect(guest.get_by_role("heading", name="Not for you")).to_be_visible()


@pytest.mark.parametrize("path", ["/nodes", "/import", "/sources", "/sources/config", "/events", "/audit", "/tokens"])
def test_every_other_page_is_there(open_page: Open, ada: StorageState, town: Servers, path: str) -> None:
    """On a system that is a minute old each page shows what there is."""
    page = open_page(town.url + path, state=ada)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    seen = {"/nodes": "n1", "/sources": "config", "/sources/config": "git clone", "/audit": "log in"}
    expect(page.get_by_text(seen.get(path, "")).first).to_be_visible()
