"""B1, names: nothing that is not a name makes a key, reaches another's key, or becomes an option of a program."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from appserver.cli.main import main
from appserver.ports import KV
from tests.lab.served import Site

NAMES = {
    "parent": "../x",
    "encoded slash": "..%2f",
    "slash": "a/b",
    "nul": "a\x00",
    "option": "-rf",
    "long option": "--help",
    "separator": ";id",
    "backticks": "`id`",
    "substitution": "$(id)",
    "newline": "a\nb",
    "trailing newline": "ab\n",
    "too long": "x" * 300,
    "homoglyph": "sh\u043ep",
    "dot": ".",
    "dots": "..",
    "empty": "",
    "blank": " ",
    "upper case": "Shop",
    "reserved device": "con",
    "reserved path": "_ping",
    "system group": "all",
    "full width": "\uff53hop",
    "right to left": "\u202eshop",
    "not a character": "a\ufffe",
}
COMPOSE = "services:\n  web:\n    image: bb:1\n"

Ask = Callable[[Site, str, str], int]


def _body(path: str, field: str, **rest: object) -> Ask:
    def ask(site: Site, token: str, name: str) -> int:
        return site.api("POST", path, token, json={**rest, field: name}).status_code

    return ask


def _path(method: str, template: str, body: object = None) -> Ask:
    """`%` in the template is where the name goes, quoted as a client that knows its business quotes it."""

    def ask(site: Site, token: str, name: str) -> int:
        return site.api(method, template.replace("%", quote(name, safe="")), token, json=body).status_code

    return ask


WRITES: dict[str, Ask] = {
    "deploy": _body("/applications", "name", compose=COMPOSE),
    "deploy to a cluster": _body("/applications", "cluster", name="shop", compose=COMPOSE),
    "deploy from a source": _body("/applications", "source", name="shop", compose=COMPOSE),
    "invite": _body("/users", "name", role="viewer"),
    "make a source": _body("/sources", "name"),
    "put a cluster": _path("PUT", "/clusters/%", {}),
    "put a source": _path("PUT", "/sources/%", {}),
    "delete a cluster": _path("DELETE", "/clusters/%"),
    "delete a user": _path("DELETE", "/users/%"),
    "delete an application": _path("DELETE", "/applications/default/%"),
    "delete on a cluster": _path("DELETE", "/applications/%/shop"),
    "stop": _path("POST", "/applications/default/%/stop", {}),
    "move": _path("POST", "/applications/default/%/move", {"to": "elsewhere"}),
    "move on a cluster": _path("POST", "/applications/%/shop/move", {"to": "elsewhere"}),
    "move to a cluster": _body("/applications/default/shop/move", "to"),
    "plan a move": _body("/applications/default/shop/move", "to", dry_run=True),
    "scale a service": _body("/applications/default/shop/scale", "service", replicas=2),
    "import from a node": _body("/applications/import", "node", project="shop", name="shop"),
    "import as": _body("/applications/import", "name", project="shop", node="n1"),
    "revoke": _path("DELETE", "/tokens/%"),
    "place on a cluster": _body("/placements", "cluster", image="bb:1"),
    "give a place back": _path("DELETE", "/placements/default/%"),
    "give back on a cluster": _path("DELETE", "/placements/%/web"),
    "run a playbook": _body("/plays", "playbook"),
    "cancel a play": _path("POST", "/plays/%/cancel", {}),
}
READS: dict[str, Ask] = {
    "a node": _path("GET", "/nodes/%"),
    "a node's projects": _path("GET", "/nodes/%/projects"),
    "a user": _path("GET", "/users/%"),
    "an application": _path("GET", "/applications/default/%"),
    "its cluster": _path("GET", "/applications/%/shop/explain"),
    "its revisions": _path("GET", "/applications/default/%/revisions"),
    "its logs": _path("GET", "/applications/default/%/logs"),
    "its move": _path("GET", "/applications/default/%/move"),
    "its export": _path("GET", "/applications/default/%/export"),
    "an operation": _path("GET", "/operations/%"),
    "an operation's events": _path("GET", "/operations/default.%.1.1/events"),
    "a source": _path("GET", "/sources/%"),
    "a cluster's applications": _path("GET", "/applications?cluster=%"),
    "a place": _path("GET", "/placements/default/%"),
    "places of a cluster": _path("GET", "/placements?cluster=%"),
    "an explanation": _body("/config/explain", "source", image="web"),
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_write_by_no_name_writes_nothing(site: Site, name: str):
    """Every door of the API refuses it with a reason: 4xx, never a 500, and the record is as it was."""
    site.node()
    token = site.token()
    before = _record(site.services.kv)
    for door, ask in WRITES.items():
        assert 400 <= ask(site, token, name) < 500, door
        assert _record(site.services.kv) == before, door


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_read_by_no_name_finds_nothing(site: Site, name: str):
    """Nothing is read that the name does not name; a list's own address is all that an empty one can reach."""
    token = site.token()
    for door, ask in READS.items():
        status = ask(site, token, name)
        is_list = name in ("", ".", "..") and status in (200, 308)
        assert 400 <= status < 500 or is_list or (name == "all" and status == 200), (door, status)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_refused_write_is_in_the_audit(site: Site, name: str):
    """Who tried is on record, in one line, without the name becoming a key itself."""
    token = site.token()
    site.api("POST", "/applications", token, json={"name": name, "compose": COMPOSE})
    (entry, *_) = site.api("GET", "/audit", token).json()["items"]
    assert (entry["user"], entry["action"], entry["result"]) == ("ann", "POST /api/v1/applications", "refused")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_repository_by_no_name_is_not_served(site: Site, name: str):
    """git's door takes names, not paths."""
    token = site.token()
    for suffix in ("info/refs?service=git-upload-pack", "info/refs?service=git-receive-pack"):
        path = f"/git/{quote(name, safe='')}.git/{suffix}"
        answer = site.ask("GET", path, auth=("ann", token))
        assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:200])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_the_command_line_takes_it_for_a_name_and_refuses_it(
    site: Site, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Exit code 2 and a reason on stderr, no traceback; what looks like an option is not obeyed after `--`."""
    monkeypatch.setenv("MOORAGE_SERVER", site.url)
    monkeypatch.setenv("MOORAGE_TOKEN", site.token())
    code = main(["app", "show", "--", name])
    told = capsys.readouterr().err
    assert code == 2, told
    assert told.strip()
    assert "Traceback" not in told


def _record(kv: KV) -> dict[str, str]:
    """Everything but the audit and what says who is logged in."""
    seen = kv.snapshot("")
    return {k: i.value for k, i in seen.items.items() if not k.startswith(("audit/", "tokens/", "sessions/"))}
