"""Users of the boards that manage hardware (BMC): the list that is wanted × the accounts that were found → steps.

IPMI and Redfish are alike here: an account has a slot (a number, or Redfish's id), a name and a privilege. Passwords
are never compared: whether one is right is known from a log-in, before anything is decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Literal

from appserver.errors import Invalid, InvalidMany

Privilege = Literal["administrator", "operator", "user"]
PRIVILEGES: tuple[Privilege, ...] = ("administrator", "operator", "user")
Protocol = Literal["auto", "ipmi", "redfish"]
Action = Literal["create", "password", "change", "delete"]

NEW = "new"
"""In place of a slot: the board makes one itself."""
RESERVED = frozenset({"1", "2"})
"""Slots in which boards keep the anonymous account and the maker's own: taken or cleared only when named."""
IPMI_NAME = 16
IPMI_PASSWORDS = (16, 20)
"""Bytes of a password in IPMI 1.5 and 2.0."""
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Login:
    """Where a board is, and as whom it is spoken to. `ca` is PEM text; empty: the system's authorities.

    `port` 0 is the protocol's own. `passwords` are tried in order, the one to be used from now on first.
    """

    address: str
    user: str
    passwords: tuple[str, ...] = field(repr=False)
    protocol: Protocol = "auto"
    port: int = 0
    ca: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class BmcUser:
    """One entry of the list. `hash` with `salt` stand where the password itself is not known."""

    name: str
    privilege: Privilege = "user"
    enabled: bool = True
    present: bool = True
    password: str = field(default="", repr=False)
    hash: str = field(default="", repr=False)
    salt: str = field(default="", repr=False)

    @property
    def told(self) -> str:
        return told(self.privilege, self.enabled)


@dataclass(frozen=True, slots=True)
class Account:
    """One account as the board tells of it. `privilege` may be one that is never asked for, such as `callback`."""

    slot: str
    name: str
    privilege: str
    enabled: bool
    locked: bool = False

    @property
    def told(self) -> str:
        return told(self.privilege, self.enabled, self.locked)


@dataclass(frozen=True, slots=True)
class Accounts:
    """What a board has. `free` are slots that may be taken, in order; `hashes`: it takes a hash for a password."""

    protocol: Literal["ipmi", "redfish"]
    found: tuple[Account, ...]
    free: tuple[str, ...] = ()
    hashes: bool = False
    shortest: int = 1
    longest: int = _LONGEST

    @property
    def record(self) -> Mapping[str, str]:
        """Name to privilege, as it goes on record; a second account of one name is told with its slot."""
        names: set[str] = set()
        kept: dict[str, str] = {}
        for one in self.found:
            kept[f"{one.name}#{one.slot}" if one.name in names else one.name] = one.told
            names.add(one.name)
        return kept


@dataclass(frozen=True, slots=True)
class Step:
    """What is done to one account, and why. `before` and `after` are privileges as told, "" where there is none."""

    action: Action
    user: str
    slot: str
    cause: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.action} {self.user}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Difference:
    """An account that is otherwise than wanted; "" where there is, or should be, none."""

    user: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"{self.user} ({self.after}) added"
        if not self.after:
            return f"{self.user} ({self.before}) removed"
        return f"{self.user} {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class Boot:
    """What the host boots from: `pxe`, `disk`, `cd`, `bios`, or `none` for its own order."""

    device: str
    persistent: bool = False

    def __str__(self) -> str:
        return self.device if self.device == "none" else f"{self.device} {'always' if self.persistent else 'once'}"


DEVICES = ("none", "pxe", "disk", "cd", "bios")


@dataclass(frozen=True, slots=True)
class Board:
    """`bmc/boards/<LRN>`: how the board of a boot server is reached, and its accounts as they are to be.

    `secrets` is sealed: JSON, user to the password that was proven last. `user` is who looks.
    """

    address: str
    protocol: Protocol
    port: int
    user: str
    secrets: str
    wanted: Mapping[str, str]
    ca: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """`bmc/seen/<LRN>`: what the last look at a board was like; `reason` says why it failed."""

    ok: bool
    power: str = ""
    reason: str = ""


def told(privilege: str, enabled: bool, locked: bool = False) -> str:
    """`operator`, `operator, disabled`"""
    return privilege + ("" if enabled else ", disabled") + (", locked" if locked else "")


def check(users: Sequence[BmcUser], login: str, password_bytes: int = _LONGEST) -> None:
    """What is wrong with a list, whatever the board is.

    Raises:
        InvalidMany: every fault, none with a secret in it.
    """
    faults = [fault for user in users for fault in _faults(user, password_bytes)]
    faults += [(name, "is in the list twice") for name, n in Counter(u.name for u in users).items() if n > 1]
    for user in users:
        if user.name == login and not (user.present and user.enabled and user.privilege == "administrator"):
            faults.append(
                (user.name, "is who the board is spoken to as, and has to stay an administrator that is enabled")
            )
    if faults:
        raise InvalidMany(tuple(faults))


