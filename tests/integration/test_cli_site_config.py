"""`moorage config get, set, unset` and the API behind them, over a real etcd: what is kept, shown, refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appserver.cli.main import main
from appserver.core.site_config import TABLE
from tests.bad_input.doors import record
from tests.lab.served import Site

Run = Callable[..., tuple[int, str, str]]
TIMEOUT = "config/worker-timeout-duration"
SECRET = "hunter2hunter2"


@pytest.fixture
def run(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("get", "proxy")` of `moorage config` as an administrator: exit code, standard output, standard error."""
    monkeypatch.delenv("MOORAGE_CA", raising=False)
    monkeypatch.setenv("MOORAGE_PROFILE", str(tmp_path / "profile.toml"))
    monkeypatch.setenv("MOORAGE_SERVER", site.url)

    def called(*argv: str, text: str = "", role: str = "admin") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        monkeypatch.setenv("MOORAGE_TOKEN", site.token(f"a-{role}", role))  # type: ignore[arg-type]
        code = main(["config", *argv])
        told = capsys.readouterr()
        return code, told.out, told.err

    return called


def kept(site: Site, key: str) -> str:
    return site.services.kv.snapshot(key).items[key].value


def test_a_value_is_set_read_and_unset(site: Site, run: Run) -> None:
    """In etcd as the seed has it; told as people write it, with who and when beside it."""
    assert run("get", "worker-timeout")[:2] == (0, "1h0m0s\n")
    assert run("set", "worker-timeout", "90m") == (0, f"{TIMEOUT} is set to 1h30m0s\n", "")
    assert kept(site, TIMEOUT) == "5400000000000"
    code, out, err = run("get", TIMEOUT)
    assert (code, out) == (0, "1h30m0s\n")
    assert err.startswith(f"{TIMEOUT}: a-admin, 20")
    assert run("set", TIMEOUT, "1h30m")[1] == f"{TIMEOUT} is already 1h30m0s\n"
    assert run("unset", TIMEOUT)[1] == f"{TIMEOUT} is not set; its default holds: 1h0m0s\n"
    assert run("unset", TIMEOUT)[0] == 0


def test_lists_and_single_keys_are_the_apis_own_json(run: Run) -> None:
    """`{"items": …}`, and the same fields for one."""
    code, out, _ = run("get", "--json")
    items: list[dict[str, Any]] = json.loads(out)["items"]
    assert code == 0 and len(items) == len(TABLE)
    one = json.loads(run("get", "release-time", "--json")[1])
    assert one in items
    assert (one["value"], one["origin"], one["default"], one["set_by"]) == ("* * * * *", "default", "* * * * *", None)
    assert json.loads(run("--json", "set", "env", "dev")[1])["changed"] is True
    table = run("get")[1].splitlines()
    assert table[0].split() == ["KEY", "VALUE", "SET", "BY"]
    assert any(line.startswith("config/env") and "a-admin, 20" in line for line in table)


def test_lines_are_several_arguments_and_files_are_read(site: Site, run: Run, tmp_path: Path) -> None:
    """A line of cron each; JSON from a file."""
    assert run("set", "release-time", "0 9 * * 1-5", "0 13 * * 6")[0] == 0
    assert kept(site, "config/release-time") == "0 9 * * 1-5\n0 13 * * 6"
    weights = tmp_path / "weights.json"
    weights.write_text('{"cs": 18}\n')
    assert run("set", "cke/weight", "--file", str(weights))[0] == 0
    assert kept(site, "cke/weight") == '{"cs": 18}'


