"""The command line against a real app server over real etcd: who is known, what is on record, what is refused."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appserver.adapters.clock import SystemClock
from appserver.cli.client import Client
from appserver.cli.main import main
from appserver.core.events import NODE, Happening
from appserver.core.fleet import Node
from appserver.store import keys
from appserver.store.codec import encode
from tests.fakes import PASSWORD
from tests.lab.served import Site

Run = Callable[..., tuple[int, str, str]]


class Typed(io.StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("app", "list")` as an administrator: exit code, standard output, standard error."""
    site.node("n1")
    monkeypatch.chdir(tmp_path)
    for name in ("MOORAGE_CA", "MOORAGE_SERVER", "MOORAGE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOORAGE_PROFILE", str(tmp_path / "profile.toml"))

    def called(*argv: str, text: str = "", token: str | None = None, person: bool = False) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", Typed(text) if person else io.StringIO(text))
        monkeypatch.setenv("MOORAGE_SERVER", site.url)
        monkeypatch.setenv("MOORAGE_TOKEN", site.token() if token is None else token)
        code = main(list(argv))
        told = capsys.readouterr()
        return code, told.out, told.err

    return called


def items(answer: tuple[int, str, str]) -> list[dict[str, Any]]:
    """Of a list that went well."""
    code, out, err = answer
    assert code == 0, err
    found: list[dict[str, Any]] = json.loads(out)["items"]
    return found


