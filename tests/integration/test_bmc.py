"""Boards through both protocols, on OpenIPMI's simulator and a Redfish server: every operation, and every bad day."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.core.bmc import Account, BmcUser, Board, Boot, Login
from appserver.errors import BmcError, Invalid, InvalidMany, LoginRefused
from appserver.services.bmc_users import BmcUsers, Wish, opened
from appserver.store import keys
from appserver.store.codec import decode
from tests.lab.bmc import BoardFactory, Kind, SimBoard
from tests.lab.images import LABEL, busybox
from tests.lab.wait import wait_until

KINDS: tuple[Kind, ...] = ("ipmi", "post", "slots", "idrac")
OPS = BmcUser("ops", "operator", password="pw-ops-1")
ADMIN = BmcUser("admin", "administrator", password="secret")
SEALER = KeySealer(bytes(32))


def wish(board: SimBoard, *users: BmcUser, passwords: tuple[str, ...] = (), **more: object) -> Wish:
    return Wish(board.login(*passwords), users, **more)  # type: ignore[arg-type]


def named(board: SimBoard, hardware: HardwareBoards, *passwords: str) -> dict[str, str]:
    with hardware.open(board.login(*passwords)) as bmc:
        return dict(bmc.accounts().record)


@pytest.mark.parametrize("kind", KINDS)
def test_users_are_made_changed_disabled_and_deleted(
    kind: Kind, make_board: BoardFactory, hardware: HardwareBoards
) -> None:
    """Each from the same list; what is as wanted takes no step; a kill of the board forgets nothing."""
    board = make_board(kind)
    bring = BmcUsers(hardware).bring
    made = bring(wish(board, ADMIN, OPS))
    assert [step.action for step in made.steps] == ["create"]
    assert made.after == {"admin": "administrator", "ops": "operator"}
    assert bring(wish(board, ADMIN, OPS)).steps == ()
    board.keeps("ops")
    board.restart()
    assert bring(wish(board, ADMIN, OPS)).steps == ()
    changed = bring(wish(board, replace(OPS, privilege="administrator", password="pw-ops-2")))
    assert [step.action for step in changed.steps] == ["password", "change"]
    with hardware.open(board.login()) as bmc:
        assert bmc.proves("ops", "pw-ops-2")
        assert not bmc.proves("ops", "pw-ops-1")
    off = bring(wish(board, replace(OPS, enabled=False)))
    assert off.after["ops"] == "operator, disabled"
    with hardware.open(board.login()) as bmc:
        assert not bmc.proves("ops", "pw-ops-2")
    assert bring(wish(board, replace(OPS, password="pw-ops-3"))).after["ops"] == "operator"
    with hardware.open(board.login()) as bmc:
        assert bmc.proves("ops", "pw-ops-3")
    gone = bring(wish(board, replace(OPS, present=False)))
    assert gone.after == {"admin": "administrator"}
    assert bring(wish(board, OPS)).after["ops"] == "operator", "the slot can be taken again"


@pytest.mark.parametrize("kind", ["ipmi", "slots"])
def test_an_exclusive_list_removes_the_others(kind: Kind, make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """But never who logs in, nor the slots of the maker."""
    board = make_board(kind)
    bring = BmcUsers(hardware).bring
    bring(wish(board, OPS, replace(OPS, name="old")))
    assert bring(wish(board, OPS, exclusive=True)).after == {"admin": "administrator", "ops": "operator"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_changes_nothing(kind: Kind, make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """And foresees what the run brings about."""
    board = make_board(kind)
    foreseen = BmcUsers(hardware).bring(wish(board, OPS), check=True)
    assert named(board, hardware) == {"admin": "administrator"}
    assert BmcUsers(hardware).bring(wish(board, OPS)).after == foreseen.after


@pytest.mark.parametrize("kind", ["ipmi", "slots", "post"])
def test_who_logs_in_changes_their_own_password(kind: Kind, make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """It is on record once it is proven. A run that was cut off before is made good by the next, whichever it knows."""
    board = make_board(kind)
    kv = MemoryKV()
    users = BmcUsers(hardware, kv, SEALER)
    users.bring(wish(board, lrn=4))
    fresh = replace(ADMIN, password="fresh-secret-2")
    with hardware.open(board.login()) as bmc:  # a run ends here: applied, and not on record
        account = next(one for one in bmc.accounts().found if one.name == "admin")
        bmc.password(account, fresh.password)
    users.bring(wish(board, fresh, passwords=("secret",), lrn=4))
    assert opened(SEALER, 4, on_record(kv, 4)) == {"admin": "fresh-secret-2"}
    users.bring(wish(board, passwords=("forgotten",), lrn=4))
    third = users.bring(wish(board, replace(ADMIN, password="third-secret-3"), lrn=4))
    assert [step.action for step in third.steps] == ["password"]
    assert opened(SEALER, 4, on_record(kv, 4)) == {"admin": "third-secret-3"}
    assert named(board, hardware, "third-secret-3") == {"admin": "administrator"}


def test_a_board_that_keeps_the_old_password_is_found_out(make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """It says that it took the new one. The record keeps what opens it, for users and for who logs in."""
    board = make_board("post")
    kv = MemoryKV()
    users = BmcUsers(hardware, kv, SEALER)
    users.bring(wish(board, ADMIN, OPS, lrn=4))
    board.more["forgets"] = True
    board.restart()
    with pytest.raises(BmcError, match="lets nobody in with it: the password before was put back"):
        users.bring(wish(board, ADMIN, replace(OPS, password="pw-ops-2"), lrn=4))
    with pytest.raises(BmcError, match="lets nobody in with it: the password before was put back"):
        users.bring(wish(board, replace(ADMIN, password="fresh-secret-2"), lrn=4, passwords=("secret",)))
    assert opened(SEALER, 4, on_record(kv, 4)) == {"admin": "secret", "ops": "pw-ops-1"}


def test_passwords_that_ipmi_cuts_off_are_found_out(make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """Over 16 bytes they are refused; where 20 are asked for and the board does not keep them, nothing stays behind."""
    board = make_board("ipmi")
    users = BmcUsers(hardware)
    with pytest.raises(InvalidMany, match="at most 16 bytes here, not 18"):
        users.bring(wish(board, replace(OPS, password="x" * 18)))
    with pytest.raises(BmcError, match="the account was removed again"):
        users.bring(wish(board, replace(OPS, password="x" * 18), password_bytes=20))
    assert named(board, hardware) == {"admin": "administrator"}


def test_a_board_without_a_slot_left_says_so(make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """Before anything is changed where its slots can be seen, after it where they cannot."""
    fixed = make_board("slots")
    many = [BmcUser(f"u{n}", password=f"pw-secret-{n}") for n in range(15)]
    with pytest.raises(Invalid, match="u14: no slot is left on the board"):
        BmcUsers(hardware).bring(wish(fixed, *many))
    assert named(fixed, hardware) == {"admin": "administrator"}
    assert len(BmcUsers(hardware).bring(wish(fixed, *many[:14])).steps) == 14
    with (
        pytest.raises(BmcError, match="makes no accounts, and all its slots are taken"),
        hardware.open(fixed.login()) as bmc,
    ):
        bmc.create(Account("new", "late", "user", True), "pw-secret-99")
    posting = make_board("post", most=2)
    with pytest.raises(BmcError, match="maximum number of accounts"):
        BmcUsers(hardware).bring(wish(posting, OPS, replace(OPS, name="more")))
    assert named(posting, hardware) == {"admin": "administrator", "ops": "operator"}


@pytest.mark.parametrize("kind", ["post", "slots"])
def test_a_password_that_the_boards_policy_refuses_leaves_no_account(
    kind: Kind, make_board: BoardFactory, hardware: HardwareBoards
) -> None:
    """The board's words are told, without the password that it repeats."""
    board = make_board(kind, refuses="easy")
    with pytest.raises(BmcError, match="too easy to guess") as caught:
        BmcUsers(hardware).bring(wish(board, replace(OPS, password="easy-secret-7")))
    assert "easy-secret" not in str(caught.value)
    assert named(board, hardware) == {"admin": "administrator"}
    with pytest.raises(InvalidMany, match="6 to 40 bytes"):
        BmcUsers(hardware).bring(wish(board, replace(OPS, password="short")))


