"""B3: no URL makes git run something or read this machine. Where it may not call is `test_b9_ssrf.py`.

What a repository itself holds is here too: links, submodules, names that are git's own, blobs too large, hooks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.git import Copy
from tests.lab.pushing import House, hosting
from tests.lab.served import Site

URLS = {
    "transport that runs": "ext::sh -c id",
    "transport in capitals": "EXT::sh -c id",
    "transport of a descriptor": "fd::17/x",
    "transport without a name": "::x",
    "option": "--upload-pack=touch /tmp/owned",
    "short option": "-u/tmp/owned",
    "file": "file:///etc",
    "path": "/etc/passwd",
    "relative path": "../config.git",
    "home": "~/config.git",
    "option as a host": "ssh://-oProxyCommand=id/x",
    "option as a user": "ssh://-oProxyCommand=id@git.example.com/x",
    "option as a host, in short": "git@-oProxyCommand=id:x",
    "option as a path": "git@git.example.com:-x",
    "plain http": "http://git.example.com/x",
    "git's own protocol": "git://git.example.com/x",
    "ftp": "ftp://git.example.com/x",
    "gopher": "gopher://git.example.com/x",
    "scheme without slashes": "https:git.example.com/x",
    "newline": "https://git.example.com/x\nhelper=sh",
    "carriage return": "https://git.example.com/x%0d\r",
    "space": "https://git.example.com/x y",
    "quote": "https://git.example.com/x'$(id)'",
    "separator": "https://git.example.com/x;id",
    "nul": "https://git.example.com/\0",
    "query": "https://git.example.com/x?service=git-receive-pack",
    "fragment": "https://git.example.com/x#y",
    "no path": "https://git.example.com/",
    "no host": "https:///x",
    "empty": "",
    "endless": "https://git.example.com/" + "a" * 5000,
    "not ascii": "https://git.exämple.com/x",
    "port out of range": "https://git.example.com:70000/x",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS.keys())
def test_no_such_url_becomes_a_source(site: Site, url: str) -> None:
    """422 with the field's name, no record, an entry on the audit."""
    token = site.token()
    answer = site.api("POST", "/sources", token, json={"name": "team", "kind": "remote", "url": url})
    assert answer.status_code == 422, answer.text
    assert site.api("GET", "/sources/team", token).status_code == 404
    if len(url) < 2000 and url.isprintable():
        assert answer.json()["errors"][0]["where"] == "url"
        found = site.api("GET", "/audit?subject=source:team", token).json()["items"]
        assert [entry["result"] for entry in found] == ["refused"]


def test_a_password_in_a_url_is_refused_and_not_repeated(site: Site) -> None:
    """Not in the answer, not on the audit."""
    token = site.token()
    url = "https://bob:hunter2@git.example.com/x"
    answer = site.api("POST", "/sources", token, json={"name": "team", "kind": "remote", "url": url})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    assert "hunter2" not in site.api("GET", "/audit", token).text


@pytest.mark.parametrize("host", ["localhost", "localhost.localdomain", "ip6-localhost"])
def test_a_name_for_this_machine_is_seen_through_when_it_is_fetched(site: Site, host: str) -> None:
    """A name may be taken; what it resolves to is checked before every fetch."""
    token = site.token()
    wanted = {"name": "team", "kind": "remote", "url": f"https://{host}:8080/x"}
    assert site.api("POST", "/sources", token, json=wanted).status_code == 201
    with pytest.raises(Exception, match=r"loopback|cannot be resolved"):
        site.services.keep_current.attend("team")
    told = site.api("GET", "/sources/team", token).json()["last_error"]["message"]
    assert re.search(r"loopback|cannot be resolved", told)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with hosting(tmp_path / "state") as found:
        yield found


@pytest.fixture
def copy(house: House, tmp_path: Path) -> Copy:
    return house.copy(tmp_path / "copy")


def refused(house: House, copy: Copy, commit: str, *why: str) -> None:
    """The push is refused for these reasons, and the branch and what is in force stay."""
    before = house.records.get("config").state
    head = house.repositories.open("config", "hosted").head("main")
    said = copy.push("origin", f"{commit}:main")
    assert said.code != 0
    for word in why:
        assert word in said.err, said.err
    assert house.repositories.open("config", "hosted").head("main") == head
    assert house.records.get("config").state == before


