"""Releases from their repository onto the record: real git, the store in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from appserver.core.refs import short
from appserver.errors import Conflict, Invalid, InvalidMany, LeadershipLost, NotFound, RepoError
from appserver.store import releases as store
from tests.lab.forge import TOKEN, Forge, ssh_forge
from tests.lab.git import Copy
from tests.lab.release_house import SEALER, ReleaseHouse
from tests.lab.releasing import MANIFEST, PLAY, give_tag, release, signer

ONE, TWO = "2026.11.22-1", "2026.11.22-2"


@pytest.fixture
def house(tmp_path: Path, forge: Forge) -> ReleaseHouse:
    """An app server whose releases are at the forge."""
    found = ReleaseHouse(tmp_path / "state", forge.ca_file)
    found.configure("release-repository", f"{forge.url}/releases.git")
    return found


@pytest.fixture
def copy(forge: Forge) -> Copy:
    return forge.repository("releases")


def test_a_release_is_kept_by_its_version_with_its_files(house: ReleaseHouse, copy: Copy) -> None:
    """Fetched where need be, read, and on record; asked for again it is there without the repository."""
    commit = release(copy, f"test-{ONE}")
    copy.push("--tags", "origin", check=True)
    made = house.releases.keep(ONE)
    assert (made.release.version, made.tag, made.commit, made.signed_by) == (ONE, f"test-{ONE}", commit, "")
    assert made.source.endswith("/releases.git")
    assert store.files(house.desk.kv, SEALER, ONE) == {"release.yml": MANIFEST, "play.yml": PLAY}
    revision = house.desk.kv.snapshot("releases/").revision
    assert house.releases.keep(ONE) == house.releases.keep(f"test-{ONE}") == made
    assert house.desk.kv.snapshot("releases/").revision == revision


def test_the_credential_is_that_of_the_way_it_is_fetched(
    house: ReleaseHouse, copy: Copy, forge: Forge, tmp_path: Path
) -> None:
    """A token by https, a key and the host's own key by ssh; neither is told when it does not do."""
    release(copy, f"test-{ONE}")
    copy.push("--tags", "origin", check=True)
    forge.token = TOKEN
    with pytest.raises(RepoError):
        house.releases.keep(ONE)
    house.configure("github-token", TOKEN)
    assert house.releases.keep(ONE)
    release(copy, f"test-{TWO}", files={"play.yml": f"{PLAY}# 2\n"})
    copy.push("--tags", "origin", check=True)
    with ssh_forge(tmp_path / "ssh") as ssh:
        house.configure("release-repository", f"{ssh.url}{forge.folder}/releases.git")
        with pytest.raises(Invalid, match="known_hosts"):
            house.releases.keep(TWO)
        house.configure("release-known-hosts", ssh.known_hosts)
        with pytest.raises(RepoError):
            house.releases.keep(TWO)
        house.configure("release-repository-key", ssh.key)
        assert house.releases.keep(TWO).source.startswith("ssh://")
    kept = str(house.desk.kv.snapshot("").items)
    assert TOKEN not in kept and ssh.key.splitlines()[2] not in kept


def test_what_is_proven_is_known_by_its_other_tags(house: ReleaseHouse, copy: Copy) -> None:
    """The same commit, tagged for the next channel: one release on record."""
    release(copy, f"test-{ONE}")
    copy.push("--tags", "origin", check=True)
    house.releases.keep(ONE)
    give_tag(copy, f"prod-{ONE}")
    copy.push("--tags", "origin", check=True)
    made = house.releases.keep(f"prod-{ONE}")
    assert (made.tag, made.tags) == (f"prod-{ONE}", (f"test-{ONE}", f"prod-{ONE}"))
    assert len(house.releases.kept()) == 1


def test_a_tag_that_was_moved_is_not_followed(house: ReleaseHouse, copy: Copy) -> None:
    """What is on record stays what it was; whoever asks for the other is told both."""
    first = release(copy, f"test-{ONE}")
    copy.push("--tags", "origin", check=True)
    house.releases.keep(ONE)
    second = release(copy, f"prod-{ONE}", files={"play.yml": f"{PLAY}# another\n"})
    copy.push("--tags", "origin", check=True)
    with pytest.raises(Conflict, match="one version is one commit") as error:
        house.releases.keep(f"prod-{ONE}")
    assert short(first) in str(error.value) and short(second) in str(error.value)
    assert house.releases.kept()[0].commit == first


