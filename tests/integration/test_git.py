"""Bare repositories through real git: what is read, what is refused, what a mirror fetches."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appserver.adapters import git_process
from appserver.adapters.git import BareRepository
from appserver.adapters.git_repositories import GitRepositories
from appserver.core.addresses import Outgoing
from appserver.errors import Invalid, InvalidMany, NotFound, RepoError
from tests.lab.git import Copy, begin

MADE = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


@pytest.fixture
def repositories(tmp_path: Path) -> GitRepositories:
    return GitRepositories(tmp_path / "git", Outgoing(), lambda: 0.0)


@pytest.fixture
def copy(repositories: GitRepositories, tmp_path: Path) -> Copy:
    """A working copy that pushes straight into the hosted repository `config`."""
    repositories.create("config", "main", {}, "", MADE)
    return begin(tmp_path / "copy", str(tmp_path / "git" / "config.git"))


def test_configuration_is_read_at_a_commit_without_a_checkout(repositories: GitRepositories, copy: Copy) -> None:
    """Paths of any script, text as it is; what is no configuration stays unread; an older commit is as it was."""
    first = copy.commit({"web.yml": "a: 1\n", "dév/wéb.yaml": "b: ü\n", "README.md": "x", "logo.png": b"\x89PNG\xff"})
    second = copy.commit({"web.yml": "a: 2\r\n", "x.properties": ""})
    copy.push(check=True)
    repository = repositories.open("config", "hosted")
    assert repository.head("main") == second
    assert repository.files(second) == {"web.yml": "a: 2\r\n", "dév/wéb.yaml": "b: ü\n", "x.properties": ""}
    assert repository.files(first)["web.yml"] == "a: 1\n"


def test_an_empty_repository_has_no_head(repositories: GitRepositories, copy: Copy) -> None:
    """Nor has a branch nobody pushed."""
    assert repositories.open("config", "hosted").head("main") is None


def test_the_first_commit_is_the_same_wherever_it_is_made(repositories: GitRepositories, tmp_path: Path) -> None:
    """Two app servers that start at once do not begin two histories."""
    other = GitRepositories(tmp_path / "other", Outgoing(), lambda: 99.0)
    heads = set()
    for each in (repositories, other):
        each.create("config", "main", {"README.md": "hello\n"}, "first", MADE)
        heads.add(each.open("config", "hosted").head("main"))
    assert len(heads) == 1


def test_a_repository_that_is_there_is_never_made_anew(repositories: GitRepositories, copy: Copy) -> None:
    """A restart keeps what people pushed."""
    commit = copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    repositories.create("config", "main", {"README.md": "hello\n"}, "first", MADE)
    assert repositories.open("config", "hosted").head("main") == commit


def test_descent_and_description_of_commits(repositories: GitRepositories, copy: Copy) -> None:
    """Which commit follows which; who wrote it, when, in a line."""
    first = copy.commit({"web.yml": "a: 1\n"}, "one\n\nbody")
    second = copy.commit({"web.yml": "a: 2\n"}, "two")
    copy.push(check=True)
    repository = repositories.open("config", "hosted")
    assert repository.contains(first, second) and repository.contains(first, first)
    assert not repository.contains(second, first)
    assert not repository.contains("0" * 39 + "1", first)
    told = repository.describe(first)
    assert (told.author, told.subject, told.at.tzinfo is not None) == ("Dev", "one", True)


def test_a_commit_that_is_not_there_is_an_error_with_a_reason(repositories: GitRepositories, copy: Copy) -> None:
    """Never an empty configuration in its place."""
    with pytest.raises(RepoError):
        repositories.open("config", "hosted").files("1" * 40)
    with pytest.raises(RepoError, match="not on this app server"):
        repositories.open("other", "hosted").head("main")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".git", "-x", "A", "a" * 64])
def test_no_name_leads_out_of_the_directory(repositories: GitRepositories, name: str) -> None:
    """Names of repositories are names of sources, and checked again where paths are made of them."""
    with pytest.raises(NotFound):
        repositories.open(name, "hosted")


def test_links_submodules_and_binary_configuration_are_refused_together(
    repositories: GitRepositories, copy: Copy
) -> None:
    """Every fault of the tree at once, each with its path."""
    copy.commit({"ok.yml": "a: 1\n", "big.bin": b"\0" * (2 << 20)})
    (copy.path / "link.yml").symlink_to("/etc/passwd")
    copy.git("add", "-A")
    copy.git("update-index", "--add", "--cacheinfo", f"160000,{copy.head},vendor")
    copy.git("commit", "-q", "-m", "bad")
    commit = copy.head
    copy.push(check=True)
    with pytest.raises(InvalidMany) as error:
        repositories.open("config", "hosted").files(commit)
    assert dict(error.value.faults) == {
        "big.bin": "is 2 MiB; files over 1 MiB are refused",
        "link.yml": "is a symbolic link; only regular files are read here",
        "vendor": "is a submodule; only regular files are read here",
    }
    last = copy.git("rev-parse", "HEAD").out.strip()
    copy.git("rm", "-q", "--cached", "vendor")
    text = copy.commit({"link.yml": None, "big.bin": None, "latin.yml": b"a: 1\nb: \xe9\n"})
    copy.push(check=True)
    assert last != text
    with pytest.raises(InvalidMany, match=r"latin\.yml:2: is not UTF-8"):
        repositories.open("config", "hosted").files(text)


def test_git_runs_without_anybodys_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment nor a file in a home directory reaches it."""
    monkeypatch.setenv("GIT_TRACE", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[core]\n\tfsmonitor = touch /tmp/moorage-owned\n")
    found = git_process.environment(tmp_path)
    assert "GIT_TRACE" not in found
    assert found["HOME"] == "/nonexistent"
    listed = ["git", "config", "--list", "--show-origin"]
    told = subprocess.run(listed, env=found, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {line.split("\t")[0] for line in told.stdout.splitlines()} == {"command line:"}


def test_a_program_named_in_a_repositorys_own_settings_is_not_run(
    repositories: GitRepositories, copy: Copy, tmp_path: Path
) -> None:
    """Hooks and monitors that somebody put on the disk stay dead: ours, given from outside, rank above."""
    commit = copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    bare = tmp_path / "git" / "config.git"
    owned = tmp_path / "owned"
    (bare / "config").write_text(
        (bare / "config").read_text() + f"[core]\n\tfsmonitor = touch {owned}\n\thooksPath = {tmp_path}\n"
    )
    (tmp_path / "post-index-change").write_text(f"#!/bin/sh\ntouch {owned}\n")
    (tmp_path / "post-index-change").chmod(0o755)
    BareRepository(bare).files(commit)
    assert not owned.exists()


def test_tidying_keeps_the_commit_in_force(repositories: GitRepositories, copy: Copy, tmp_path: Path) -> None:
    """Packing drops what no branch holds, but never what the applications run by."""
    commit = copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    repositories.tidy("config", "hosted", commit)
    bare = tmp_path / "git" / "config.git"
    told = git_process.run(bare, ["for-each-ref", "--format=%(objectname)", "refs/moorage/"])
    assert told.stdout.decode().strip() == commit
    repositories.tidy("config", "hosted", "2" * 40)
    repositories.tidy("gone", "hosted", commit)


def test_a_retired_repository_is_out_of_reach_and_not_destroyed(
    repositories: GitRepositories, copy: Copy, tmp_path: Path
) -> None:
    """Deleting a source by mistake costs a move of a directory."""
    copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    repositories.retire("config")
    with pytest.raises(RepoError):
        repositories.open("config", "hosted").head("main")
    assert [path.name for path in (tmp_path / "git" / "retired").iterdir()] == ["config-0.git"]


@pytest.mark.parametrize("branch", ["-x", "a..b", "@{", "refs/../../x", "main;id", "a b", ""])
def test_no_branch_name_is_an_expression(repositories: GitRepositories, copy: Copy, branch: str) -> None:
    """What git would read as an option, a range or a path is refused before git is asked."""
    with pytest.raises(Invalid):
        repositories.open("config", "hosted").head(branch)
