"""`moorage place` against a real app server over real etcd: explained, kept, listed, given back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from appserver.cli.main import main
from appserver.store import keys
from appserver.store.codec import encode
from tests.lab.learning import learned_now
from tests.lab.served import Site

Run = Callable[..., tuple[int, str, str]]
REDIS = {"image": "crosbymichael/redis", "cpus": "0.2", "memory": 512, "type": "service"}


@pytest.fixture
def run(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """As an operator, on a site of two nodes: exit code, standard output, standard error."""
    site.node("n1")
    site.node("n2")
    monkeypatch.setenv("MOORAGE_SERVER", site.url)
    monkeypatch.setenv("MOORAGE_TOKEN", site.token("olga", "operator"))
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def called(*argv: str) -> tuple[int, str, str]:
        code = main(list(argv))
        told = capsys.readouterr()
        return code, told.out, told.err

    return called


def kept(site: Site) -> list[str]:
    return list(site.services.kv.snapshot(keys.PLACEMENTS).items)


def rows(out: str) -> list[list[str]]:
    """Cells of a table as it is written to a pipe, without its heading."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in out.splitlines()[1:]]


def test_a_dry_run_shows_every_node_with_its_score_or_its_reason(site: Site, run: Run) -> None:
    """Exit 3, changes are pending: nothing was written."""
    code, out, err = run("place", "--dry-run", "--image", "redis", "--cpus", "2", "--memory", "512", "--count", "3")
    assert (code, err) == (3, "")
    assert rows(out) == [["n1", "28 %", "0", "0", "gets 2"], ["n2", "28 %", "0", "0", "gets 1"]]
    code, out, err = run("place", "--dry-run", "--image", "redis", "--cpus", "5")
    assert code == 2
    assert rows(out) == [["n1", "needs 5 cpus, 4 free"], ["n2", "needs 5 cpus, 4 free"]]
    assert err == "nearest: n1 could take it with 4 cpus instead of 5\n"
    assert kept(site) == []


def test_a_request_from_a_file_is_placed_listed_and_given_back(site: Site, run: Run, tmp_path: Path) -> None:
    """Options go before what the file says."""
    file = tmp_path / "request.json"
    file.write_text(json.dumps(REDIS))
    code, out, _ = run("place", "--file", str(file), "--name", "web", "--count", "2", "--port", "127.0.0.1:8080:80/tcp")
    assert (code, rows(out)) == (0, [["web-1", "n1", "n1:8090"], ["web-2", "n2", "n2:8090"]])
    shown = json.loads(run("placement", "list", "--json", "--node", "n2")[1])["items"]
    assert [(one["name"], one["state"], one["container"]["image"]["bind_ports"]) for one in shown] == [
        ("web-2", "promised", [{"proto": "tcp", "host_ip": "127.0.0.1", "port": 8080}]),
    ]  # fmt: skip
    assert run("placement", "release", "web-1") == (0, "the room of web-1 is free again\n", "")
    assert kept(site) == ["placements/default/web-2"]
    assert "default/web-2" in run("node", "show", "n2")[1]


def test_for_programs_the_answer_is_the_apis(run: Run) -> None:
    """Citadel's, with the name that was chosen here."""
    code, out, _ = run("place", "--json", "--image", "team/app:1", "--memory", "1.5G", "--label", "x=y", "--dry-run")
    assert (code, json.loads(out)["fits"]) == (2, False)
    code, out, _ = run("place", "--json", "--image", "team/app:1", "--memory", "1.5G")
    found = json.loads(out)
    assert (code, found["resource"]["id"], found["container"]["memory"]) == (0, "n1", "1.5G")
    assert found["container"]["container_name"].startswith("app-")


@pytest.mark.parametrize(
    "argv",
    [
        ["--image", "--help"],
        ["--image=-rf"],
        ["--image=a b"],
        [],
        ["--image=redis", "--cpus=many"],
        ["--image=redis", "--memory=-1"],
        ["--image=redis", "--port=80000"],
        ["--image=redis", "--port=a:80"],
        ["--image=redis", "--constraint=zone"],
        ["--image=redis", "--type=;id"],
        ["--image=redis", "--name=../x"],
        ["--image=redis", "--cluster=../x"],
        ["--image=redis", "--cluster=nowhere"],
        ["--image=redis", "--count=0"],
        ["--image=redis", "--count=1001"],
        ["--image=redis", "--file=/dev/null"],
        ["--file=nowhere.json"],
        ["--image=redis", "--cpus=5"],
    ],
)
def test_what_cannot_be_is_the_callers_to_mend(site: Site, run: Run, argv: list[str]) -> None:
    """Exit 2 and a reason, no traceback; nothing is kept."""
    code, _, err = run("place", *argv)
    assert code == 2, err
    assert err.strip()
    assert "Traceback" not in err
    assert kept(site) == []


def test_what_is_in_a_file_is_not_believed(site: Site, run: Run, tmp_path: Path) -> None:
    """JSON of another kind, endless, or no JSON at all."""
    for text in ("[]", "{", "null", '{"image": {}}', '{"image": "redis", "cpus": NaN}', '{"image": "redis", "x": 1}'):
        file = tmp_path / "request.json"
        file.write_text(text)
        code, _, err = run("place", "--file", str(file))
        assert (code, "Traceback" in err) == (2, False), (text, err)
    assert kept(site) == []


def test_what_was_asked_is_shown_beside_what_such_containers_used(site: Site, run: Run) -> None:
    """With a dry run, and of all images; nothing is said of what nobody ran."""
    where = keys.learned("n1", "web:1")
    site.services.kv.commit({}, {where: encode(learned_now("web:1"))})
    since = f"{site.services.clock.now():%Y-%m-%d}"
    _, out, _ = run("place", "--dry-run", "--image", "web:2", "--cpus", "2")
    table = out.partition("\n\n")[2]
    assert rows(table) == [
        ["web", "cpus", "2", "0.26", "0.26", "0.5", f"web: 3 containers since {since}"],
        ["web", "memory", "nothing", "63.6 MiB", "63.6 MiB", "64 MiB", f"web: 3 containers since {since}"],
    ]
    assert run("image", "usage", "redis") == (0, "", "nothing was measured of it yet\n")
    code, out, _ = run("image", "usage")
    assert (code, [row[:3] for row in rows(out)]) == (0, [["web:1", "cpus", "0.26"], ["web:1", "memory", "63.6 MiB"]])
    assert json.loads(run("image", "usage", "web:1", "--json")[1])["items"][0]["containers"] == 3