def test_a_secret_is_read_and_never_an_argument(site: Site, run: Run) -> None:
    """Refused as one before it is sent; shown as *** by every verb; sealed in etcd."""
    code, _, err = run("set", "ipmi-password", SECRET)
    assert code == 2 and "--stdin" in err and SECRET not in err
    code, _, err = run("set", "proxy", f"http://u:{SECRET}@squid:3128")
    assert code == 2 and SECRET not in err
    code, _, err = run("set", "ipmi-password")
    assert code == 2 and "nobody is here" in err
    said = [run("set", "ipmi-password", "--stdin", text=f"{SECRET}\n")]
    said.append(run("set", "proxy", "--stdin", text=f"http://u:{SECRET}@squid:3128"))
    said += [run("get"), run("get", "--json"), run("get", "ipmi-password"), run("get", "proxy", "--json")]
    assert all(code == 0 for code, _, _ in said)
    assert SECRET not in str(said)
    assert SECRET not in str(record(site.services.kv))
    assert run("get", "ipmi-password")[1] == "***\n"
    assert SECRET not in site.api("GET", "/audit", site.token()).text + site.api("GET", "/events", site.token()).text


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("set", "config/prxy", "http://x"), "did you mean config/proxy?"),
        (("get", "wrker-timeout"), "did you mean config/worker-timeout-duration?"),
        (("unset", "nonsense"), "there is no key"),
        (("get", "../../etc/passwd"), "there is no key"),
        (("get", ""), ""),
        (("set", "env", "prod", "--stdin"), "give the value once"),
        (("set", "env", "prod", "dev"), "has one value"),
        (("set", "env", "production"), "is one of none, test, dev, staging, prod"),
        (("set", "worker-timeout", "5400"), "is no duration"),
        (("set", "external-ip-address-block", "::1/32"), "is no block of IPv4 addresses"),
        (("set", "release-time", "* * * *"), "five fields"),
        (("set", "--", "env", "--help"), "is one of"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(site: Site, run: Run, argv: tuple[str, ...], told: str) -> None:
    """Exit 2 with the reason; a key that is mistyped with the nearest."""
    before = record(site.services.kv)
    code, out, err = run(*argv)
    if told:
        assert (code, out) == (2, "") and told in err, err
    assert "Traceback" not in err
    assert record(site.services.kv) == before


def test_who_may_not_change_it_reads_it(run: Run) -> None:
    """Everybody sees what holds."""
    assert run("get", "env", role="viewer")[1] == "none\n"
    code, _, err = run("set", "env", "prod", role="operator")
    assert code == 2 and "may not update site:config/env" in err


def test_the_api_knows_versions_objects_and_bad_requests(site: Site) -> None:
    """If-Match with an old ETag is 412; a JSON object is a value; what is no value is 422, an unknown key 404."""
    token = site.token()
    first = site.api("PUT", "/config/cke/weight", token, json={"value": {"cs": 18}})
    assert first.status_code == 200, first.text
    shown = site.api("GET", "/config/cke/weight", token)
    assert shown.headers["ETag"] == first.headers["ETag"]
    assert (shown.json()["value"], shown.json()["set_by"]) == ('{"cs": 18}', "ann")
    second = site.api("PUT", "/config/cke/weight", token, json={"value": '{"ss": 1}'}, headers={"If-Match": "5"})
    assert second.status_code == 412
    assert site.api("DELETE", "/config/cke/weight", token, headers={"If-Match": '"5"'}).status_code == 412
    for body in (
        {},
        {"value": 5},
        {"value": None},
        {"value": ["a"]},
        {"value": "x", "more": 1},
        {"value": "x" * 70_000},
    ):
        answer = site.api("PUT", "/config/cke/weight", token, json=body)
        assert answer.status_code == 422, (body, answer.text[:200])
    unknown = site.api("PUT", "/config/config/prxy", token, json={"value": SECRET})
    assert unknown.status_code == 404 and "did you mean config/proxy" in unknown.text
    sealed = site.api("PUT", "/config/github-token", token, json={"value": "sealed:v1:AAAA"})
    assert sealed.status_code == 422
    entries = site.api("GET", "/audit?user=ann", token).json()["items"]
    assert {(one["action"], one["subject"], one["result"]) for one in entries} >= {
        ("set", "site:cke/weight", "ok"),
        ("set", "site:cke/weight", "refused"),
        ("set", "site:config/prxy", "refused"),
    }
    assert SECRET not in str(entries)
    for path in ("..%2f..%2fetc", "config%2fproxy%00", "a" * 3000, "-rf", "config/proxy/"):
        assert site.api("GET", f"/config/{path}", token).status_code in (308, 404), path
