"""`ports.Bmc` over Redfish: accounts that are made by POST, or live in slots that are there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from appserver.adapters.bmc_http import Answer, Https
from appserver.core.bmc import NEW, RESERVED, Account, Accounts, Boot, Login
from appserver.errors import BmcError, LoginRefused

ROOT = "/redfish/v1/"
_MOST = 128
_ROLES = {"administrator": "Administrator", "operator": "Operator", "user": "ReadOnly"}
_PRIVILEGES = {role: privilege for privilege, role in _ROLES.items()}
_TARGETS = {"none": "None", "pxe": "Pxe", "disk": "Hdd", "cd": "Cd", "bios": "BiosSetup"}
_DEVICES = {target: device for device, target in _TARGETS.items()}
_RESETS = {"on": ("On",), "off": ("ForceOff",), "cycle": ("ForceRestart", "PowerCycle")}
_NOT_ALLOWED = (404, 405, 501)


def speaks(login: Login) -> bool:
    """Whether it is Redfish with accounts that answers there. Sends no password.

    Raises:
        BmcError: nobody answers; NotTrusted: somebody who should not.
    """
    http = Https(login)
    try:
        answer = http.ask("GET", ROOT)
        return answer.status == 200 and "RedfishVersion" in answer.body and "AccountService" in answer.body
    finally:
        http.close()


@contextmanager
def session(login: Login, limit_s: float) -> Iterator[RedfishBmc]:
    """
    Raises:
        LoginRefused, BmcError
    """
    http = Https(login, set(filter(None, login.passwords)), limit_s)
    try:
        root = http.ask("GET", ROOT)
        if root.status != 200 or "RedfishVersion" not in root.body:
            raise BmcError(f"{login.address} answers, and not by Redfish")
        for password in login.passwords:
            if _lets_in(http, root.body, login.user, password):
                yield RedfishBmc(http, root.body, login.user, password)
                return
        raise LoginRefused(f"{login.address} refuses the log-in of {login.user}")
    finally:
        http.close()


class RedfishBmc:
    """One log-in. Account slots are ids of Redfish; their links are remembered from the last `accounts`."""

    def __init__(self, http: Https, root: Mapping[str, Any], user: str, password: str) -> None:
        self._http = http
        self._root = root
        self._user = user
        self._password = password
        self._links: dict[str, str] = {}

    @property
    def used(self) -> str:
        return self._password

    def accounts(self) -> Accounts:
        service = self._get(_link(self._root, "AccountService"))
        found, free = [], []
        for member in _members(self._get(_link(service, "Accounts"))):
            told = self._get(member)
            slot, name = str(told.get("Id", "")), str(told.get("UserName") or "")
            self._links[slot] = member
            if name:
                found.append(_account(slot, name, told))
            elif slot not in RESERVED:
                free.append(slot)
        shortest, longest = service.get("MinPasswordLength"), service.get("MaxPasswordLength")
        return Accounts(
            "redfish",
            tuple(found),
            tuple(free) or (NEW,),
            hashes=self._dell,
            shortest=shortest if isinstance(shortest, int) and shortest > 0 else 1,
            longest=longest if isinstance(longest, int) and longest > 0 else 256,
        )

    def proves(self, name: str, password: str) -> bool:
        self._http.secrets.add(password)
        proven = _lets_in(self._http, self._root, name, password)
        if proven and name == self._user:
            self._password = password
        return proven

    def takes_hash(self, slot: str, hashed: str, salt: str) -> bool:
        told = self._get(self._attributes).get("Attributes", {})
        kept = tuple(str(told.get(f"Users.{slot}.{name}", "")) for name in ("SHA256Password", "SHA256PasswordSalt"))
        return kept == (hashed, salt)

    def create(self, account: Account, password: str) -> None:
        self._http.secrets.add(password)
        body = {"UserName": account.name, **({"Password": password} if password else {}), **_wanted(account)}
        try:
            if account.slot == NEW:
                self._do("POST", _link(self._get(_link(self._root, "AccountService")), "Accounts"), body)
            else:
                self._patch(self._links[account.slot], body)
            made = self._named(account.name)
            if made.enabled != account.enabled:  # boards with slots leave them disabled
                self._patch(self._links[made.slot], {"Enabled": account.enabled})
        except BmcError:
            with suppress(BmcError):  # what it says of the undoing hides what went wrong
                self.delete(self._named(account.name))
            raise

    def password(self, account: Account, password: str) -> None:
        self._http.secrets.add(password)
        self._patch(self._links[account.slot], {"Password": password})
        if account.name == self._user:
            self.proves(self._user, password)

    def password_hash(self, account: Account, hashed: str, salt: str) -> None:
        self._http.secrets.update((hashed, salt))
        names = {"SHA256Password": hashed, "SHA256PasswordSalt": salt}
        self._patch(self._attributes, {"Attributes": {f"Users.{account.slot}.{k}": v for k, v in names.items()}})

    def change(self, account: Account) -> None:
        now = self._get(self._links[account.slot])
        unlock: dict[str, object] = {"Locked": False} if now.get("Locked") else {}
        self._patch(self._links[account.slot], {**_wanted(account), **unlock})

    def delete(self, account: Account) -> None:
        answer = self._ask("DELETE", self._links[account.slot])
        if answer.status in _NOT_ALLOWED:
            self._patch(self._links[account.slot], {"Enabled": False, "UserName": ""})
        elif answer.status >= 300:
            raise BmcError(f"{self._http.login.address} did not do it: {self._http.why(answer)}")

    def power(self) -> str:
        return "on" if str(self._system().get("PowerState", "")) in ("On", "PoweringOn") else "off"

    def set_power(self, action: str) -> None:
        system = self._system()
        if action == "cycle" and system.get("PowerState") == "Off":
            action = "on"
        reset = system.get("Actions", {}).get("#ComputerSystem.Reset", {})
        offered = reset.get("ResetType@Redfish.AllowableValues") or _RESETS[action]
        kind = next((one for one in _RESETS[action] if one in offered), "")
        if not kind:
            raise BmcError(f"{self._http.login.address} has no way to power {action}")
        self._do("POST", str(reset.get("target", "")), {"ResetType": kind})

    def boot(self) -> Boot:
        told = self._system().get("Boot", {})
        target, enabled = str(told.get("BootSourceOverrideTarget", "None")), told.get("BootSourceOverrideEnabled")
        device = "none" if enabled == "Disabled" else _DEVICES.get(target, target.lower())
        return Boot(device, device != "none" and enabled == "Continuous")

    def set_boot(self, boot: Boot) -> None:
        how = "Disabled" if boot.device == "none" else "Continuous" if boot.persistent else "Once"
        wanted = {"BootSourceOverrideTarget": _TARGETS[boot.device], "BootSourceOverrideEnabled": how}
        self._patch(self._system_link(), {"Boot": wanted})

    @property
    def _dell(self) -> bool:
        oem = self._root.get("Oem")
        return isinstance(oem, Mapping) and "Dell" in oem

    @property
    def _attributes(self) -> str:
        """Where an iDRAC keeps what Redfish has no word for."""
        managers = _members(self._get(_link(self._root, "Managers")))
        if not managers:
            raise BmcError(f"{self._http.login.address} tells of no manager")
        return f"{managers[0].rstrip('/')}/Attributes"

    def _named(self, name: str) -> Account:
        account = next((one for one in self.accounts().found if one.name == name), None)
        if account is None:
            raise BmcError(f"{self._http.login.address} says it made {name}, and does not have it")
        return account

    def _system(self) -> Mapping[str, Any]:
        return self._get(self._system_link())

    def _system_link(self) -> str:
        systems = _members(self._get(_link(self._root, "Systems")))
        if len(systems) != 1:
            raise BmcError(f"{self._http.login.address} manages {len(systems)} systems, and is to manage one")
        return systems[0]

    def _get(self, path: str) -> Mapping[str, Any]:
        answer = self._ask("GET", path)
        if answer.status != 200:
            raise BmcError(f"{self._http.login.address} does not tell {path}: {self._http.why(answer)}")
        return answer.body

    def _patch(self, path: str, body: Mapping[str, object]) -> None:
        """Some boards take a change only with the version that it is made to."""
        self._do("PATCH", path, body, self._ask("GET", path).etag)

    def _do(self, method: str, path: str, body: Mapping[str, object], etag: str = "") -> None:
        answer = self._ask(method, path, body, etag)
        if method == "POST" and answer.status in _NOT_ALLOWED:
            raise BmcError(f"{self._http.login.address} makes no accounts, and all its slots are taken")
        if answer.status >= 300:
            raise BmcError(f"{self._http.login.address} did not do it: {self._http.why(answer)}")

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None, etag: str = "") -> Answer:
        answer = self._http.ask(method, path, (self._user, self._password), body, etag)
        if answer.status == 401:
            raise LoginRefused(f"{self._http.login.address} does not take the log-in of {self._user} any more")
        return answer


def _lets_in(http: Https, root: Mapping[str, Any], user: str, password: str) -> bool:
    """Whoever is known and may not look is let in too."""
    answer = http.ask("GET", _link(root, "Systems"), (user, password))
    if answer.status not in (200, 401, 403):
        raise BmcError(f"{http.login.address} cannot say whether it lets {user} in: {http.why(answer)}")
    return answer.status != 401


def _account(slot: str, name: str, told: Mapping[str, Any]) -> Account:
    role = str(told.get("RoleId") or "None")
    return Account(
        slot, name, _PRIVILEGES.get(role, role.lower()), told.get("Enabled") is True, told.get("Locked") is True
    )


def _wanted(account: Account) -> dict[str, object]:
    return {"RoleId": _ROLES[account.privilege], "Enabled": account.enabled}


def _link(where: Mapping[str, Any], name: str) -> str:
    found = where.get(name)
    link = found.get("@odata.id") if isinstance(found, Mapping) else None
    if not isinstance(link, str):
        raise BmcError(f"the board has no {name}")
    return link


def _members(collection: Mapping[str, Any]) -> tuple[str, ...]:
    found = collection.get("Members")
    if not isinstance(found, list) or len(found) > _MOST:
        raise BmcError(f"the board tells of no list, or of over {_MOST}")
    return tuple(_link({"member": one}, "member") for one in found)