def test_log_in_writes_a_profile_that_works(
    site: Site, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name and password for a token; afterwards nothing needs to be told."""
    site.person("bob", "operator")
    code, out, err = run("login", site.url, "--user", "bob", "--stdin", text=f"{PASSWORD}\n", token="")
    assert (code, err) == (0, "")
    assert out.startswith(f"bob (operator) at {site.url}")
    profile = tmp_path / "profile.toml"
    assert profile.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in profile.read_text()
    monkeypatch.delenv("MOORAGE_SERVER")
    monkeypatch.delenv("MOORAGE_TOKEN")
    assert main(["token", "list"]) == 0


def test_a_wrong_password_writes_nothing(site: Site, tmp_path: Path, run: Run) -> None:
    """Exit 2, the reason, no profile."""
    site.person("bob")
    code, _, err = run("login", site.url, "--user", "bob", "--stdin", text="wrong\n", token="")
    assert code == 2
    assert "name or password is wrong" in err
    assert not (tmp_path / "profile.toml").exists()


def test_tokens_are_made_shown_once_and_revoked(site: Site, run: Run) -> None:
    """A token works until it is revoked, within its scope."""
    code, text, _ = run("token", "create", "ci", "--scope", "viewer")
    assert code == 0
    token = text.strip()
    assert run("app", "list", token=token)[0] == 0
    code, _, err = run("token", "create", "more", "--scope", "admin", token=token)
    assert (code, "is one of viewer" in err) == (2, True)
    made = next(one for one in items(run("token", "list", "--json")) if one["title"] == "ci")
    assert token not in json.dumps(made)
    assert run("token", "revoke", made["id"])[0] == 0
    code, _, err = run("app", "list", token=token)
    assert (code, "moorage login" in err) == (2, True)


def test_users_are_invited_and_deleted(site: Site, run: Run) -> None:
    """The link is printed, nobody's password is ever asked of an administrator, deletion asks."""
    code, out, _ = run("user", "create", "bob", "--role", "operator")
    assert code == 0 and "/setup/" in out
    site.person("bob", "operator")
    assert {one["name"]: one["role"] for one in items(run("user", "list", "--json"))}["bob"] == "operator"
    code, _, err = run("user", "delete", "bob")
    assert (code, "--yes" in err) == (2, True)
    assert run("user", "delete", "bob", "--yes")[0] == 0
    assert "bob" not in [one["name"] for one in items(run("user", "list", "--json"))]


def test_ones_own_password_is_changed(site: Site, run: Run) -> None:
    """The present one is needed; both are read, never arguments."""
    token = site.token("bob", "viewer")
    code, _, err = run("user", "passwd", "--stdin", text="wrong\nsomething longer\n", token=token)
    assert (code, "present password" in err) == (2, True)
    assert run("user", "passwd", "--stdin", text=f"{PASSWORD}\nsomething longer\n", token=token)[0] == 0
    assert run("login", site.url, "--user", "bob", "--stdin", text="something longer\n", token="")[0] == 0


def test_writes_and_refusals_are_in_the_audit(site: Site, run: Run) -> None:
    """What was refused is there too."""
    viewer = site.token("eve", "viewer")
    assert run("token", "revoke", "0" * 16, token=viewer)[0] == 2
    assert run("user", "create", "mallory", "--role", "admin", token=viewer)[0] == 2
    found = items(run("audit", "--user", "eve", "--json"))
    assert ("invite", "user:mallory", "refused") in [(one["action"], one["subject"], one["result"]) for one in found]
    code, out, _ = run("audit", "--user", "eve")
    assert code == 0 and "user:mallory" in out
    code, _, err = run("audit", token=viewer)
    assert (code, "may not" in err) == (2, True)


@pytest.mark.parametrize("there", [False, True], ids=["both make it", "both change it"])
def test_of_two_who_put_a_cluster_at_once_one_is_told(
    site: Site, run: Run, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """What the other said is not taken back by whoever had looked before."""
    if there:
        run("cluster", "put", "lab", "--title", "first")
    put = Client.put

    def late(self: Client, *path: str, **rest: Any) -> Any:
        monkeypatch.setattr(Client, "put", put)
        assert run("cluster", "put", "lab", "--title", "the other's")[0] == 0
        return put(self, *path, **rest)

    monkeypatch.setattr(Client, "put", late)
    code, _, err = run("cluster", "put", "lab", "--strategy", "binpack")
    assert (code, "changed meanwhile" in err) == (2, True)
    found = json.loads(run("cluster", "show", "lab", "--json")[1])
    assert (found["title"], found["strategy"]) == ("the other's", "spread")


def test_nodes_clusters_and_events(run: Run) -> None:
    """Lists as tables and as JSON; one in detail."""
    assert [one["name"] for one in items(run("node", "list", "--json"))] == ["n1"]
    assert run("node", "list")[1].splitlines()[1].split()[:2] == ["n1", "on"]
    assert "26.1.5" in run("node", "show", "n1")[1]
    assert json.loads(run("--json", "node", "show", "n1")[1])["name"] == "n1"
    assert "default" in [one["name"] for one in items(run("cluster", "list", "--json"))]
    assert "n1" in run("cluster", "show", "default")[1]
    made = run("cluster", "put", "lab", "--kind", "group", "--selector", "node==n1", "--title", "the lab", "--json")
    assert json.loads(made[1])["nodes"] == ["n1"]
    assert "on record" in run("cluster", "put", "lab", "--title", "a lab")[1]
    assert json.loads(run("cluster", "show", "lab", "--json")[1])["selector"] == ["node==n1"]
    assert run("cluster", "put", "lab", "--label", "nonsense")[0] == 2
    assert run("cluster", "delete", "lab")[0] == 0
    assert run("cluster", "show", "lab")[0] == 2
    assert "cordoned by" in run("node", "cordon", "n1", "--reason", "noisy")[1]
    assert "noisy" in run("node", "list")[1]
    assert run("node", "drain", "n1", "--plan")[0] == 0
    code, out, err = run("--json", "node", "drain", "n1", text="y\n", person=True)
    assert (code, json.loads(out)["items"]) == (0, []), "one document: the plan is for who is asked"
    assert "no application is wanted" in err and "Drain n1?" in err
    assert "takes applications" in run("node", "undrain", "n1")[1]
    assert run("event")[0] == 0
    assert run("node", "show", "n2")[0] == 2
    assert "recovery" in run("node", "mode")[1]
    assert json.loads(run("node", "mode", "new", "--json")[1])["mode"] == "new"
    assert run("node", "mode", "wipe")[0] == 2


def test_a_boot_server_is_told_by_its_number_or_its_nodes_name(site: Site, run: Run) -> None:
    """With the changes that somebody made there; what is neither a number nor a name is said to be so."""
    node = Node("boot-7", "192.0.2.7:8090", "default", lrn=7)
    changed = Happening(
        NODE, "update", "INFO", "boot-7", "", SystemClock().now(), "", {"changes": [["deb", "jq", "1", "2"]]}
    )
    site.services.kv.commit(
        {},
        {
            keys.node(node.name): encode(node),
            keys.bootserver(7): "",
            keys.event(changed.at, "00000001"): encode(changed),
        },
    )
    for told in ("7", "boot-7"):
        code, out, _ = run("boot", "show", told)
        assert code == 0 and re.search(r"jq +1 +2\n", out), out
        assert json.loads(run("boot", "show", told, "--json")[1])["changes"][0]["before"] == "1"
    code, _, err = run("boot", "show", "boot-9")
    assert code == 2 and "boot-9 is neither the number of a boot server nor the name of its node" in err


def test_a_number_that_no_host_has_is_retired(site: Site, run: Run) -> None:
    """One that a node has is not."""
    node = Node("boot-7", "192.0.2.7:8090", "default", lrn=7)
    ghost = {keys.bootserver(8): "", keys.installed_deb(8, "git"): "1"}
    site.services.kv.commit({}, {keys.node(node.name): encode(node), keys.bootserver(7): "", **ghost})
    code, _, err = run("boot", "retire", "7")
    assert code == 2 and "retire that host" in err
    assert run("boot", "retire", "8")[:2] == (0, "boot server 8 is off the record\n")
    assert [one["lrn"] for one in items(run("boot", "list", "--json"))] == [7]
    assert run("boot", "retire", "8")[0] == 2


def test_sources_are_listed_added_and_removed(site: Site, run: Run, tmp_path: Path) -> None:
    """Where to push, what is in force; a credential comes from a file."""
    listed = items(run("config", "source", "--json"))
    assert listed == items(run("config", "source", "list", "--json"))
    assert listed[0]["push_url"].endswith("/git/config.git")
    assert {"branch", "last_good", "last_error"} <= set(listed[0])
    (tmp_path / "token").write_text("s3cret\n")
    add = ("config", "source", "add", "team", "--url", "https://git.example.org/team.git", "--username", "bot")
    code, out, err = run(*add, "--credential-file", "token")
    assert code == 0, err
    assert "s3cret" not in out + err + run("config", "source", "show", "team")[1]
    assert run("config", "source", "add", "hooked")[0] == 0
    assert run("config", "source", "remove", "team", "--yes")[0] == 0
    code, _, err = run("config", "source", "add", "bad", "--url", "ext::sh -c id")
    assert (code, "url" in err) == (2, True)


def test_configuration_is_explained_for_an_image_nobody_runs(run: Run) -> None:
    """By the labels it would have."""
    code, out, _ = run("config", "explain", "web:1", "--label", "arg.memory=64M")
    assert (code, out) == (0, "mem_limit = 64M  from image web:1\n")


def test_a_plan_is_made_of_the_project_here(run: Run, tmp_path: Path) -> None:
    """Exit 3, the steps, and the token by which to apply exactly this."""
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'web:1', env_file: web.env}}")
    (tmp_path / "web.env").write_text("A=1\n")
    code, out, err = run("app", "plan", "shop")
    assert (code, out) == (3, "web: create — new in the project\n")
    token = err.split()[-1]
    code, out, _ = run("app", "plan", "shop", "--json")
    plan = json.loads(out)
    assert (code, plan["token"], plan["changed"]) == (3, token, True)


