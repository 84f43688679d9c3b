"""The duty that looks at boards: what somebody changed is on record and told, and a bad board holds up no other."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest

from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.core.access import Caller
from appserver.core.bmc import Account, BmcUser, Board, Seen
from appserver.core.events import Happening
from appserver.core.fleet import Node
from appserver.errors import Forbidden, Invalid, NotFound
from appserver.services.audit import Audit
from appserver.services.bmc import Bmcs
from appserver.services.bmc_users import BmcUsers, Wish, place
from appserver.services.bmc_watch import REFUSED_S, BmcWatch
from appserver.services.events import Events
from appserver.services.retire import Retire
from appserver.store import keys
from appserver.store.codec import decode, encode
from appserver.store.records import below
from tests.fakes import HandClock
from tests.lab.bmc import BoardFactory, SimBoard

SEALER = KeySealer(bytes(32))
ROOT = Caller("root", "admin")
OPS = BmcUser("ops", "operator", password="pw-ops-1")


class Desk:
    """A store, the duty over it with a clock in hand, and what people see."""

    def __init__(self, hardware: HardwareBoards) -> None:
        self.kv, self.clock, self.hardware = MemoryKV(), HandClock(), hardware
        self.watch = BmcWatch(kv=self.kv, boards=hardware, sealer=SEALER, clock=self.clock, every_s=30.0, at_once=4)
        events, audit = Events(kv=self.kv, clock=self.clock), Audit(kv=self.kv, clock=self.clock)
        self.bmcs = Bmcs(kv=self.kv, boards=hardware, sealer=SEALER, audit=audit, events=events)

    def record(self, board: SimBoard, lrn: int) -> None:
        BmcUsers(self.hardware, self.kv, SEALER).bring(Wish(board.login(), (OPS,), lrn))

    def look(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            self.watch.look(pool, Event())

    def seen(self, lrn: int) -> Seen:
        return decode(self.kv.snapshot(keys.bmc_seen(lrn)).items[keys.bmc_seen(lrn)].value, Seen)

    def told(self) -> list[str]:
        """Events, oldest first."""
        found = below(self.kv.snapshot("events/"), "events/", Happening)
        return [f"{one.record.severity} {one.record.subject}: {one.record.message}" for _, one in found]


@pytest.fixture
def desk(hardware: HardwareBoards) -> Desk:
    return Desk(hardware)


@pytest.mark.parametrize("kind", ["ipmi", "post"])
def test_a_user_changed_by_hand_is_told_with_before_and_after(kind: str, desk: Desk, make_board: BoardFactory) -> None:
    """On the node's bus, on record, and as drift until it is as the playbook left it."""
    board = make_board(kind)
    desk.record(board, 3)
    desk.kv.commit({}, {keys.node("n3"): encode(Node("n3", "192.0.2.3:8090", "default", 3))})
    desk.look()
    assert (desk.seen(3), desk.told()) == (Seen(True, "on"), [])
    with desk.hardware.open(board.login()) as bmc:
        ops = next(one for one in bmc.accounts().found if one.name == "ops")
        bmc.change(replace(ops, privilege="administrator"))
        bmc.create(Account(bmc.accounts().free[0], "mallory", "administrator", True), "pw-mallory")
        bmc.set_power("off")
    desk.clock.pass_by(seconds=30)
    desk.look()
    said = "users of its board: mallory (administrator) added, ops operator → administrator"
    assert desk.told() == [f"WARNING n3: {said}"]
    view = desk.bmcs.show(ROOT, 3)
    assert view is not None
    assert [str(one) for one in view.drift] == ["mallory (administrator) added", "ops operator → administrator"]
    assert view.to_json()["power"] == "off"
    revision = desk.kv.snapshot("").revision
    desk.look()
    assert desk.kv.snapshot("").revision == revision, "a look that finds nothing new writes nothing"
    with desk.hardware.open(board.login()) as bmc:
        found = {one.name: one for one in bmc.accounts().found}
        bmc.delete(found["mallory"])
        bmc.change(replace(found["ops"], privilege="operator"))
    desk.clock.pass_by(seconds=30)
    desk.look()
    assert desk.told()[1].startswith("INFO n3: users of its board: mallory (administrator) removed")
    assert desk.bmcs.show(ROOT, 3).drift == ()  # type: ignore[union-attr]


