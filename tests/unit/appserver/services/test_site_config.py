"""The site's configuration for people: who may change it, what is told of it, what is never written twice."""

from __future__ import annotations

import pytest

from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.site_config import TABLE
from appserver.errors import Forbidden, Invalid, NotFound, PreconditionFailed
from appserver.services.site_config import SiteSettings
from appserver.store.site_config import origin_key, read
from tests.fakes import START, Desk

ANN, BOB, VIC = Caller("ann", "admin"), Caller("bob", "operator"), Caller("vic", "viewer")
TIMEOUT, OLD = "config/worker-timeout-duration", "config/worker-timeout"
SECRET = "correct-horse"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def site(desk: Desk) -> SiteSettings:
    return _site(desk, b"s" * 32)


def _site(desk: Desk, key: bytes) -> SiteSettings:
    return SiteSettings(kv=desk.kv, sealer=KeySealer(key), audit=desk.audit, events=desk.events, clock=desk.clock)


def _kept(desk: Desk, key: str) -> str:
    return desk.kv.snapshot(key).items[key].value


def _everything(desk: Desk) -> str:
    return str({key: item.value for key, item in desk.kv.snapshot("").items.items()})


def test_everything_is_listed_with_its_default(site: SiteSettings):
    """Set or not, for everybody."""
    found = site.list(VIC)
    assert [view.setting for view in found] == list(TABLE)
    told = {view.setting.key: (view.origin, view.value) for view in found}
    assert told[TIMEOUT] == ("default", "1h0m0s")
    assert told["config/proxy"] == ("unset", "")


def test_a_value_is_kept_as_the_seed_has_it_and_told_by_whom(desk: Desk, site: SiteSettings):
    """Nanoseconds under the key itself; who and when in a key beside it."""
    change = site.set(ANN, "worker-timeout", "90m")
    assert (change.before.value, change.after.value, change.changed) == ("1h0m0s", "1h30m0s", True)
    assert _kept(desk, TIMEOUT) == "5400000000000"
    told = site.show(VIC, TIMEOUT).to_json()
    assert (told["value"], told["origin"], told["set_by"], told["set_at"]) == (
        "1h30m0s",
        "set",
        "ann",
        START.isoformat(),
    )
    assert change.after.version == site.show(VIC, TIMEOUT).version


def test_the_same_value_is_not_written_again(desk: Desk, site: SiteSettings):
    """Not a secret either, which is compared opened; and not where it is only written otherwise."""
    for name, given, again in (("worker-timeout", "90m", "1h30m"), ("ipmi-password", SECRET, f"{SECRET}\n")):
        site.set(ANN, name, given)
        at = site.show(ANN, name).version
        assert not site.set(ANN, name, again).changed
        assert site.show(ANN, name).version == at


def test_secrets_are_sealed_and_never_told(desk: Desk, site: SiteSettings):
    """Not in etcd, the audit, an event, or what is listed; a password within a URL is one too."""
    users = f'{{"root": {{"password": {{"raw": "{SECRET}"}}}}}}'
    for name, given in (
        ("ipmi-password", SECRET),
        ("bmc-user", users),
        ("vault-unseal-key", SECRET),
        ("proxy", f"http://u:{SECRET}@squid:3128"),
    ):
        change = site.set(ANN, name, given)
        assert SECRET not in str((change, change.after.to_json(), site.show(ANN, name).to_json()))
    assert SECRET not in _everything(desk)
    assert site.show(ANN, "proxy").value == "http://u:***@squid:3128"
    kept = {key: one.kept for key, one in read(desk.kv, KeySealer(b"s" * 32))[1].items()}
    assert kept["bmc/bmc-user"] == users
    assert kept["config/proxy"] == f"http://u:{SECRET}@squid:3128"


def test_an_old_key_is_read_and_never_written(desk: Desk, site: SiteSettings):
    """It counts until the new one is set, and goes with it."""
    desk.kv.commit({}, {OLD: "120000000000"})
    assert (site.show(VIC, TIMEOUT).origin, site.show(VIC, TIMEOUT).value) == ("old key", "2m0s")
    assert site.set(ANN, OLD, "2m").changed
    assert (_kept(desk, OLD), _kept(desk, TIMEOUT)) == ("120000000000", "120000000000")
    assert site.show(VIC, TIMEOUT).origin == "set"
    assert site.unset(ANN, TIMEOUT).changed
    assert (site.show(VIC, TIMEOUT).origin, site.unset(ANN, TIMEOUT).changed) == ("default", False)
    assert not desk.kv.snapshot("config/", "origins/").items


def test_what_somebody_wrote_past_us_has_no_origin(desk: Desk, site: SiteSettings):
    """An origin counts for the value it was written with; and what is no value is told, and does not hold."""
    site.set(ANN, TIMEOUT, "90m")
    desk.kv.commit({}, {TIMEOUT: "1000000000"})
    assert site.show(VIC, TIMEOUT).to_json()["set_by"] is None
    desk.kv.commit({}, {TIMEOUT: "an hour"})
    told = site.show(VIC, TIMEOUT).to_json()
    assert (told["origin"], told["value"]) == ("unreadable", "1h0m0s")
    assert "nanoseconds" in str(told["fault"])
    desk.kv.commit({}, {origin_key(TIMEOUT): "{"})
    assert site.set(ANN, TIMEOUT, "1h").after.value == "1h0m0s"


def test_a_secret_of_another_machine_is_told_and_can_be_replaced(desk: Desk, site: SiteSettings):
    """Nobody is left with a secret that cannot be read."""
    _site(desk, b"o" * 32).set(ANN, "ipmi-password", SECRET)
    view = site.show(ANN, "ipmi-password")
    assert (view.origin, view.value) == ("unreadable", "")
    assert site.set(ANN, "ipmi-password", SECRET).changed
    assert site.show(ANN, "ipmi-password").origin == "set"


def test_only_administrators_change_it_and_it_is_in_the_audit(desk: Desk, site: SiteSettings):
    """What was refused is there too, without what was given."""
    acts = (
        (BOB, "proxy", f"http://u:{SECRET}@x", Forbidden),
        (VIC, "proxy", f"http://u:{SECRET}@x", Forbidden),
        (ANN, "ipmi-password", f" {SECRET}", Invalid),
        (ANN, "prxy", SECRET, NotFound),
    )
    for who, name, given, refusal in acts:
        with pytest.raises(refusal):
            site.set(who, name, given)
        desk.clock.pass_by(seconds=1)
    site.set(ANN, "proxy", "http://squid:3128")
    desk.clock.pass_by(seconds=1)
    site.unset(ANN, "proxy")
    assert desk.entries() == [
        *((who.name, "set", f"site:{name}", "refused") for who, name, _, _ in acts),
        ("ann", "set", "site:proxy", "ok"),
        ("ann", "unset", "site:proxy", "ok"),
    ]
    told = [one.message for _, one in desk.events.list(ANN).items]
    assert told == ["config/proxy is unset", "config/proxy is set to http://squid:3128"]
    assert SECRET not in _everything(desk)


def test_a_version_that_is_old_changes_nothing(site: SiteSettings):
    """Somebody else was quicker."""
    first = site.set(ANN, "proxy", "http://one:1").after.version
    site.set(ANN, "proxy", "http://two:2", first)
    for act in (lambda: site.set(ANN, "proxy", "http://three:3", first), lambda: site.unset(ANN, "proxy", first)):
        with pytest.raises(PreconditionFailed):
            act()
    assert site.show(ANN, "proxy").value == "http://two:2"
