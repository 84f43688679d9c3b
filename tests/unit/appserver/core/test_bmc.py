"""The list × the accounts found → steps, for any list and any board."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appserver.core import bmc, bmc_neco
from appserver.core.bmc import NEW, Account, Accounts, BmcUser
from appserver.errors import Invalid, InvalidMany

ADMIN = Account("2", "admin", "administrator", True)
OPS = BmcUser("ops", "operator", password="pw-ops-1")


def board(*accounts: Account, free: Sequence[str] = ("3", "4"), **more: object) -> Accounts:
    return Accounts("ipmi", (ADMIN, *accounts), tuple(free), **more)  # type: ignore[arg-type]


def steps(users: Sequence[BmcUser], found: Accounts, *proven: str, exclusive: bool = False) -> list[str]:
    asked = dict.fromkeys(proven, True)
    return [f"{step.slot} {step}" for step in bmc.plan(users, found, asked, "admin", exclusive)]


def test_a_user_who_is_not_there_takes_the_first_free_slot() -> None:
    """Nobody else is touched."""
    assert steps([OPS], board()) == ["3 create ops: is not there"]


def test_what_is_as_wanted_needs_no_step() -> None:
    """A second run does nothing."""
    assert steps([OPS], board(Account("3", "ops", "operator", True)), "ops") == []


def test_a_password_that_does_not_log_in_is_set() -> None:
    """And no other thing is."""
    found = board(Account("3", "ops", "operator", True))
    assert steps([OPS], found) == ["3 password ops: does not log in with the password of the list"]


def test_an_account_that_is_to_stay_disabled_keeps_its_password() -> None:
    """Nothing could prove another one."""
    user = BmcUser("ops", "operator", enabled=False, password="pw-ops-2")
    found = board(Account("3", "ops", "operator", False))
    assert steps([user], found) == []
    assert bmc.asked_for([user], found) == ()


def test_an_account_is_enabled_with_the_password_of_the_list() -> None:
    """The password first: nobody gets in with the one before."""
    found = board(Account("3", "ops", "user", False))
    assert steps([OPS], found) == [
        "3 password ops: is to be enabled, with the password of the list",
        "3 change ops: user, disabled → operator",
    ]


def test_a_locked_account_is_opened_again() -> None:
    """After too many wrong passwords."""
    found = board(Account("3", "ops", "operator", True, locked=True))
    assert steps([OPS], found) == [
        "3 password ops: is locked",
        "3 change ops: operator, locked → operator",
    ]


def test_a_second_account_of_one_name_goes() -> None:
    """Its password might be another one."""
    found = board(Account("3", "ops", "operator", True), Account("5", "ops", "administrator", True))
    assert steps([OPS], found, "ops") == ["5 delete ops: has a second account, in slot 5"]
    assert found.record == {"admin": "administrator", "ops": "operator", "ops#5": "administrator"}


def test_reserved_slots_are_left_alone_unless_named() -> None:
    """Also where the list is all there is to be."""
    maker = Account("1", "maker", "administrator", True)
    found = Accounts("redfish", (maker, ADMIN, Account("3", "old", "user", True)), ("4",))
    assert steps([], found, exclusive=True) == ["3 delete old: is not in the list"]
    assert steps([BmcUser("maker", present=False)], found) == ["1 delete maker: is to be absent"]


def test_no_slot_left_is_said_before_anything_is_done() -> None:
    """The plan is refused whole."""
    with pytest.raises(Invalid, match="two: no slot is left"):
        bmc.plan([OPS, BmcUser("two", password="pw-two-22")], board(free=("3",)), {}, "admin")
    assert len(bmc.plan([OPS, BmcUser("two", password="pw")], board(free=("3", "4")), {}, "admin")) == 2


def test_a_board_that_makes_slots_itself_has_room_for_many() -> None:
    """It says when it has none."""
    found = steps([OPS, BmcUser("two", password="pw-two-22")], board(free=(NEW,)))
    assert found == ["new create ops: is not there", "new create two: is not there"]


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (BmcUser("ops", password="x" * 17), "at most 16 bytes here, not 17"),
        (BmcUser("ops", password="schl\u00fcssel-\u00e4\u00f6\u00fc-1"), "at most 16 bytes here, not 19"),
        (BmcUser("ops", password=" s3cret"), "without blanks around"),
        (BmcUser("ops", password="two\nlines"), "is printable"),
        (BmcUser("a:b", password="pw"), "a name is"),
        (BmcUser("a b", password="pw"), "a name is"),
        (BmcUser("", password="pw"), "a name is"),
        (BmcUser("ops", hash="AB"), "a hash with its salt"),
        (BmcUser("ops", hash="AB", salt="1", password="pw"), "a password, or a hash"),
        (BmcUser("admin", "operator"), "has to stay an administrator"),
        (BmcUser("admin", "administrator", enabled=False), "has to stay an administrator"),
        (BmcUser("admin", "administrator", present=False), "has to stay an administrator"),
    ],
)
def test_a_list_is_refused_with_a_reason_that_repeats_no_secret(user: BmcUser, why: str) -> None:
    """Before a board is spoken to."""
    with pytest.raises(InvalidMany) as caught:
        bmc.check([user], "admin", 16)
    assert why in str(caught.value)
    assert not user.password or user.password not in str(caught.value)


def test_every_fault_of_a_list_is_told_at_once() -> None:
    """A person mends it in one pass."""
    with pytest.raises(InvalidMany) as caught:
        bmc.check([OPS, OPS, BmcUser("x y")], "admin")
    assert "ops: is in the list twice" in str(caught.value)
    assert "x y: a name is" in str(caught.value)


def test_what_a_board_does_not_take_is_refused_for_it() -> None:
    """Lengths, hashes, and a new account without a password."""
    users = [BmcUser("new"), BmcUser("hashed", hash="AB", salt="1"), BmcUser("a" * 17, password="x" * 17)]
    with pytest.raises(InvalidMany) as caught:
        bmc.fits(users, board(longest=20), 16)
    told = str(caught.value)
    assert "new: is not there yet, and needs a password" in told
    assert "hashed: only an iDRAC takes a hash" in told
    assert "a name has at most 16 bytes in IPMI" in told
    assert "a password has 1 to 16 bytes on this board, not 17" in told
    bmc.fits([BmcUser("hashed", hash="AB", salt="1")], Accounts("redfish", (), (NEW,), hashes=True), 16)


def test_neco_names_four_users() -> None:
    """With a password, or its hash; whoever else is named may only look."""
    text = '{"root": {"password": {"raw": "r"}}, "power": {"password": {"hash": "H", "salt": "S"}}, '
    found = bmc_neco.users(text + '"other": {"password": {"raw": "o"}}}')
    assert found == (
        BmcUser("root", "administrator", password="r"),
        BmcUser("power", "operator", hash="H", salt="S"),
        BmcUser("other", "user", password="o"),
    )


@pytest.mark.parametrize("text", ["", "[]", '{"root": "pw"}', '{"root": {"password": {"raw": ["s3cret"]}}}'])
def test_what_is_not_of_necos_shape_is_refused(text: str) -> None:
    """Without repeating it."""
    with pytest.raises(Invalid) as caught:
        bmc_neco.users(text)
    assert "s3cret" not in str(caught.value)


NAMES = st.sampled_from(["admin", "ops", "guest", "power", "old"])
USERS = st.lists(
    st.builds(
        BmcUser,
        NAMES.filter(lambda name: name != "admin"),
        st.sampled_from(bmc.PRIVILEGES),
        st.booleans(),
        st.booleans(),
        st.just("pw-secret"),
    ),
    unique_by=lambda user: user.name,
)
FOUND = st.lists(
    st.builds(
        Account,
        st.integers(3, 12).map(str),
        NAMES,
        st.sampled_from([*bmc.PRIVILEGES, "callback", "none"]),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda account: account.slot,
)


@given(USERS, FOUND, st.booleans())
def test_after_its_steps_a_board_is_as_wanted(users: list[BmcUser], found: list[Account], exclusive: bool) -> None:
    """Whatever was there: carried out, nothing is left to do, nobody unnamed was touched, and we still get in."""
    before = Accounts("ipmi", (ADMIN, *found), tuple(map(str, range(13, 20))))
    plan = bmc.plan(users, before, {}, "admin", exclusive)
    after = {account.slot: account for account in before.found}
    wanted = {user.name: user for user in users}
    for step in plan:
        if step.action == "delete":
            del after[step.slot]
        else:
            user = wanted[step.user]
            if step.action != "password":
                after[step.slot] = Account(step.slot, user.name, user.privilege, user.enabled)
    settled = Accounts("ipmi", tuple(after.values()), before.free)
    assert bmc.plan(users, settled, {user.name: True for user in users}, "admin", exclusive) == ()
    assert after["2"] == ADMIN
    if not exclusive:
        others = {a.slot: a for a in found if a.name not in wanted}
        assert {slot: after[slot] for slot in others} == others


@given(st.dictionaries(NAMES, st.sampled_from(["user", "operator"])), st.dictionaries(NAMES, st.just("user")))
def test_differences_are_told_both_ways(before: dict[str, str], after: dict[str, str]) -> None:
    """Each name once, with what it was and what it is."""
    found = bmc.differences(before, after)
    assert {one.user for one in found} == {n for n in before | after if before.get(n) != after.get(n)}
    assert all(one.before == before.get(one.user, "") and one.after == after.get(one.user, "") for one in found)
