"""`ports.Boards`: IPMI or Redfish, as is said, or as the board is found to speak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from appserver.adapters import bmc_redfish
from appserver.adapters.bmc_http import LIMIT_S, NoAnswer
from appserver.adapters.bmc_ipmi import Ipmi
from appserver.core.bmc import Login
from appserver.ports import Bmc


class HardwareBoards:
    """To be closed: it keeps processes that speak IPMI."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        """`limit_s` is for all that is asked of one board, from its log-in on."""
        self._limit_s = limit_s
        self._ipmi = Ipmi(limit_s)

    @contextmanager
    def open(self, login: Login) -> Iterator[Bmc]:
        """`auto` is Redfish where that answers. A board that cannot be trusted there is not spoken to otherwise."""
        if login.protocol == "redfish" or (login.protocol == "auto" and _has_redfish(login)):
            with bmc_redfish.session(login, self._limit_s) as redfish:
                yield redfish
        else:
            with self._ipmi.open(login if login.protocol == "ipmi" else replace(login, port=0)) as ipmi:
                yield ipmi

    def close(self) -> None:
        self._ipmi.close()


def _has_redfish(login: Login) -> bool:
    try:
        return bmc_redfish.speaks(login)
    except NoAnswer:
        return False