def test_a_locked_account_is_unlocked(make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """One run makes good what too many wrong log-ins did."""
    board = make_board("slots", lockout=3)
    users = BmcUsers(hardware)
    users.bring(wish(board, OPS))
    with hardware.open(board.login()) as bmc:
        assert [bmc.proves("ops", "wrong") for _ in range(3)] == [False] * 3
        assert not bmc.proves("ops", "pw-ops-1")
    assert users.bring(wish(board, OPS), check=True).before["ops"] == "operator, locked"
    assert users.bring(wish(board, OPS)).after["ops"] == "operator"


def test_an_idrac_takes_a_hash_and_a_second_run_sees_it(make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """Every other board refuses it."""
    board = make_board("idrac")
    users = BmcUsers(hardware)
    users.bring(wish(board, OPS))
    hashed = BmcUser("ops", "operator", hash="ABCDEF0123", salt="99AA")
    assert [step.action for step in users.bring(wish(board, hashed)).steps] == ["password"]
    assert users.bring(wish(board, hashed)).steps == ()
    with pytest.raises(InvalidMany, match="only an iDRAC"):
        users.bring(wish(make_board("slots"), hashed))


@pytest.mark.parametrize("kind", ["ipmi", "slots"])
def test_a_wrong_password_is_refused_with_a_reason(
    kind: Kind, make_board: BoardFactory, hardware: HardwareBoards
) -> None:
    """It is told apart from a board that is away, and not repeated."""
    board = make_board(kind)
    with pytest.raises(LoginRefused, match="refuses the log-in") as caught, hardware.open(board.login("wr0ng-one")):
        pass
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(LoginRefused), hardware.open(board.login(user="nobody")):
        pass


@pytest.mark.parametrize("protocol", ["ipmi", "redfish"])
def test_a_board_that_is_away_is_given_up_in_time(protocol: str, hardware: HardwareBoards) -> None:
    """Nobody listens, or nothing comes back."""
    began = time.monotonic()
    with silent() as port, pytest.raises(BmcError), hardware.open(at(protocol, port)):
        pass
    with pytest.raises(BmcError, match="does not answer"), hardware.open(at(protocol, 9)):
        pass
    assert time.monotonic() - began < 50


@pytest.mark.parametrize("protocol", ["ipmi", "redfish"])
def test_a_board_that_answers_nonsense_is_given_up_in_time(protocol: str, hardware: HardwareBoards) -> None:
    """Random bytes, for as long as anybody listens; the next board is not held up by it."""
    began = time.monotonic()
    with babbling() as port, pytest.raises(BmcError), hardware.open(at(protocol, port)):
        pass
    assert time.monotonic() - began < 40


def test_ipmi_is_spoken_where_no_redfish_answers(make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """`auto` asks by Redfish first; whoever cannot be trusted there is not asked otherwise."""
    board = make_board("ipmi", port=623)
    automatic = replace(board.login(), protocol="auto", port=0)
    with hardware.open(automatic) as bmc:
        assert bmc.accounts().protocol == "ipmi"
    redfish = make_board("slots")
    with hardware.open(replace(redfish.login(), protocol="auto")) as bmc:
        assert bmc.accounts().protocol == "redfish"
    with (
        pytest.raises(BmcError, match="cannot be trusted"),
        hardware.open(replace(redfish.login(), protocol="auto", ca="")),
    ):
        pass


@pytest.mark.parametrize("kind", ["ipmi", "slots"])
def test_a_host_is_switched(kind: Kind, make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """A real container is killed by its board, and started again."""
    name = f"moorage-bmc-{secrets.token_hex(4)}"
    docker("run", "-d", "--name", name, "--label", f"{LABEL}=bmc", busybox())
    try:
        board = make_board(kind, container=name)
        with hardware.open(board.login()) as bmc:
            assert bmc.power() == "on"
            bmc.set_power("off")
            wait_until(lambda: running(name) == "false", "the host is dead")
            assert bmc.power() == "off"
            bmc.set_power("on")
            wait_until(lambda: running(name) == "true", "the host is alive")
            begun = docker("inspect", "-f", "{{.State.StartedAt}}", name)
            bmc.set_power("cycle")
            wait_until(lambda: docker("inspect", "-f", "{{.State.StartedAt}}", name) != begun, "it was begun anew", 30)
            wait_until(lambda: bmc.power() == "on", "it is on again")
    finally:
        docker("rm", "-f", name)


def test_the_boot_device_is_told_to_the_board(make_board: BoardFactory, hardware: HardwareBoards) -> None:
    """Once or always. OpenIPMI's simulator hands it on, and says of none that it holds."""
    redfish, ipmi = make_board("slots"), make_board("ipmi")
    with hardware.open(redfish.login()) as bmc:
        for boot in (Boot("pxe"), Boot("disk", True), Boot("cd"), Boot("bios"), Boot("none")):
            bmc.set_boot(boot)
            assert bmc.boot() == boot
    with hardware.open(ipmi.login()) as bmc:
        for device, told in (("pxe", "pxe"), ("disk", "default"), ("cd", "cdrom"), ("bios", "bios"), ("none", "none")):
            bmc.set_boot(Boot(device))
            assert (ipmi.folder / "boot").read_text().strip() == told


def at(protocol: str, port: int) -> Login:
    return Login("127.0.0.1", "admin", ("secret",), protocol, port)  # type: ignore[arg-type]


def on_record(kv: MemoryKV, lrn: int) -> Board:
    return decode(kv.snapshot(keys.bmc_board(lrn)).items[keys.bmc_board(lrn)].value, Board)


def docker(*argv: str) -> str:
    return subprocess.run(("docker", *argv), check=True, capture_output=True, text=True).stdout.strip()


def running(name: str) -> str:
    return docker("inspect", "-f", "{{.State.Running}}", name)


@contextmanager
def silent() -> Iterator[int]:
    """A port on which everything arrives and nothing is answered."""
    with (
        socket.create_server(("127.0.0.1", 0)) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(stream.getsockname())
        yield stream.getsockname()[1]


@contextmanager
def babbling() -> Iterator[int]:
    """A port that answers random bytes to everything."""
    over = threading.Event()
    with (
        socket.create_server(("127.0.0.1", 0)) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(stream.getsockname())
        stream.settimeout(0.1)
        datagrams.settimeout(0.1)

        def babble_datagrams() -> None:
            while not over.is_set():
                try:
                    said, who = datagrams.recvfrom(2048)
                    datagrams.sendto(os.urandom(60), who)
                    datagrams.sendto(said[:4] + os.urandom(40), who)
                except OSError:
                    continue

        def babble_stream() -> None:
            while not over.is_set():
                try:
                    made, _ = stream.accept()
                    with made:
                        made.sendall(os.urandom(4096))
                except OSError:
                    continue

        threads = [threading.Thread(target=work) for work in (babble_datagrams, babble_stream)]
        for thread in threads:
            thread.start()
        try:
            yield stream.getsockname()[1]
        finally:
            over.set()
            for thread in threads:
                thread.join()
