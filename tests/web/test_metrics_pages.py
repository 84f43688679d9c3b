"""Charts on the pages: whole without scripts, in words too, and there while an agent is away."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.web.harbour import Harbour
from tests.web.visiting import APP, logged_in


@pytest.fixture
def client() -> FlaskClient:
    return logged_in(Harbour())


def test_a_node_has_its_conditions_and_its_charts(client: FlaskClient) -> None:
    """Each chart says in words what it shows; each container is in the table, with a way to its application."""
    page = client.get("/nodes/harbour-1").text
    summaries = re.findall(r'<svg viewBox="0 0 1000 100"[^>]*aria-label="([^"]+)"', page)
    assert [text.partition(":")[0] for text in summaries] == [
        "CPU, cores",
        "Load",
        "Memory",
        "Swap",
        "Space on disks",
        "Inodes on disks",
        "Disks, read and written",
        "Network, received and sent",
        "Containers, CPU in cores",
        "Containers, memory",
    ]
    assert all("at most" in text and "unknown" not in text for text in summaries)
    assert "answers" in page and 'href="/applications/default/shop/usage"' in page
    assert re.search(r'class="line tone-1" d="M[0-9.]+ [0-9.]+L', page)
    assert "<title>" in page.partition("<body")[2], "a number for whoever points at the curve, without scripts"


def test_a_longer_time_is_one_click_away_and_looked_at_less_often(client: FlaskClient) -> None:
    """The choice is a link; the chosen one says so."""
    hour, week = client.get("/nodes/harbour-1").text, client.get("/nodes/harbour-1?span=168h").text
    assert 'href="/nodes/harbour-1?span=168h"' in hour
    assert re.search(r'span=168h" aria-current="page"', week)
    assert 'data-every="20000"' in hour and 'data-every="300000"' in week


def test_a_node_whose_agent_is_away_keeps_its_page(client: FlaskClient) -> None:
    """With its conditions, and why there is no chart."""
    answer = client.get("/nodes/harbour-2")
    assert answer.status_code == 200
    assert "Its measurements cannot be read." in answer.text and "its agent is away" in answer.text
    assert "connection refused" in answer.text and "<figure" not in answer.text


def test_an_application_shows_what_it_uses(client: FlaskClient) -> None:
    """Its own containers alone; where one of its nodes is away, what the others say."""
    page = client.get(f"{APP}/usage").text
    assert "shop-web-1" in page and "blog-app-1" not in page
    assert page.count("<figure") == 4
    blog = client.get("/applications/default/blog/usage").text
    assert "Measurements of a node are missing." in blog and "blog-app-1" in blog


@pytest.mark.parametrize("span", ["", "1y", "-1h", "0", "../x", "1h;id", "9" * 300, "%00"])
@pytest.mark.parametrize("path", ["/nodes/harbour-1", f"{APP}/usage"])
def test_what_is_no_span_is_refused(client: FlaskClient, path: str, span: str) -> None:
    """With a reason, and no 500."""
    answer = client.get(f"{path}?span={span}")
    assert answer.status_code == 422
    assert "is one of 1h, 6h" in answer.text


@pytest.mark.parametrize("name", ["-rf", "..%2fx", "A", "a%00", "x" * 300, "con"])
def test_what_is_no_name_is_refused(client: FlaskClient, name: str) -> None:
    """Before anybody is asked."""
    assert client.get(f"/nodes/{name}").status_code in (404, 422)
    assert client.get(f"/applications/default/{name}/usage").status_code in (404, 422)
