"""What is asked of hosts from outside: playbooks that run on them, and the boards that manage their hardware."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from appserver.core.bmc import Account, Accounts, Boot, Login
from appserver.core.playbooks import Inventory, Playbook
from appserver.core.plays import PlayJob, PlayNews


class Playbooks(Protocol):
    """Ansible on this app server: what may be run, on which hosts, and running it."""

    def list(self) -> tuple[Playbook, ...]:
        """By their names. One that cannot be read says so."""

    def inventory(self) -> Inventory:
        """May be some seconds old.

        Raises:
            PlaybookError: it cannot be read.
        """

    def hosts(self, playbook: str, limit: Sequence[str], variables: Mapping[str, object]) -> tuple[str, ...]:
        """The hosts that the plays of a playbook are for, within `limit` (empty: all); in order, each once.

        Args:
            variables: extra ones, which a pattern of hosts may depend on.

        Raises:
            Invalid: what Ansible says against the playbook or the limit.
        """

    def run(self, job: PlayJob, stopped: Callable[[], bool]) -> Generator[PlayNews, None, None]:
        """News as they come, and an empty one now and then; the end is the last.

        Whoever leaves the iteration kills Ansible, as `stopped` does, which is asked several times a second; what
        Ansible started on the hosts may live on. Ends with this process in any case, even if that is killed. To be
        iterated in the thread that began it.

        Raises:
            PlaybookError: Ansible could not be run.
        """

    def sweep(self, mark: str, hosts: Sequence[str]) -> Mapping[str, str]:
        """End what a play of this mark left running on its hosts: host to what came of it, in words.

        Raises:
            PlaybookError: Ansible could not be run.
        """

    def tidy(self) -> None:
        """Remove files of earlier runs: called when none is under way."""


class Bmc(Protocol):
    """The board that manages a host's hardware, logged in to. Each call ends in bounded time, or raises BmcError."""

    @property
    def used(self) -> str:
        """The password that we are logged in with."""

    def accounts(self) -> Accounts: ...
    def proves(self, name: str, password: str) -> bool:
        """Whether an enabled user logs in with this password: one log-in, which the board may count."""

    def takes_hash(self, slot: str, hashed: str, salt: str) -> bool:
        """Whether the account's password is kept as this hash already."""

    def create(self, account: Account, password: str) -> None:
        """Slot `new`: the board chooses. What is made is as wanted, or is not there.

        Raises:
            BmcError: refused; also where all slots are taken.
        """

    def password(self, account: Account, password: str) -> None:
        """Not yet proven. Where the account is ours, we go on with whichever password logs in."""

    def password_hash(self, account: Account, hashed: str, salt: str) -> None: ...
    def change(self, account: Account) -> None:
        """Privilege and whether it is enabled, as the account says; a lock is taken away."""

    def delete(self, account: Account) -> None:
        """The slot is free again."""

    def power(self) -> str:
        """`on` or `off`."""

    def set_power(self, action: str) -> None:
        """`on`, `off` (at once, without asking the system) or `cycle`. `power` tells when it is done."""

    def boot(self) -> Boot: ...
    def set_boot(self, boot: Boot) -> None: ...


class Boards(Protocol):
    def open(self, login: Login) -> AbstractContextManager[Bmc]:
        """A log-in with the first password that is taken.

        Raises:
            LoginRefused: none is.
            BmcError: it does not answer in time, or with what is neither IPMI nor Redfish.
        """
