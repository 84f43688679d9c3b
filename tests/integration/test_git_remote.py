"""Mirrors of remote repositories: real git, real TLS, real sshd. What they may not lead to is `test_b9_ssrf.py`."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from appserver.adapters import git_remote
from appserver.adapters.git_repositories import GitRepositories
from appserver.core.addresses import outgoing
from appserver.errors import Invalid, RepoError
from appserver.ports import Remote
from tests.lab.forge import TOKEN, Forge, SshForge, ssh_forge

HERE = outgoing(["127.0.0.0/8"])


@pytest.fixture
def mirrors(tmp_path: Path, forge: Forge) -> GitRepositories:
    return GitRepositories(tmp_path / "git", HERE, lambda: 0.0, forge.ca_file)


def test_the_newest_commit_of_the_branch_is_fetched_and_read(mirrors: GitRepositories, forge: Forge) -> None:
    """First and again; another branch is left where it is."""
    copy = forge.repository("config")
    first = copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    copy.push("origin", "HEAD:other", check=True)
    remote = Remote(f"{forge.url}/config.git", "main")
    assert mirrors.fetch("config", remote) == first
    second = copy.commit({"web.yml": "a: 2\n"})
    copy.push(check=True)
    assert mirrors.fetch("config", remote) == second
    mirror = mirrors.open("config", "remote")
    assert (mirror.files(first)["web.yml"], mirror.files(second)["web.yml"]) == ("a: 1\n", "a: 2\n")
    assert mirror.head("other") is None
    assert mirror.describe(second).author == "Dev"


def test_a_branch_that_was_rewritten_is_followed(mirrors: GitRepositories, forge: Forge) -> None:
    """The remote's owners decide what its branch is."""
    copy = forge.repository("config")
    copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    remote = Remote(f"{forge.url}/config.git", "main")
    mirrors.fetch("config", remote)
    copy.git("commit", "-q", "--amend", "-m", "rewritten")
    copy.push("-f", "origin", "HEAD:main", check=True)
    assert mirrors.fetch("config", remote) == copy.head


def test_a_token_reaches_the_server_and_nothing_else(
    mirrors: GitRepositories, forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the arguments of any process, not the mirror's files, not the text of an error."""
    forge.token = TOKEN
    copy = forge.repository("config")
    commit = copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    seen = tmp_path / "argv"
    _spy(tmp_path / "bin", seen, monkeypatch)
    assert mirrors.fetch("config", Remote(f"{forge.url}/config.git", "main", "bob", TOKEN)) == commit
    with pytest.raises(RepoError) as error:
        mirrors.fetch("config", Remote(f"{forge.url}/config.git", "main", "bob", "wrong-one"))
    assert "wrong-one" not in str(error.value) and "bob" not in str(error.value)
    assert "fetch" in seen.read_text()
    assert TOKEN not in seen.read_text()
    for path in (tmp_path / "git").rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()


def test_a_missing_credential_is_an_error_and_never_a_question(mirrors: GitRepositories, forge: Forge) -> None:
    """Nobody sits at the app server's terminal."""
    forge.token = TOKEN
    forge.repository("config").commit({"web.yml": "a: 1\n"})
    with pytest.raises(RepoError):
        mirrors.fetch("config", Remote(f"{forge.url}/config.git", "main"))


def test_a_server_nobody_vouches_for_is_not_trusted(forge: Forge, tmp_path: Path) -> None:
    """The certificate is verified, whatever the environment says."""
    forge.repository("config").commit({"web.yml": "a: 1\n"})
    mirrors = GitRepositories(tmp_path / "other", HERE, lambda: 0.0)
    with pytest.raises(RepoError, match="certificate"):
        mirrors.fetch("config", Remote(f"{forge.url}/config.git", "main"))
    assert forge.asked == []


def test_a_huge_repository_is_given_up(mirrors: GitRepositories, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pack over the limit ends the fetch; what it left behind is no configuration."""
    import random

    copy = forge.repository("config")
    copy.commit({"web.yml": "a: 1\n", "noise.bin": random.Random(1).randbytes(3 << 20)})
    copy.push(check=True)
    monkeypatch.setattr(git_remote, "MAX_PACK", 1 << 20)
    with pytest.raises(RepoError):
        mirrors.fetch("config", Remote(f"{forge.url}/config.git", "main"))
    assert mirrors.open("config", "remote").head("main") is None


def test_a_server_that_never_ends_is_left(
    mirrors: GitRepositories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch has a limit, and takes its helpers with it."""
    monkeypatch.setattr(git_remote, "FETCH_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/config.git"
        with pytest.raises(RepoError, match="not fetched within"):
            mirrors.fetch("config", Remote(url, "main"))
        left = subprocess.run(["pgrep", "-f", url], capture_output=True, text=True, check=False).stdout
        assert left == ""


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshForge]:
    with ssh_forge(tmp_path / "ssh") as found:
        yield found


def test_ssh_with_a_key_and_a_known_host(mirrors: GitRepositories, forge: Forge, ssh: SshForge, tmp_path: Path) -> None:
    """The key is used and is gone afterwards."""
    copy = forge.repository("config")
    commit = copy.commit({"web.yml": "a: 1\n"})
    copy.push(check=True)
    url = f"{ssh.url}{forge.folder}/config.git"
    assert mirrors.fetch("config", Remote(url, "main", "", ssh.key, ssh.known_hosts)) == commit
    secret = ssh.key.splitlines()[2].encode()
    assert not any(p.is_file() and secret in p.read_bytes() for p in (tmp_path / "git").rglob("*"))


def test_ssh_to_a_stranger_is_refused(mirrors: GitRepositories, forge: Forge, ssh: SshForge) -> None:
    """A host whose key is not the one on record may be anybody; without a record there is nothing to compare with."""
    forge.repository("config").commit({"web.yml": "a: 1\n"})
    url = f"{ssh.url}{forge.folder}/config.git"
    other = ssh.known_hosts.split()[0] + " " + " ".join(Path(ssh.folder / "client.pub").read_text().split()[:2])
    with pytest.raises(RepoError):
        mirrors.fetch("config", Remote(url, "main", "", ssh.key, other))
    with pytest.raises(Invalid, match="known_hosts"):
        mirrors.fetch("config", Remote(url, "main", "", ssh.key, ""))


def _spy(folder: Path, seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `git` in the path that writes its arguments down and then is the real one."""
    folder.mkdir()
    spy = folder / "git"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec /usr/bin/git "$@"\n')
    spy.chmod(0o755)
    real = git_remote.environment
    monkeypatch.setattr(git_remote, "environment", lambda *a: {**real(*a), "PATH": f"{folder}:/usr/bin:/bin"})
