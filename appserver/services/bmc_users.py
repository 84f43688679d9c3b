"""Users of a board are brought to a list: observed, decided, acted on, each password proven, and then recorded.

What is on record is what was proven last. A new password replaces it there only after a log-in with it, so that whoever
comes after a crash finds one of the two that opens the board.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from appserver.core import bmc as core
from appserver.core.bmc import Account, Accounts, BmcUser, Board, Login, Step
from appserver.errors import BadRecord, BmcError, Conflict, SealError, StoreError
from appserver.ports import KV, Bmc, Boards, Sealer
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.records import find


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one board.

    Args:
        lrn: under which it is recorded; below 0: it is not.
        watcher: the user of the list as whom app servers look; empty: who logs in.
    """

    login: Login
    users: tuple[BmcUser, ...]
    lrn: int = -1
    exclusive: bool = False
    password_bytes: int = core.IPMI_PASSWORDS[0]
    watcher: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """Accounts before and after (user to privilege), and what was done; in a check what would be.

    `recorded`: the record did not say so before.
    """

    protocol: str
    steps: tuple[Step, ...]
    before: Mapping[str, str]
    after: Mapping[str, str]
    recorded: bool = False


class BmcUsers:
    """On the controller of a playbook, or wherever the board, the store and the seal key are at hand."""

    def __init__(self, boards: Boards, kv: KV | None = None, sealer: Sealer | None = None) -> None:
        self._boards = boards
        self._kv = kv
        self._sealer = sealer

    def bring(self, wish: Wish, check: bool = False) -> Brought:
        """
        Raises:
            Invalid: the list is wrong, for any board or for this one; nothing was changed.
            BmcError: the board refused, or a new password does not log in; what came about before is recorded.
            StoreError: the store did not answer. In a check it counts as empty.
        """
        limit = {"password_bytes": wish.password_bytes} if wish.login.protocol == "ipmi" else {}
        core.check(wish.users, wish.login.user, **limit)
        known = self._known(wish.lrn, check)
        with self._boards.open(_login(wish, known)) as bmc:
            found = bmc.accounts()
            core.fits(wish.users, found, wish.password_bytes)
            steps = core.plan(wish.users, found, _proven(bmc, wish, found), wish.login.user, wish.exclusive)
            if check:
                return Brought(found.protocol, steps, found.record, _after(found.record, steps))
            proven = dict(known)
            try:
                _act(bmc, wish, found, steps, known, proven)
            except BmcError:
                with suppress(BmcError):  # what stopped us is told, not that nothing can be seen any more
                    self._record(wish, bmc.accounts(), {**proven, wish.login.user: bmc.used})
                raise
            after = bmc.accounts()
            recorded = self._record(wish, after, {**proven, wish.login.user: bmc.used})
            _settled(wish, after)
            return Brought(found.protocol, steps, found.record, after.record, recorded)

    def _known(self, lrn: int, check: bool) -> Mapping[str, str]:
        if self._kv is None or self._sealer is None or lrn < 0:
            return {}
        try:
            stored = find(self._kv.snapshot(keys.bmc_board(lrn)), keys.bmc_board(lrn), Board)
            return opened(self._sealer, lrn, stored.record) if stored else {}
        except (StoreError, SealError, BadRecord):
            if not check:
                raise
            return {}

    def _record(self, wish: Wish, accounts: Accounts, proven: Mapping[str, str]) -> bool:
        if self._kv is None or self._sealer is None or wish.lrn < 0:
            return False
        seen = self._kv.snapshot(keys.bmc_board(wish.lrn), keys.installed_bmc(wish.lrn), keys.bootserver(wish.lrn))
        kept = {one.name: proven[one.name] for one in accounts.found if one.name in proven}
        board = Board(
            wish.login.address,
            accounts.protocol,
            wish.login.port if wish.login.protocol == accounts.protocol else 0,
            wish.watcher if wish.watcher in kept else wish.login.user,
            self._sealer.seal(json.dumps(kept, sort_keys=True), place(wish.lrn)),
            accounts.record,
            wish.login.ca,
            wish.login.verify,
        )
        puts = {keys.bmc_board(wish.lrn): encode(board), keys.bootserver(wish.lrn): ""}
        puts |= {keys.installed_bmc(wish.lrn, name): told for name, told in accounts.record.items()}
        gone = [key for key in seen.items if key.startswith(keys.installed_bmc(wish.lrn)) and key not in puts]
        differ = {key: text for key, text in puts.items() if key not in seen.items or seen.items[key].value != text}
        if not differ and not gone:
            return False
        expect = {keys.bmc_board(wish.lrn): seen.revision_of(keys.bmc_board(wish.lrn))}
        if not self._kv.commit(expect, differ, gone):
            raise Conflict(f"the record of board {wish.lrn} changed while it was being written; run again")
        return True


