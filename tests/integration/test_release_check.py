"""The search for new releases: real git at a forge, the store in memory, the clock in hand."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from appserver.core.release import Kept
from appserver.errors import LeadershipLost
from appserver.services.releases_view import ReleaseList
from appserver.store import releases as store
from tests.lab.forge import Forge
from tests.lab.git import Copy
from tests.lab.release_house import ReleaseHouse
from tests.lab.releasing import PLAY, release
from tests.lab.wait import wait_until

ONE, TWO = "2026.11.22-1", "2026.11.22-2"


@pytest.fixture
def house(tmp_path: Path, forge: Forge) -> ReleaseHouse:
    """Its releases are at the forge, its channel is dev."""
    found = ReleaseHouse(tmp_path / "state", forge.ca_file)
    found.configure("release-repository", f"{forge.url}/releases.git")
    found.configure("env", "dev")
    return found


@pytest.fixture
def copy(forge: Forge) -> Copy:
    return forge.repository("releases")


def pushed(copy: Copy, *versions: str) -> None:
    for version in versions:
        release(copy, f"test-{version}", files={"release.yml": MANIFEST, "play.yml": f"{PLAY}# {version}\n"})
    copy.push("--tags", "origin", check=True)


MANIFEST = "steps: [{name: agent, playbook: play.yml}]\n"


def test_the_newest_comes_into_force_and_is_told_of_once(house: ReleaseHouse, copy: Copy) -> None:
    """The one before it is not even kept; looked again, nothing is written but that it was looked."""
    pushed(copy, ONE, TWO)
    found = house.check.look({})
    assert (found.found, found.why, found.error) == (f"test-{TWO}", "", "")
    assert house.in_force == TWO
    assert [one.release.version for one in house.releases.kept()] == [TWO]
    again = house.check.look({})
    assert again.why == f"{TWO} is in force"
    assert sum("is in force" in message for message in house.events()) == 1


def test_a_forge_that_is_away_is_on_record_asked_less_often_and_told_of_once(
    house: ReleaseHouse, copy: Copy, forge: Forge
) -> None:
    """What is in force stays; when it is back, that is told too."""
    pushed(copy, ONE)
    house.check.look({})
    forge.token = "now-it-asks-for-one"
    failed = []
    for _ in range(3):
        house.desk.clock.pass_by(seconds=60)
        failed.append(house.check.look({}))
    assert [one.failures for one in failed] == [1, 2, 3]
    assert failed[-1].error and failed[-1].error_at == house.desk.clock.now()
    assert house.in_force == ONE
    view = listed(house).search(house.root)
    assert view.next_look == house.desk.clock.now() + timedelta(minutes=8)
    house.desk.clock.pass_by(minutes=8)
    house.configure("github-token", forge.token)
    assert house.check.look({}).error == ""
    told = [message for message in house.events() if message.startswith("releases can")]
    assert len(told) == 2 and told[1] == "releases can be looked for again"
    assert forge.token not in str(house.events()) + str(failed)


def test_a_release_that_cannot_be_taken_says_why_and_the_next_good_one_is(house: ReleaseHouse, copy: Copy) -> None:
    """A tag with faults at a forge, where nobody refuses the push."""
    release(copy, f"test-{ONE}", files={"release.yml": "stepz: []\n"})
    pushed(copy)
    assert "release.yml: stepz: is not known" in house.check.look({}).error
    assert house.in_force == ""
    pushed(copy, TWO)
    assert house.check.look({}).error == ""
    assert house.in_force == TWO


def test_whoever_leads_no_more_brings_nothing_into_force(house: ReleaseHouse, copy: Copy) -> None:
    """Not even that it was looked."""
    pushed(copy, ONE)
    with pytest.raises(LeadershipLost):
        house.check.look({"leader/updater/7": 3})
    assert house.in_force == ""
    assert store.search(house.desk.kv).revision == 0


def test_what_people_ask_for_during_a_look_stays(house: ReleaseHouse, copy: Copy) -> None:
    """The look was decided on what was in force before: it writes nothing over what is there now."""
    pushed(copy, ONE, TWO)
    keep = house.releases.keep

    def meanwhile(tag: str, fence: object) -> Kept:
        house.desk.kv.commit({}, {"info/release": ONE})
        return keep(tag)

    house.releases.keep = meanwhile  # type: ignore[method-assign, assignment]
    found = house.check.look({})
    assert (found.error, house.in_force) == ("", ONE)
    assert found.why == "somebody changed the release in force meanwhile"
    house.releases.keep = keep  # type: ignore[method-assign]
    house.check.look({})
    assert house.in_force == TWO


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "localhost", "0.0.0.0"])
def test_a_repository_within_is_not_called(tmp_path: Path, host: str) -> None:
    """B9: what the app server may not call it does not call for releases either; the reason is on record."""
    house = ReleaseHouse(tmp_path / "state", networks=())
    if host in ("localhost",):
        house.configure("release-repository", f"https://{host}/releases.git")
    else:
        house.configure("release-repository", f"ssh://git@{host}/releases.git")
        house.configure("release-known-hosts", f"{host} ssh-ed25519 {'A' * 68}")
    house.configure("env", "dev")
    assert house.check.look({}).error


def test_it_looks_when_the_site_is_configured_otherwise_and_when_somebody_asks(house: ReleaseHouse, copy: Copy) -> None:
    """Not only by the interval; and a store that is away for a moment ends nothing."""
    house.configure("check-update-interval", "24h")
    house.configure("env", "none")
    stop = Event()
    thread = Thread(target=leading, args=(house, stop), daemon=True)
    thread.start()
    try:
        wait_until(lambda: store.search(house.desk.kv).record.looked_at, "it looked once")
        pushed(copy, ONE)
        house.configure("env", "dev")
        wait_until(lambda: house.in_force == ONE, "the channel is followed at once")
        pushed(copy, TWO)
        assert listed(house).look(house.root, 20.0).search.found == f"test-{TWO}"
        assert house.in_force == TWO
    finally:
        stop.set()
        thread.join(10)


def test_where_nobody_leads_whoever_asks_for_a_look_is_answered_at_once(house: ReleaseHouse, copy: Copy) -> None:
    """As it is; the next who leads looks, without being asked again."""
    house.configure("check-update-interval", "24h")
    house.check.look({})
    pushed(copy, ONE)
    asked = time.monotonic()
    assert listed(house).look(house.root, 20.0).search.found == ""
    assert time.monotonic() - asked < 5
    stop = Event()
    thread = Thread(target=leading, args=(house, stop), daemon=True)
    thread.start()
    try:
        wait_until(lambda: house.in_force == ONE, "it was looked")
    finally:
        stop.set()
        thread.join(10)


def leading(house: ReleaseHouse, stop: Event) -> None:
    """As the elected duty has it."""
    with house.desk.kv.leader("updater", 60.0, "here", stop) as leadership:
        assert leadership is not None
        house.check.run(stop, leadership.fence)


def listed(house: ReleaseHouse) -> ReleaseList:
    return ReleaseList(
        kv=house.desk.kv,
        place=house.place,
        releases=house.releases,
        site=house.site,
        audit=house.desk.audit,
        clock=house.desk.clock,
    )
