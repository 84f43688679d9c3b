"""A process that speaks IPMI, by pyghmi: requests as lines of JSON on standard input, answers on standard output.

pyghmi keeps its sessions in globals of the process, waits for a board as it sees fit, and meets nonsense with whatever
error it runs into. In a process of its own it can be stopped at a deadline, and hold up nobody. Passwords come by the
pipe, never as arguments or in the environment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from pyghmi.exceptions import PyghmiException
from pyghmi.ipmi.command import Command
from pyghmi.ipmi.private import session as pyghmi_session

LOOK_AGAIN_S = 0.003
CURRENT_CHANNEL = 0x0E
USER_LEVEL = 2
"""Whoever may log in at all may at this privilege level."""
_APP, _GET_ACCESS, _GET_NAME = 0x06, 0x44, 0x46
_CHASSIS, _CONTROL, _CYCLE = 0x00, 0x02, 0x02
_PRIVILEGES = {1: "callback", 2: "user", 3: "operator", 4: "administrator", 5: "oem"}
_STATUS_DISABLED = 2
_DEVICES = {"default": "none", "network": "pxe", "hd": "disk", "optical": "cd", "setup": "bios"}
_PRESSED = {told: pressed for pressed, told in _DEVICES.items()}
_REFUSED = ("incorrect password", "unauthorized", "invalid user", "rakp2", "rakp4")


class Refused(Exception):
    """The board answered, and said no."""


class Worker:
    """One session at a time, opened and closed by requests."""

    def __init__(self) -> None:
        self._command: Any = None
        self._address = ""
        self._port = 0
        self._user = ""

    def open(self, address: str, port: int, user: str, password: str) -> None:
        self.close()
        self._address, self._port, self._user = address, port, user
        self._command = self._log_in(user, password, None)

    def close(self) -> None:
        if self._command is not None:
            self._command.ipmi_session.logout()
            self._command = None

    def accounts(self) -> object:
        """Accounts as they are, and slots that may be given a name."""
        _, most, fixed = self._access(1)
        found, free = [], []
        for uid in range(1, most + 1):
            flags, _, _ = self._access(uid)
            name = self._name(uid)
            if name:
                found.append([str(uid), name, *flags])
            elif uid > fixed:
                free.append(str(uid))
        return {"found": found, "free": free}

    def proves(self, name: str, password: str) -> bool:
        """With our own name, what is proven is what we go on with."""
        try:
            other = self._log_in(name, password, USER_LEVEL if name != self._user else None)
        except Refused:
            return False
        ours = self._command.ipmi_session
        if other.ipmi_session is ours:
            return True
        if name == self._user:
            ours.logout()
            self._command = other
        else:
            other.ipmi_session.logout()
        return True

    def write(
        self, uid: int, name: str | None, password: str | None, privilege: str | None, enabled: bool | None
    ) -> None:
        """Only what is given; an account is enabled last and disabled first."""
        if enabled is False:
            self._command.set_user_password(uid, mode="disable")
        if name is not None:
            self._command.set_user_name(uid, name)
        if password is not None:
            self._command.set_user_password(uid, password=password)
        if privilege is not None:
            self._command.set_user_access(
                uid, CURRENT_CHANNEL, link_auth=bool(enabled), ipmi_msg=bool(enabled), privilege_level=privilege
            )
        if enabled:
            self._command.set_user_password(uid, mode="enable")

    def clear(self, uid: int) -> None:
        self._command.user_delete(uid, CURRENT_CHANNEL)

    def power(self) -> str:
        return str(self._command.get_power()["powerstate"])

    def set_power(self, action: str) -> None:
        if action != "cycle" or self.power() == "off":
            self._command.set_power("off" if action == "off" else "on")
        else:
            self._raw(_CHASSIS, _CONTROL, _CYCLE)

    def boot(self) -> object:
        told = self._command.get_bootdev()
        device = str(told["bootdev"])
        return [_DEVICES.get(device, device), bool(told.get("persistent")) and device != "default"]

    def set_boot(self, device: str, persistent: bool) -> None:
        told = self._command.set_bootdev(_PRESSED[device], persist=persistent)
        if "error" in told:
            raise Refused(str(told["error"]))

    def _log_in(self, user: str, password: str, level: int | None) -> Any:
        # It would take a session that it began before for a log-in now, ended or not.
        pyghmi_session.Session.initting_sessions.clear()
        try:
            return Command(self._address, user, password, self._port, privlevel=level, keepalive=False)
        except PyghmiException as error:
            why = str(error)
            if any(sign in why.lower() for sign in _REFUSED):
                raise Refused(why) from error
            raise

    def _access(self, uid: int) -> tuple[list[object], int, int]:
        """Privilege and whether it is enabled; how many slots there are; how many have names that stay."""
        data = self._raw(_APP, _GET_ACCESS, CURRENT_CHANNEL, uid)
        if len(data) != 4:
            raise Refused("an account is told in other than four bytes")
        status, messaging = data[1] >> 6, bool(data[3] & 0x10)
        privilege = _PRIVILEGES.get(data[3] & 0x0F, "none")
        return [privilege, messaging and status != _STATUS_DISABLED], data[0] & 0x3F, data[2] & 0x3F

    def _name(self, uid: int) -> str:
        """Slot 1 has none on many boards, and answers with an error."""
        answer = self._command.raw_command(netfn=_APP, command=_GET_NAME, data=[uid])
        if "error" in answer and not answer.get("code"):
            raise PyghmiException(str(answer["error"]))
        data = bytes(answer.get("data") or b"") if "error" not in answer else b""
        return data.split(b"\0")[0].split(b"\xff")[0].decode("utf-8", "replace").strip()

    def _raw(self, netfn: int, command: int, *data: int) -> bytes:
        answer = self._command.raw_command(netfn=netfn, command=command, data=list(data))
        if "error" in answer:
            raise PyghmiException(str(answer["error"]))
        return bytes(answer["data"])


def main() -> None:
    """Until the other end of the pipe is gone."""
    pyghmi_session._io_wait = _briefly(pyghmi_session._io_wait)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(_answer(getattr(worker, request.pop("do")), request)) + "\n")
        answers.flush()
    os._exit(0)  # pyghmi's threads do not end by themselves


def _briefly(wait: Callable[..., None]) -> Callable[..., None]:
    """pyghmi misses an answer that comes before it begins to wait, and waits out its time-out: so it looks again."""

    def waits(timeout: float, *rest: object) -> None:
        wait(min(timeout, LOOK_AGAIN_S), *rest)

    return waits


def _answer(call: Callable[..., object], request: Mapping[str, Any]) -> Mapping[str, object]:
    try:
        return {"told": call(**request)}
    except Refused as error:
        return {"fault": "refused", "why": str(error)}
    except Exception as error:  # noqa: BLE001  # pyghmi raises whatever nonsense from a board leads to
        known = isinstance(error, PyghmiException) and str(error) not in ("", "None")
        timeout = isinstance(error, PyghmiException) and "timeout" in str(error).lower()
        fault = "silent" if timeout or (isinstance(error, PyghmiException) and not known) else "failed"
        return {"fault": fault, "why": str(error) if known else type(error).__name__}


if __name__ == "__main__":
    main()
