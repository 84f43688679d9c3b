"""Repositories whose tags are releases: real git, and tags signed with real keys of OpenSSH."""

from __future__ import annotations

from pathlib import Path

import pytest

from appserver.adapters.git_repositories import GitRepositories
from appserver.core.addresses import outgoing
from appserver.core.release_refs import PREFIXES
from appserver.errors import Invalid, InvalidMany, RepoError
from appserver.ports import Remote
from appserver.ports.repositories import Tag
from tests.lab.forge import TOKEN, Forge
from tests.lab.git import Copy
from tests.lab.releasing import MANIFEST, PLAY, give_tag, release, signer

TEST, PROD = "test-2026.11.22-1", "prod-2026.11.22-1"


@pytest.fixture
def mirrors(tmp_path: Path, forge: Forge) -> GitRepositories:
    return GitRepositories(tmp_path / "git", outgoing(["127.0.0.0/8"]), lambda: 0.0, forge.ca_file)


@pytest.fixture
def copy(forge: Forge) -> Copy:
    return forge.repository("releases")


def fetched(mirrors: GitRepositories, forge: Forge, copy: Copy, token: str = "") -> dict[str, Tag]:
    copy.push("-f", "--tags", "origin", check=True)
    mirrors.fetch_tags("releases", Remote(f"{forge.url}/releases.git", "main", "", token), PREFIXES)
    return dict(mirrors.tagged("releases", "remote").tags())


def test_tags_of_releases_are_fetched_and_peeled_others_stay_away(
    mirrors: GitRepositories, forge: Forge, copy: Copy, tmp_path: Path
) -> None:
    """Plain and signed ones, by a token; a tag of something else is not even brought here."""
    forge.token = TOKEN
    assert mirrors.tagged("releases", "remote").tags() == {}
    commit = release(copy, TEST, "v1.0")
    give_tag(copy, PROD, by=signer(tmp_path / "keys", "anna@example.com"))
    found = fetched(mirrors, forge, copy, TOKEN)
    assert {name: tag.commit for name, tag in found.items()} == {TEST: commit, PROD: commit}
    assert found[TEST].id == commit != found[PROD].id
    assert mirrors.tagged("releases", "remote").tree(commit) == {"release.yml": MANIFEST, "play.yml": PLAY}
    with pytest.raises(RepoError) as error:
        fetched(mirrors, forge, copy, "wrong-one")
    assert "wrong-one" not in str(error.value)


def test_a_mirror_follows_what_is_withdrawn(mirrors: GitRepositories, forge: Forge, copy: Copy) -> None:
    """A tag that the remote has no more is gone here; one that was moved is seen to be."""
    first = release(copy, TEST, PROD)
    assert fetched(mirrors, forge, copy)[TEST].commit == first
    copy.git("push", "-q", "--delete", "origin", PROD)
    copy.git("tag", "-d", PROD)
    second = copy.commit({"more.txt": "more\n"})
    copy.git("tag", "-f", TEST)
    assert {name: tag.commit for name, tag in fetched(mirrors, forge, copy).items()} == {TEST: second}
    copy.git("push", "-q", "--delete", "origin", TEST)
    copy.git("tag", "-d", TEST)
    copy.git("push", "-q", "origin", "HEAD:main")
    mirrors.fetch_tags("releases", Remote(f"{forge.url}/releases.git", "main"), PREFIXES)
    assert mirrors.tagged("releases", "remote").tags() == {}


def test_who_signed_is_told_and_nobody_else_is_believed(
    mirrors: GitRepositories, forge: Forge, copy: Copy, tmp_path: Path
) -> None:
    """Of those that the site names; a plain tag, a stranger's, and one for another purpose are refused."""
    anna, mallory = (signer(tmp_path / "keys", f"{name}@example.com") for name in ("anna", "mallory"))
    release(copy, "test-2026.11.22-1", by=anna)
    release(copy, "test-2026.11.22-2", by=mallory, files={"a.yml": ""})
    release(copy, "test-2026.11.22-3", files={"b.yml": ""})
    copy.git("tag", "-a", "-m", "annotated", "test-2026.11.22-4")
    found = fetched(mirrors, forge, copy)
    repository = mirrors.tagged("releases", "remote")
    name = "test-2026.11.22-1"
    assert repository.signer(name, found[name], anna.line) == "anna@example.com"
    assert repository.signer(name, found[name], f"{mallory.line}\n{anna.line}") == "anna@example.com"
    for other, why in (("2", "anybody"), ("3", "plain tag"), ("4", "SSH key")):
        with pytest.raises(Invalid, match=why):
            repository.signer(f"test-2026.11.22-{other}", found[f"test-2026.11.22-{other}"], anna.line)
    elsewhere = anna.line.replace("ssh-ed25519", 'namespaces="file" ssh-ed25519')
    expired = anna.line.replace("ssh-ed25519", 'valid-before="20200101" ssh-ed25519')
    for line in (elsewhere, expired):
        with pytest.raises(Invalid, match="anybody"):
            repository.signer(name, found[name], line)


