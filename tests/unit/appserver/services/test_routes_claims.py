"""A host and path is one application's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appserver.adapters.memory import MemoryKV
from appserver.core.entities import AppKey, Application, Options, Revision
from appserver.core.expose import Expose
from appserver.core.routes import Held
from appserver.errors import Conflict, Invalid
from appserver.services.routes_claims import Claims
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import read

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SHOP, OTHER = AppKey("default", "shop"), AppKey("default", "other")
WEB, API = Expose("web", 80, "shop.example"), Expose("web", 80, "shop.example", "/api")


def deployed(kv: MemoryKV, key: AppKey, *exposes: Expose, number: int = 1) -> None:
    """As a deployment would commit it; the revision of that number is in force."""
    expect, puts = Claims(kv).take(key, exposes)
    options = Options(expose=exposes)
    revision = Revision(number, "ann", NOW, "", "d", {}, {}, "", options=options)
    application = Application(key.name, key.cluster, "compose.yaml", NOW, number, number)
    records = {keys.revision(key, number): encode(revision), keys.application(key): encode(application)}
    assert kv.commit(expect, {**puts, **records})


def held(kv: MemoryKV) -> dict[str, str]:
    found = read(kv, keys.route("shop.example"), Held)
    return dict(found.record.paths) if found else {}


def test_another_application_is_refused_and_told_whose_it_is() -> None:
    """Another path of the same host is free."""
    kv = MemoryKV()
    deployed(kv, SHOP, WEB)
    with pytest.raises(Conflict, match=r"shop\.example/ is default\.shop's"):
        Claims(kv).take(OTHER, [WEB])
    deployed(kv, OTHER, API)
    assert held(kv) == {"/": "default.shop", "/api": "default.other"}


def test_of_two_at_once_one_gets_it() -> None:
    """Both were decided before either was written: the second commit does not hold."""
    kv = MemoryKV()
    first, second = Claims(kv).take(SHOP, [WEB]), Claims(kv).take(OTHER, [WEB])
    assert kv.commit(*first)
    assert not kv.commit(*second)


def test_what_nobody_exposes_any_more_is_free() -> None:
    """Taken over at once, or swept away."""
    kv = MemoryKV()
    deployed(kv, SHOP, WEB, API)
    deployed(kv, SHOP, WEB, number=2)
    assert Claims(kv).prune() == 1
    assert held(kv) == {"/": "default.shop"}
    kv.commit({}, {}, [keys.application(SHOP)])
    deployed(kv, OTHER, WEB)
    assert held(kv) == {"/": "default.other"}
    kv.commit({}, {}, [keys.application(OTHER)])
    assert Claims(kv).prune() == 1
    assert keys.route("shop.example") not in kv.snapshot("").items


def test_a_revision_that_is_still_in_force_keeps_what_the_newest_gave_up() -> None:
    """It may be put back."""
    kv = MemoryKV()
    deployed(kv, SHOP, WEB)
    application = Application("shop", "default", "compose.yaml", NOW, 1, 2)
    newest = Revision(2, "ann", NOW, "", "d", {}, {}, "")
    kv.commit({}, {keys.application(SHOP): encode(application), keys.revision(SHOP, 2): encode(newest)})
    assert Claims(kv).prune() == 0
    with pytest.raises(Conflict):
        Claims(kv).take(OTHER, [WEB])


def test_the_app_servers_own_host_is_nobodys() -> None:
    """Who had it would be given everybody's password."""
    with pytest.raises(Invalid, match="where the app server itself is reached"):
        Claims(MemoryKV(), ["shop.example"]).take(SHOP, [WEB])