def test_drift_is_not_known_while_the_agent_is_away(site: Site, run: Run) -> None:
    """Exit 1 with the reason: what was seen last is no answer to what is there."""
    (Path.cwd() / "compose.yaml").write_text("services: {web: {image: 'web:1'}}")
    assert run("app", "deploy", "shop", "--no-wait")[0] == 0
    site.services.kv.commit({}, {}, [keys.alive("n1")])
    code, out, err = run("app", "drift", "shop")
    assert (code, out) == (1, "")
    assert "not known" in err and "the agent on n1 is away" in err
    code, out, err = run("app", "drift", "shop", "--json")
    assert (code, out) == (1, "")


def test_faults_of_a_project_are_lines_with_their_place(run: Run, tmp_path: Path) -> None:
    """Compose's own words, and our policy's; exit 2."""
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'web:1', mem_limt: 1}}")
    code, out, err = run("app", "plan", "shop")
    assert (code, out) == (2, "")
    assert "mem_limt" in err and "Traceback" not in err
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'web:1', env_file: ../x}}")
    code, _, err = run("app", "plan", "shop")
    assert (code, "services/web/env_file/0" in err) == (2, True)


@pytest.mark.parametrize(
    "name", ["../x", "a/b/c", "-rf", ";id", "$(id)", "UPPER", "a b", "é", "", ".", "con", "x" * 300]
)
def test_names_that_cannot_be_are_refused(run: Run, name: str) -> None:
    """Exit 2 with a reason, never a traceback and never another path of the API."""
    code, out, err = run("app", "show", "--", name)
    assert (code, out) == (2, "")
    assert err and "Traceback" not in err