def test_a_release_with_faults_is_not_kept(house: ReleaseHouse, copy: Copy) -> None:
    """All of them, each with file and place; nothing of it is on record."""
    release(copy, f"test-{ONE}", files={"release.yml": "stepz: []\nimages: {web: latest}\n"})
    copy.push("--tags", "origin", check=True)
    with pytest.raises(InvalidMany) as error:
        house.releases.keep(ONE)
    assert {where for where, _ in error.value.faults} >= {"release.yml: stepz", "release.yml: images/web"}
    assert house.desk.kv.snapshot("releases/", "releasefiles/").items == {}
    for wanted in (TWO, f"test-{TWO}"):
        with pytest.raises(NotFound):
            house.releases.keep(wanted)
    for wanted in ("", "../x", "v1.0", "-rf"):
        with pytest.raises(Invalid):
            house.releases.keep(wanted)


def test_signatures_are_asked_for_where_the_site_names_signers(house: ReleaseHouse, copy: Copy, tmp_path: Path) -> None:
    """Who signed is kept; what was kept unsigned before is not enough any more."""
    anna, mallory = (signer(tmp_path / "keys", f"{name}@example.com") for name in ("anna", "mallory"))
    release(copy, f"test-{ONE}", by=anna)
    release(copy, f"test-{TWO}", by=mallory, files={"play.yml": f"{PLAY}# 2\n"})
    copy.push("--tags", "origin", check=True)
    assert {house.releases.keep(version).signed_by for version in (ONE, TWO)} == {""}
    house.configure("release-signers", anna.line)
    assert house.releases.keep(ONE).signed_by == "anna@example.com"
    with pytest.raises(Invalid, match="is not signed by anybody"):
        house.releases.keep(TWO)


def test_who_leads_no_more_keeps_nothing(house: ReleaseHouse, copy: Copy) -> None:
    """The fence is expected of every write."""
    release(copy, f"test-{ONE}")
    copy.push("--tags", "origin", check=True)
    with pytest.raises(LeadershipLost):
        house.releases.keep(ONE, {"leader/updater/7": 3})
    assert house.desk.kv.snapshot("releases/", "releasefiles/").items == {}


def test_the_newest_ten_stay_and_what_is_in_use(house: ReleaseHouse, copy: Copy) -> None:
    """Of each kind of tag: eleven tests later the release of prod is still here, and so is the one in force."""
    release(copy, f"prod-{ONE}")
    release(copy, f"test-{TWO}", files={"play.yml": f"{PLAY}# 2\n"})
    for number in range(3, 15):
        release(copy, f"test-2026.11.22-{number}", files={"play.yml": f"{PLAY}# {number}\n"})
    copy.push("--tags", "origin", check=True)
    house.desk.kv.commit({}, {"info/release": TWO})
    for number in range(1, 15):
        house.releases.keep(f"2026.11.22-{number}")
    found = [one.release.version for one in house.releases.kept()]
    assert found == [f"2026.11.22-{number}" for number in (*range(14, 4, -1), 2, 1)]
    with pytest.raises(NotFound):
        store.files(house.desk.kv, SEALER, "2026.11.22-3")


def test_what_is_put_aside_says_why_and_can_be_taken_up_again(house: ReleaseHouse, copy: Copy) -> None:
    """An update that was taken back is not begun again by itself."""
    release(copy, f"test-{ONE}")
    copy.push("--tags", "origin", check=True)
    house.releases.keep(ONE)
    house.releases.put_aside(ONE, "taken back by anna")
    assert house.releases.keep(ONE).aside == "taken back by anna"
    house.releases.put_aside(ONE, "")
    assert house.releases.kept()[0].aside == ""
    with pytest.raises(NotFound):
        house.releases.put_aside(TWO, "never was")