def opened(sealer: Sealer, lrn: int, board: Board) -> Mapping[str, str]:
    """User to the password that was proven last.

    Raises:
        SealError
    """
    found: dict[str, str] = json.loads(sealer.open(board.secrets, place(lrn)))
    return found


def place(lrn: int) -> str:
    """Where the passwords of a board are sealed for."""
    return f"bmc:{lrn}"


def _login(wish: Wish, known: Mapping[str, str]) -> Login:
    """The password that the list gives to whom we log in as, then those given for it, then the one on record."""
    listed = [user.password for user in wish.users if user.name == wish.login.user]
    tried = [*listed, *wish.login.passwords, known.get(wish.login.user, "")]
    return replace(wish.login, passwords=tuple(dict.fromkeys(filter(None, tried))))


def _proven(bmc: Bmc, wish: Wish, found: Accounts) -> Mapping[str, bool]:
    slots = {account.name: account.slot for account in reversed(found.found)}
    proven = {
        user.name: bmc.used == user.password if user.name == wish.login.user else bmc.proves(user.name, user.password)
        for user in core.asked_for(wish.users, found)
    }
    for user in wish.users:
        if user.hash and user.name in slots:
            proven[user.name] = bmc.takes_hash(slots[user.name], user.hash, user.salt)
    return proven


def _act(
    bmc: Bmc, wish: Wish, found: Accounts, steps: Sequence[Step], known: Mapping[str, str], proven: dict[str, str]
) -> None:
    """Carry out the steps, user by user; `proven` gets each password that logged in."""
    accounts = {account.slot: account for account in found.found}
    users = {user.name: user for user in wish.users}
    for user in wish.users:
        if user.present and user.enabled and user.password and not any(step.user == user.name for step in steps):
            proven[user.name] = user.password
    for name in dict.fromkeys(step.user for step in steps):
        mine = [step for step in steps if step.user == name]
        for step in mine:
            _do(bmc, step, users.get(name), accounts)
        now = users.get(name)
        if now is None or not now.present:
            proven.pop(name, None)
        elif now.enabled and now.password:
            old = [known.get(name, ""), *(wish.login.passwords if name == wish.login.user else ())]
            _prove(bmc, now, mine, [password for password in old if password not in ("", now.password)])
            proven[name] = now.password


def _do(bmc: Bmc, step: Step, user: BmcUser | None, accounts: Mapping[str, Account]) -> None:
    if step.action == "delete":
        bmc.delete(accounts[step.slot])
    elif user is None:
        raise BmcError(f"{step.user} is not in the list")  # the plan makes no such step
    elif step.action == "create":
        made = Account(step.slot, user.name, user.privilege, user.enabled)
        bmc.create(made, user.password)
        if user.hash:
            bmc.password_hash(made, user.hash, user.salt)
    elif step.action == "change":
        bmc.change(replace(accounts[step.slot], privilege=user.privilege, enabled=user.enabled))
    elif user.hash:
        bmc.password_hash(accounts[step.slot], user.hash, user.salt)
    else:
        bmc.password(accounts[step.slot], user.password)


def _prove(bmc: Bmc, user: BmcUser, steps: Sequence[Step], old: Sequence[str]) -> None:
    """A log-in with the password of the list; where it fails, what was before comes back.

    Raises:
        BmcError: it fails; the text says what the state is now.
    """
    if bmc.proves(user.name, user.password):
        return
    said = f"the board took a password for {user.name}, and lets nobody in with it"
    account = next((one for one in bmc.accounts().found if one.name == user.name), None)
    if account is None:
        raise BmcError(f"{said}: the account is gone")
    if any(step.action == "create" for step in steps):
        bmc.delete(account)
        raise BmcError(f"{said}: the account was removed again")
    for password in old:
        bmc.password(account, password)
        if bmc.proves(user.name, password):
            raise BmcError(f"{said}: the password before was put back")
    raise BmcError(f"{said}, and none before it is known")


def _settled(wish: Wish, after: Accounts) -> None:
    """
    Raises:
        BmcError: the board took it all, and tells of accounts that are not as wanted.
    """
    proven = {user.name: True for user in wish.users}
    left = core.plan(wish.users, after, proven, wish.login.user, wish.exclusive)
    if left:
        raise BmcError(f"the board took the changes, and still there is to do: {'; '.join(map(str, left))}")


def _after(before: Mapping[str, str], steps: Sequence[Step]) -> Mapping[str, str]:
    """What a check foresees."""
    after = dict(before)
    for step in steps:
        if step.after:
            after[step.user] = step.after
        elif f"{step.user}#{step.slot}" in after:
            del after[f"{step.user}#{step.slot}"]
        else:
            after.pop(step.user, None)
    return after
