"""B4, references: no name of a branch or a commit is an option, a path or an expression of git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from appserver.core.refs import ZERO, check_branch, check_commit
from appserver.errors import Invalid, UserError
from tests.lab.git import Copy
from tests.lab.pushing import House, hosting
from tests.lab.served import Site

NAMES = {
    "option": "-x",
    "long option": "--upload-pack=id",
    "range": "a..b",
    "reflog": "@{",
    "at": "@{-1}",
    "climbs": "refs/../../x",
    "absolute": "/etc/passwd",
    "separator": "main;id",
    "substitution": "$(id)",
    "space": "a b",
    "newline": "a\nb",
    "nul": "a\0b",
    "wildcard": "main*",
    "parent": "main^",
    "ancestor": "main~1",
    "colon": "main:web.yml",
    "lock": "main.lock",
    "hidden": ".main",
    "double slash": "a//b",
    "trailing slash": "a/",
    "trailing dot": "a.",
    "option below": "a/-x",
    "full": "refs/heads/main",
    "empty": "",
    "endless": "a" * 300,
    "escape": "a\x1b[31m",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_no_such_branch_is_tracked(site: Site, name: str) -> None:
    """By API: 422 with the field's name, and no record."""
    token = site.token()
    wanted = {"name": "team", "kind": "hosted", "branch": name}
    assert site.api("POST", "/sources", token, json=wanted).status_code == 422
    assert site.api("GET", "/sources/team", token).status_code == 404
    with pytest.raises(Invalid):
        check_branch(name)


@pytest.mark.parametrize(
    "commit", ["", "main", "a" * 39, "a" * 41, "A" * 40, f"{'a' * 40};id", f"{'a' * 40}^", "-x", f"{'a' * 40}\n"]
)
def test_only_a_full_object_id_is_a_commit(commit: str) -> None:
    """Where a commit is asked for, nothing else is passed on to git."""
    with pytest.raises(UserError):
        check_commit(commit)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with hosting(tmp_path / "state") as found:
        yield found


@pytest.fixture
def copy(house: House, tmp_path: Path) -> Copy:
    found = house.copy(tmp_path / "copy")
    found.commit({"web.yml": "mem_limit: 512M\n"})
    return found


def raw_push(house: House, copy: Copy, line: bytes) -> requests.Response:
    """A push as no git client would send it: its first line is ours, its objects are those of the copy."""
    packed = subprocess.run(
        ["git", "pack-objects", "--revs", "--stdout", "-q"],
        cwd=copy.path,
        env=copy.environment,
        input=b"HEAD\n",
        capture_output=True,
        check=True,
    ).stdout
    body = b"%04x%s0000" % (len(line) + 4, line) + packed
    session = requests.Session()
    session.trust_env = False
    return session.post(
        f"{copy.url}/git-receive-pack",
        data=body,
        headers={"Content-Type": "application/x-git-receive-pack-request"},
        auth=("root", house.token()),
        timeout=30,
    )


@pytest.mark.parametrize(
    "ref",
    [
        *(b"-x", b"refs/heads/a..b", b"refs/heads/@{", b"refs/../../x", b"../../x", b"refs/heads/../../../owned"),
        *(
            b"HEAD",
            b"refs/heads/main.lock",
            b"refs/heads/a b",
            b"refs/heads/\x1b[31m",
            b"refs/moorage/kept",
            b"refs/heads/",
        ),
        *(b"/etc/passwd", b"refs/heads/\xff", b"", b"refs/for/main"),
    ],
)
def test_no_such_reference_is_made_by_a_crafted_push(house: House, copy: Copy, ref: bytes) -> None:
    """Refused by git or by us; no file appears, the branch stays, and the server answers on."""
    before = house.repositories.open("config", "hosted").head("main")
    files = sorted(str(path) for path in house.state.rglob("*") if "objects" not in path.parts)
    answer = raw_push(house, copy, b"%s %s %s\0report-status side-band-64k" % (ZERO.encode(), copy.head.encode(), ref))
    assert answer.status_code < 500
    assert b"unpack ok" not in answer.content or b"ng " in answer.content
    assert sorted(str(path) for path in house.state.rglob("*") if "objects" not in path.parts) == files
    assert house.repositories.open("config", "hosted").head("main") == before


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"garbage", b"shallow " + b"a" * 40, b"a" * 40 + b" refs/heads/main", b"\xff" * 100),
        b"0;id " + b"a" * 40 + b" refs/heads/main\0report-status",
    ],
)
def test_a_push_in_other_words_is_refused(house: House, copy: Copy, line: bytes) -> None:
    """Broken packets end that request and nothing else."""
    before = house.repositories.open("config", "hosted").head("main")
    assert raw_push(house, copy, line).status_code < 500
    assert house.repositories.open("config", "hosted").head("main") == before
    assert copy.push().code == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/git/config.git/info/refs", 422),
        ("/git/config.git/info/refs?service=git-upload-archive", 422),
        ("/git/config.git/info/refs?service=-x", 422),
        ("/git/..%2f..%2fetc.git/info/refs?service=git-upload-pack", 404),
        ("/git/nobody.git/info/refs?service=git-upload-pack", 404),
        ("/git/CON.git/info/refs?service=git-upload-pack", 422),
        ("/git/config.git/objects/info/packs", 404),
        ("/git/config.git/HEAD", 404),
        ("/git/config.git/config", 404),
    ],
)
def test_nothing_but_smart_http_is_served(house: House, path: str, status: int) -> None:
    """No file of a repository has an address, and no name leads to another directory."""
    session = requests.Session()
    session.trust_env = False
    assert session.get(house.url + path, auth=("root", house.token()), timeout=10).status_code == status


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, b"0000", 422),
        ({"Content-Encoding": "br"}, b"0000", 422),
        ({"Content-Encoding": "gzip"}, b"this is not gzip", 422),
        ({"Git-Protocol": "version=2;$(id)"}, b"0000", 200),
        ({"Content-Length": str(1 << 40)}, b"", 413),
    ],
)
def test_a_request_git_would_not_send_is_refused(
    house: House, headers: dict[str, str], body: bytes, status: int
) -> None:
    """Content types, packings, protocols and lengths out of the ordinary."""
    sent = {"Content-Type": "application/x-git-upload-pack-request", **headers}
    request = requests.Request("POST", f"{house.url}/git/config.git/git-upload-pack", headers=sent, data=body)
    request.auth = ("root", house.token())
    prepared = request.prepare()
    prepared.headers.update(headers)
    session = requests.Session()
    session.trust_env = False
    assert session.send(prepared, timeout=10).status_code == status