def test_a_symbolic_link_is_refused(house: House, copy: Copy) -> None:
    """Even one that leads nowhere interesting: only regular files are read."""
    (copy.path / "web.yml").symlink_to("/etc/shadow")
    copy.git("add", "-A")
    copy.git("commit", "-q", "-m", "link")
    refused(
        house, copy, copy.head, "web.yml: is a symbolic link; only regular files are read here", "nothing was changed"
    )


def test_a_submodule_is_refused(house: House, copy: Copy) -> None:
    """To a file, or to anywhere."""
    (copy.path / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = https://git.example.com/x\n')
    copy.git("add", "-A")
    copy.git("update-index", "--add", "--cacheinfo", f"160000,{copy.head},x")
    copy.git("commit", "-q", "-m", "submodule")
    refused(house, copy, copy.head, "x: is a submodule; only regular files are read here")


def test_a_submodule_whose_url_runs_is_refused_by_git_itself(house: House, copy: Copy) -> None:
    """`-u`, `ext::` in .gitmodules: the objects are not even kept."""
    (copy.path / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = --upload-pack=id\n')
    copy.git("add", "-A")
    copy.git("commit", "-q", "-m", "submodule")
    refused(house, copy, copy.head, "gitmodules")


def test_a_file_that_climbs_out_is_refused(house: House, copy: Copy) -> None:
    """`../x` as a name, and `..` as a directory with `x` in it: git finds both in the objects."""
    one = copy.commit_tree(copy.tree(("100644", "../x.yml", "a: 1\n")), copy.head)
    refused(house, copy, one, "fullPathname")
    inner = copy.tree(("100644", "x.yml", "a: 1\n"))
    two = copy.commit_tree(copy.tree(("40000", "..", inner)), copy.head)
    refused(house, copy, two, "hasDotdot")


@pytest.mark.parametrize("name", [".git", ".GIT", ".Git", "git~1", ".g\u200cit"])
def test_a_name_that_another_file_system_takes_for_git_is_refused(house: House, copy: Copy, name: str) -> None:
    """Whoever clones on such a system would get settings, and hooks, from us."""
    inner = copy.tree(("100644", "config", "[core]\n\tfsmonitor = id\n"))
    commit = copy.commit_tree(copy.tree(("40000", name, inner)), copy.head)
    refused(house, copy, commit, "git")


def test_a_blob_of_50_mb_that_packs_small_is_refused_with_its_path(house: House, copy: Copy) -> None:
    """A few kilobytes on the wire, fifty megabytes here: its size is looked at, not its content."""
    commit = copy.commit({"data/big.bin": b"\0" * (50 << 20)})
    refused(house, copy, commit, "data/big.bin: is 50 MiB; files over 1 MiB are refused")


def test_configuration_that_is_not_text_is_refused_with_its_line(house: House, copy: Copy) -> None:
    """Latin-1 from an old editor, by file and line."""
    commit = copy.commit({"web.yml": b"a: 1\nb: caf\xe9\n"})
    refused(house, copy, commit, "web.yml:2: is not UTF-8")


def test_a_pointer_of_lfs_is_text_and_fetches_nothing(house: House, copy: Copy) -> None:
    """No filter is ever run: a pointer is three lines of text."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 99999999999\n"
    commit = copy.commit({".gitattributes": "*.bin filter=lfs\n", "x.bin": pointer})
    assert copy.push().code == 0
    assert house.records.get("config").state.commit == commit


def test_a_hook_that_is_pushed_is_a_file_like_another(house: House, copy: Copy, tmp_path: Path) -> None:
    """Nothing in a repository is ever run."""
    owned = tmp_path / "owned"
    copy.commit(
        {"hooks/post-receive": f"#!/bin/sh\ntouch {owned}\n", "hooks/pre-receive": f"#!/bin/sh\ntouch {owned}\n"}
    )
    assert copy.push().code == 0
    assert not owned.exists()