def fits(users: Sequence[BmcUser], board: Accounts, password_bytes: int) -> None:
    """What is wrong with a list for this board.

    Raises:
        InvalidMany: as `check`.
    """
    longest = min(password_bytes, board.longest) if board.protocol == "ipmi" else board.longest
    names = {account.name for account in board.found}
    faults: list[tuple[str, str]] = []
    for user in (user for user in users if user.present):
        size = len(user.password.encode())
        if board.protocol == "ipmi" and len(user.name.encode()) > IPMI_NAME:
            faults.append((user.name, f"a name has at most {IPMI_NAME} bytes in IPMI"))
        if user.password and not board.shortest <= size <= longest:
            faults.append((user.name, f"a password has {board.shortest} to {longest} bytes on this board, not {size}"))
        if user.hash and not board.hashes:
            faults.append((user.name, "only an iDRAC takes a hash and salt for a password: give the password itself"))
        if not (user.password or user.hash) and user.name not in names:
            faults.append((user.name, "is not there yet, and needs a password to be made with"))
    if faults:
        raise InvalidMany(tuple(faults))


def asked_for(users: Sequence[BmcUser], board: Accounts) -> tuple[BmcUser, ...]:
    """Those whose password a log-in can prove: they are there, enabled, and are to stay so."""
    enabled = {account.name for account in board.found if account.enabled and not account.locked}
    return tuple(user for user in users if user.present and user.enabled and user.password and user.name in enabled)


def plan(
    users: Sequence[BmcUser], board: Accounts, proven: Mapping[str, bool], login: str, exclusive: bool = False
) -> tuple[Step, ...]:
    """What brings the accounts to the list: none where nothing differs.

    First who is new or changes, then who goes, so that nobody's place is lost for a mistake; who the board is spoken to
    as comes last of the changes.

    Args:
        proven: of those in `asked_for`, whether the password of the list logs in.
        exclusive: whether accounts that the list does not name go too.
    Raises:
        Invalid: no slot is left for a new user.
    """
    free = repeat(NEW) if board.free == (NEW,) else iter(board.free)
    ordered = sorted(users, key=lambda user: user.name == login)
    changing = [step for user in ordered if user.present for step in _brought(user, board, proven, free)]
    return (*changing, *_going(users, board, login, exclusive))


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Difference, ...]:
    """Of two lists of user to privilege, in the order of names."""
    names = sorted(before.keys() | after.keys())
    found = (Difference(name, before.get(name, ""), after.get(name, "")) for name in names)
    return tuple(one for one in found if one.before != one.after)


def _faults(user: BmcUser, password_bytes: int) -> Iterator[tuple[str, str]]:
    name, size = user.name, len(user.password.encode())
    if not 1 <= len(name) <= 64 or not name.isascii() or not name.isprintable() or set(name) & set(' :"#/\\'):
        yield name[:64], 'a name is 1 to 64 printable ASCII characters without blank, : " # / \\'
    if user.password and (not user.password.isprintable() or user.password != user.password.strip()):
        yield name, "a password is printable, without blanks around it"
    if size > password_bytes:
        yield name, f"a password has at most {password_bytes} bytes here, not {size}: the board would cut it off"
    if bool(user.hash) != bool(user.salt) or (user.hash and user.password):
        yield name, "give a password, or a hash with its salt"


def _brought(user: BmcUser, board: Accounts, proven: Mapping[str, bool], free: Iterator[str]) -> Iterator[Step]:
    mine = [account for account in board.found if account.name == user.name]
    if not mine:
        slot = next(free, "")
        if not slot:
            raise Invalid(user.name, f"no slot is left on the board for it: {len(board.found)} accounts are there")
        yield Step("create", user.name, slot, "is not there", "", user.told)
        return
    now = mine[0]
    why = _password_due(user, now, proven)
    if why:
        yield Step("password", user.name, now.slot, why, now.told, now.told)
    if now.told != user.told:
        yield Step("change", user.name, now.slot, f"{now.told} → {user.told}", now.told, user.told)
    for other in mine[1:]:
        yield Step("delete", user.name, other.slot, f"has a second account, in slot {other.slot}", other.told, "")


def _password_due(user: BmcUser, now: Account, proven: Mapping[str, bool]) -> str:
    """Why it is to be set. That of an account which stays disabled is not, for nothing could prove it."""
    if not user.enabled or not (user.password or user.hash):
        return ""
    if not now.enabled:
        return "is to be enabled, with the password of the list"
    if now.locked:
        return "is locked"
    return "" if proven.get(user.name, False) else "does not log in with the password of the list"


def _going(users: Sequence[BmcUser], board: Accounts, login: str, exclusive: bool) -> Iterator[Step]:
    listed = {user.name: user for user in users}
    for account in board.found:
        user = listed.get(account.name)
        if user and not user.present:
            yield Step("delete", account.name, account.slot, "is to be absent", account.told, "")
        elif user is None and exclusive and account.name != login and account.slot not in RESERVED:
            yield Step("delete", account.name, account.slot, "is not in the list", account.told, "")
