"""Measurements by the API and the command line, over a real port, with nodes that the test speaks for."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from appserver.cli.main import main
from appserver.core.entities import AppKey
from tests.lab.served import Site

SHOP = {"name": "shop", "compose": "services:\n  web:\n    image: bb:1\n"}


@pytest.fixture
def token(site: Site) -> str:
    site.node()
    return site.token()


def test_a_range_is_answered_on_whole_steps(site: Site, token: str) -> None:
    """From the step it begins in to the one it ends in, with a number for each."""
    query = {"from": "2026-01-01T00:00:05Z", "to": "2026-01-01T01:00:00Z", "step": "5m", "kind": "node,container"}
    found = site.api("GET", "/nodes/n1/metrics", token, params=query).json()
    assert (found["node"], found["step"]) == ("n1", 300)
    assert (found["from"], found["to"]) == ("2026-01-01T00:00:00+00:00", "2026-01-01T01:00:00+00:00")
    assert found["lines"][0]["mean"] == [1.0] * 12


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "-1h", "to": "-2h"}, "from"),
        ({"from": "-90h", "step": "10s"}, "step"),
        ({"step": "0"}, "step"),
        ({"step": "1; id"}, "step"),
        ({"kind": "nodes"}, "kind"),
        ({"kind": "node,"}, "kind"),
        ({"kind": "../x"}, "kind"),
        ({"from": "9" * 99}, "from"),
        ({"from": "9" * 101}, "from"),
        ({"from": "-" + "9" * 90 + "h"}, "from"),
        ({"from": "\x00"}, "from"),
        ({"from": "\uff12026-01-01"}, "from"),
    ],
)
def test_what_is_no_range_is_refused(site: Site, token: str, query: Mapping[str, str], where: str) -> None:
    """422 with the word that is wrong, by every door; no agent is asked."""
    site.nodes.away = True
    paths = ["/nodes/n1/metrics", *(["/applications/default/shop/metrics"] if where != "kind" else [])]
    for path in paths:
        answer = site.api("GET", path, token, params=query)
        assert answer.status_code == 422, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert [fault["where"] for fault in answer.json()["errors"]] == [where]


def test_nobody_and_nothing_are_told_apart(site: Site, token: str) -> None:
    """401 for nobody known, 404 for what is not there, 422 for what is no name, 502 for a node that is away."""
    site.api("POST", "/applications", token, json=SHOP)
    viewer = site.token("vic", "viewer")
    for path in ("/nodes/n1/metrics", "/applications/default/shop/metrics"):
        assert site.api("GET", path).status_code == 401
        assert site.api("GET", path, viewer).status_code == 200
    assert site.api("GET", "/nodes/n2/metrics", token).status_code == 404
    assert site.api("GET", "/applications/default/blog/metrics", token).status_code == 404
    assert site.api("GET", "/nodes/-rf/metrics", token).status_code == 422
    assert site.api("GET", "/applications/default/a.b/metrics", token).status_code == 422
    site.nodes.away = True
    for path in ("/nodes/n1/metrics", "/applications/default/shop/metrics"):
        answer = site.api("GET", path, viewer)
        assert (answer.status_code, "its agent is away" in answer.json()["detail"]) == (502, True)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"from": 0, "to": 20, "step": 0, "lines": []},
        {"from": 0, "to": 10**9, "step": 1, "lines": []},
        {"from": 0, "to": 20, "step": 10, "lines": [{"kind": "gpu"}]},
        {"from": 0, "to": 20, "step": 10, "lines": {"kind": []}},
        {"from": "now", "to": 20, "step": 10, "lines": None},
    ],
)
def test_an_agent_that_makes_no_sense_is_a_bad_gateway(
    site: Site, token: str, told: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is held against what was asked for."""
    monkeypatch.setattr(type(site.nodes), "metrics", lambda *_: told)
    answer = site.api("GET", "/nodes/n1/metrics", token)
    assert (answer.status_code, answer.json()["detail"]) == (502, "node n1: its answer cannot be understood")


def test_an_application_is_told_without_the_nodes_that_are_away(
    site: Site, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says which those are."""
    site.node("n2")
    many = {"name": "shop", "compose": f"{SHOP['compose']}x-moorage: {{replicas: 2}}\n"}
    assert site.api("POST", "/applications", token, json=many).status_code == 202
    asked: list[Mapping[str, str]] = []
    answered = type(site.nodes).metrics

    def metrics(nodes: object, node: str, query: Mapping[str, str]) -> Mapping[str, object]:
        asked.append(query)
        site.nodes.away = node == "n2"
        return answered(site.nodes, node, query)

    monkeypatch.setattr(type(site.nodes), "metrics", metrics)
    found = site.api("GET", "/applications/default/shop/metrics", token).json()
    assert [part["node"] for part in found["items"]] == ["n1"]
    assert found["away"] == {"n2": "node n2: its agent is away"}
    assert all(query["application"] == str(AppKey("default", "shop")) for query in asked)


def test_the_command_line_shows_a_line_for_each_number(
    site: Site, token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its course; `--json` is the API's answer; a bad word is exit 2."""
    monkeypatch.setenv("MOORAGE_SERVER", site.url)
    monkeypatch.setenv("MOORAGE_TOKEN", token)
    assert main(["node", "metrics", "n1", "--since", "10m"]) == 0
    heading, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["WHAT", "NUMBER", "NOW", "OF", "MEAN", "PEAK", "COURSE"]
    assert row.split()[:6] == ["container", "shop-web-1", "cpu", "1", "1", "1"]
    assert set(row.split()[6]) == {"█"}
    assert main(["node", "metrics", "n1", "--json", "--kind", "node"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 20
    for bad in (["--since", "soon"], ["--kind", "gpu"], ["--step", "1s"]):
        assert main(["node", "metrics", "n1", *bad]) == 2
        assert capsys.readouterr().err