def test_a_board_that_is_away_is_told_once_and_holds_up_no_other(desk: Desk, make_board: BoardFactory) -> None:
    """Its users stay on record as they were seen last."""
    away, here = make_board("ipmi"), make_board("post")
    desk.record(away, 1)
    desk.record(here, 2)
    desk.look()
    away.keeps("ops")
    away.kill()
    for _ in range(2):
        desk.clock.pass_by(seconds=30)
        began = time.monotonic()
        desk.look()
        assert time.monotonic() - began < 30
    assert not desk.seen(1).ok
    assert desk.seen(2).ok
    assert [line.partition(":")[0] for line in desk.told()] == ["WARNING boot server 1"]
    view = desk.bmcs.show(ROOT, 1)
    assert view is not None
    assert (dict(view.users), view.drift) == ({"admin": "administrator", "ops": "operator"}, ())
    away.start()
    desk.clock.pass_by(seconds=30)
    desk.look()
    assert desk.told()[1] == "INFO boot server 1: its board answers again"


def test_a_refused_password_is_not_tried_until_the_account_is_locked(desk: Desk, make_board: BoardFactory) -> None:
    """Not again for a quarter of an hour, unless a playbook has been there."""
    board = make_board("slots", lockout=4)
    desk.record(board, 1)
    with desk.hardware.open(board.login()) as bmc:
        bmc.password(next(one for one in bmc.accounts().found if one.name == "admin"), "by-hand-99")
    for _ in range(10):
        desk.clock.pass_by(seconds=30)
        desk.look()
    assert "refuses the log-in" in desk.seen(1).reason
    with desk.hardware.open(board.login("by-hand-99")) as bmc:
        assert not any(one.locked for one in bmc.accounts().found)
    desk.clock.pass_by(seconds=REFUSED_S)
    desk.look()
    assert not desk.seen(1).ok
    BmcUsers(desk.hardware, desk.kv, SEALER).bring(Wish(board.login("by-hand-99"), (OPS,), 1))
    desk.look()
    assert desk.seen(1).ok


def test_a_record_that_cannot_be_opened_is_told(
    desk: Desk, make_board: BoardFactory, caplog: pytest.LogCaptureFixture
) -> None:
    """Sealed for another board, or no record at all: the others are looked at."""
    board = make_board("post")
    desk.record(board, 1)
    stranger = Board("192.0.2.9", "ipmi", 0, "admin", SEALER.seal("{}", place(7)), {})
    desk.kv.commit({}, {keys.bmc_board(8): encode(stranger), keys.bmc_board(9): "no JSON"})
    with caplog.at_level(logging.WARNING):
        desk.look()
    assert desk.seen(1).ok
    assert "was not sealed with this machine's key" in desk.seen(8).reason
    assert keys.bmc_seen(9) not in desk.kv.snapshot("bmc/seen/").items


def test_a_play_that_writes_meanwhile_is_not_written_over(desk: Desk, make_board: BoardFactory) -> None:
    """What was seen before the play is older than what it recorded."""
    board = make_board("post")
    desk.record(board, 1)
    before = desk.kv.snapshot(keys.bmc_board(1), keys.bmc_seen(1), keys.installed_bmc(1), "nodes/")
    found = decode(before.items[keys.bmc_board(1)].value, Board)
    BmcUsers(desk.hardware, desk.kv, SEALER).bring(Wish(board.login(), (OPS, replace(OPS, name="two")), 1))
    written = desk.kv.snapshot("").revision
    desk.watch._look_at(1, found, before, Event())
    assert desk.kv.snapshot("").revision == written


def test_a_node_that_is_retired_leaves_nothing_of_its_board(desk: Desk, make_board: BoardFactory) -> None:
    """No password stays on record, and nobody looks at the board any more."""
    board = make_board("post")
    desk.record(board, 3)
    desk.look()
    desk.kv.commit({}, {keys.node("n3"): encode(Node("n3", "192.0.2.3:8090", "default", 3))})
    Retire(
        kv=desk.kv,
        audit=Audit(kv=desk.kv, clock=desk.clock),
        events=Events(kv=desk.kv, clock=desk.clock),
        clock=desk.clock,
    )(ROOT, "n3")
    desk.look()
    left = desk.kv.snapshot("bmc/", "install/").items
    assert not left


def test_people_switch_a_host_and_are_audited(desk: Desk, make_board: BoardFactory) -> None:
    """Operators may, viewers may not; a boot server without a board says so."""
    board = make_board("ipmi")
    desk.record(board, 5)
    with pytest.raises(Forbidden):
        desk.bmcs.power(Caller("vic", "viewer"), 5, "off")
    assert board.on
    assert desk.bmcs.power(Caller("olga", "operator"), 5, "off") == "on"
    assert not board.on
    assert desk.bmcs.power(ROOT, 5, "off") == "off"
    with pytest.raises(Invalid):
        desk.bmcs.power(ROOT, 5, "explode")
    with pytest.raises(NotFound):
        desk.bmcs.power(ROOT, 6, "on")
    assert desk.bmcs.show(ROOT, 6) is None
    assert len(desk.kv.snapshot("audit/").items) == 5
