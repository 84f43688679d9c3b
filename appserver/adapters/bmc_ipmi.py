"""`ports.Bmc` over IPMI 2.0 (RMCP+): processes that speak it, each bounded by a deadline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from appserver.adapters.bmc_ipmi_process import LOGIN_S, Worker
from appserver.core.bmc import IPMI_PASSWORDS, RESERVED, Account, Accounts, Boot, Login
from appserver.errors import BmcError, LoginRefused

PORT = 623
_IDLE = 8


class Ipmi:
    """Sessions by workers, which are kept for the next one unless they were stopped."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._idle: list[Worker] = []
        self._lock = Lock()

    @contextmanager
    def open(self, login: Login) -> Iterator[IpmiBmc]:
        """
        Raises:
            LoginRefused, BmcError
        """
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or Worker()
        try:
            worker.begin(login.address, self._limit_s)
            yield _logged_in(worker, login)
            worker.ask("close")
        except BaseException:
            worker.kill()
            raise
        with self._lock:
            keep = len(self._idle) < _IDLE
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.kill()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.kill()


class IpmiBmc:
    """An open session."""

    def __init__(self, worker: Worker, user: str, password: str) -> None:
        self._worker = worker
        self._user = user
        self._password = password

    @property
    def used(self) -> str:
        return self._password

    def accounts(self) -> Accounts:
        told = self._worker.ask("accounts")
        found = tuple(Account(*one) for one in told["found"])
        free = tuple(slot for slot in told["free"] if slot not in RESERVED)
        return Accounts("ipmi", found, free, longest=IPMI_PASSWORDS[-1])

    def proves(self, name: str, password: str) -> bool:
        proven = bool(self._worker.ask("proves", name=name, password=password))
        if proven and name == self._user:
            self._password = password
        return proven

    def takes_hash(self, slot: str, hashed: str, salt: str) -> bool:
        return False

    def create(self, account: Account, password: str) -> None:
        """A slot is named while it is disabled, and cleared again where the board takes no such account."""
        uid = int(account.slot)
        try:
            self._write(uid, privilege=account.privilege, enabled=False)
            self._write(uid, account.name, password, account.privilege, account.enabled)
        except BmcError:
            self._worker.ask("clear", uid=uid)
            raise

    def password(self, account: Account, password: str) -> None:
        self._write(int(account.slot), password=password)

    def password_hash(self, account: Account, hashed: str, salt: str) -> None:
        raise BmcError("IPMI takes no hash for a password")

    def change(self, account: Account) -> None:
        self._write(int(account.slot), privilege=account.privilege, enabled=account.enabled)

    def delete(self, account: Account) -> None:
        self._worker.ask("clear", uid=int(account.slot))

    def power(self) -> str:
        return str(self._worker.ask("power"))

    def set_power(self, action: str) -> None:
        self._worker.ask("set_power", action=action)

    def boot(self) -> Boot:
        return Boot(*self._worker.ask("boot"))

    def set_boot(self, boot: Boot) -> None:
        self._worker.ask("set_boot", device=boot.device, persistent=boot.persistent)

    def _write(
        self,
        uid: int,
        name: str | None = None,
        password: str | None = None,
        privilege: str | None = None,
        enabled: bool | None = None,
    ) -> None:
        """What is not given stays."""
        self._worker.ask("write", uid=uid, name=name, password=password, privilege=privilege, enabled=enabled)


def _logged_in(worker: Worker, login: Login) -> IpmiBmc:
    """With the first password that is taken."""
    port = login.port or PORT
    for number, password in enumerate(login.passwords, 1):
        try:
            worker.ask("open", LOGIN_S, address=login.address, port=port, user=login.user, password=password)
        except LoginRefused:
            if number == len(login.passwords):
                raise
        else:
            return IpmiBmc(worker, login.user, password)
    raise LoginRefused(f"{login.address}: no password is known for {login.user}")
