"""Boards that manage hardware, as modules ask for them. On the controller, with the project's own Python."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.moorage.boot.plugins.module_utils import services

from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.sealer import KeySealer
from appserver.core import bmc_neco
from appserver.core.bmc import BmcUser, Boot, Login
from appserver.errors import AppServerError, BackendError, BmcError, Invalid
from appserver.ports import Bmc, Sealer
from appserver.services.bmc_users import BmcUsers, Brought, Wish

__all__ = ["AppServerError", "bring_users", "lines", "switch"]

LOOK_S = 1.0


def bring_users(options: Mapping[str, Any], check: bool) -> Brought:
    """The users of one board, as the module `bmc_users` is asked for them.

    Raises:
        AppServerError: see `BmcUsers.bring`.
    """
    recorded = options["lrn"] is not None
    kv = services.store(options) if recorded else None
    wish = Wish(
        login=_login(options),
        users=_users(options),
        lrn=options["lrn"] if recorded else -1,
        exclusive=options["exclusive"],
        password_bytes=int(options["password_bytes"]),
        watcher=options["watcher"],
    )
    with _boards() as boards:
        return BmcUsers(boards, kv, _sealer(options, check) if recorded else None).bring(wish, check)


def switch(options: Mapping[str, Any], check: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Power and boot device before, and after; in a check, as they would be.

    Raises:
        AppServerError
    """
    device = options["boot"]
    if options["persistent"] and device in (None, "none"):
        raise Invalid("persistent", "goes with a device to boot from")
    with _boards() as boards, boards.open(_login(options)) as bmc:
        power, boot = bmc.power(), bmc.boot()
        wanted = Boot(device, options["persistent"]) if device else boot
        before = {"power": power, "boot": str(boot)}
        if wanted != boot and not check:
            bmc.set_boot(wanted)
        after = {"power": _powered(bmc, power, options, check), "boot": str(wanted)}
        return before, after


def lines(accounts: Mapping[str, str]) -> str:
    """A diff's side."""
    return "".join(f"{name}: {told}\n" for name, told in sorted(accounts.items()))


def _powered(bmc: Bmc, power: str, options: Mapping[str, Any], check: bool) -> str:
    """What the power is after what was asked for; a cycle is done once it is on again."""
    asked = options["power"]
    if asked is None or asked == power:
        return power
    wanted = "off" if asked == "off" else "on"
    if check:
        return wanted
    bmc.set_power(asked)
    ends = time.monotonic() + options["wait"]
    while bmc.power() != wanted:
        if time.monotonic() >= ends:
            raise BmcError(f"{options['address']} was asked to power {asked}, and is not {wanted} yet")
        time.sleep(LOOK_S)
    return wanted


def _users(options: Mapping[str, Any]) -> tuple[BmcUser, ...]:
    """Those of the list, then those of bmc-user.json that it does not name."""
    listed = [
        BmcUser(
            name=one["name"],
            privilege=one["privilege"],
            enabled=one["enabled"],
            present=one["state"] == "present",
            password=one["password"] or "",
            hash=one["hash"] or "",
            salt=one["salt"] or "",
        )
        for one in options["users"]
    ]
    names = {one.name for one in listed}
    neco = bmc_neco.users(options["bmc_user"], options["privileges"]) if options["bmc_user"] else ()
    return (*listed, *(one for one in neco if one.name not in names))


def _login(options: Mapping[str, Any]) -> Login:
    passwords = tuple(filter(None, (options["password"], *options["old_passwords"])))
    return Login(
        address=options["address"],
        user=options["user"],
        passwords=passwords,
        protocol=options["protocol"],
        port=options["port"],
        ca=_read(options["board_ca"]) if options["board_ca"] else "",
        verify=options["validate_certs"],
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("board_ca", f"{path} cannot be read as text") from error


def _sealer(options: Mapping[str, Any], check: bool) -> Sealer | None:
    """None in a check on a site that has no key yet: nothing is on record then."""
    if not options["seal_key"]:
        raise Invalid("seal_key", "is needed: what opens a board is kept sealed")
    try:
        return KeySealer.from_file(Path(options["seal_key"]))
    except BackendError:
        if not check:
            raise
        return None


@contextmanager
def _boards() -> Iterator[HardwareBoards]:
    boards = HardwareBoards()
    try:
        yield boards
    finally:
        boards.close()