def test_a_signed_tag_under_another_name_is_refused(
    mirrors: GitRepositories, forge: Forge, copy: Copy, tmp_path: Path
) -> None:
    """Else whoever may push could give out an old, signed release as a new one."""
    release(copy, "test-2026.11.22-1", by=signer(tmp_path / "keys", "anna@example.com"))
    copy.git("update-ref", "refs/tags/test-2026.11.22-9", "refs/tags/test-2026.11.22-1")
    found = fetched(mirrors, forge, copy)
    repository = mirrors.tagged("releases", "remote")
    assert repository.tag("test-2026.11.22-1", found["test-2026.11.22-1"].id) == found["test-2026.11.22-1"]
    with pytest.raises(Invalid, match="was made as 'test-"):
        repository.tag("test-2026.11.22-9", found["test-2026.11.22-9"].id)


def test_a_tag_of_no_commit_is_none(mirrors: GitRepositories, forge: Forge, copy: Copy) -> None:
    """Of a file, of another tag."""
    release(copy, "test-2026.11.22-1")
    copy.git("tag", "test-2026.11.22-2", copy.git("rev-parse", "HEAD:release.yml").out.strip())
    copy.git("tag", "-a", "-m", "inner", "test-2026.11.22-3")
    copy.git("tag", "-a", "-m", "outer", "test-2026.11.22-4", "test-2026.11.22-3")
    found = fetched(mirrors, forge, copy)
    assert set(found) >= {"test-2026.11.22-1", "test-2026.11.22-3"} and "test-2026.11.22-2" not in found
    repository = mirrors.tagged("releases", "remote")
    for name in ("test-2026.11.22-2", "test-2026.11.22-4"):
        with pytest.raises(Invalid, match="is to lead to a commit"):
            repository.tag(name, copy.git("rev-parse", name).out.strip())


def test_a_tree_that_is_no_release_is_refused_file_by_file(mirrors: GitRepositories, forge: Forge, copy: Copy) -> None:
    """Symbolic links, what is no text, what is too large or too much: with the file, all at once."""
    (copy.path / "link").symlink_to("/etc/passwd")
    large = release(copy, TEST, files={"a/large.yml": "x" * ((1 << 20) + 1)})
    (copy.path / "link").unlink()
    binary = release(copy, PROD, files={"a/large.yml": None, "logo.png": b"\x89PNG\xff", "nul.txt": "a\0b"})
    many = release(copy, "test-2026.11.22-2", files={"logo.png": None, **{f"d/{n}": "" for n in range(2_001)}})
    fetched(mirrors, forge, copy)
    repository = mirrors.tagged("releases", "remote")
    with pytest.raises(InvalidMany) as error:
        repository.tree(large)
    assert [where for where, _ in error.value.faults] == ["a/large.yml", "link"]
    with pytest.raises(InvalidMany) as error:
        repository.tree(binary)
    assert [where for where, _ in error.value.faults] == ["logo.png", "nul.txt"]
    with pytest.raises(Invalid, match="holds at most"):
        repository.tree(many)


def test_a_tree_that_names_itself_over_and_over_ends_the_listing(
    mirrors: GitRepositories, forge: Forge, copy: Copy
) -> None:
    """B5: ten objects that stand for ten million files are refused, not listed."""
    tree = copy.tree(*(("100644", f"f{n}", "x") for n in range(10)))
    for _ in range(6):
        tree = copy.tree(*(("40000", f"d{n}", tree) for n in range(10)))
    copy.git("tag", TEST, copy.commit_tree(tree))
    found = fetched(mirrors, forge, copy)
    with pytest.raises(Invalid, match="holds at most"):
        mirrors.tagged("releases", "remote").tree(found[TEST].commit)
