"""`bmc/bmc-user`: users of boards as Neco keeps them: `{"root": {"password": {"raw": …}}}`, or a hash and its salt."""

from __future__ import annotations

import json
from collections.abc import Mapping

from appserver.core import site_kinds
from appserver.core.bmc import BmcUser, Privilege

PRIVILEGES: Mapping[str, Privilege] = {
    "root": "administrator",
    "repair": "operator",
    "power": "operator",
    "support": "user",
}
"""What Neco's four users may do; any other may only look."""


def users(text: str, privileges: Mapping[str, Privilege] = PRIVILEGES) -> tuple[BmcUser, ...]:
    """
    Raises:
        Invalid: it is not of that shape; no secret is repeated.
    """
    found = json.loads(site_kinds.BMC_USERS.keep(text))
    return tuple(_user(name, entry["password"], privileges.get(name, "user")) for name, entry in found.items())


def _user(name: str, password: Mapping[str, str], privilege: Privilege) -> BmcUser:
    return BmcUser(
        name=name,
        privilege=privilege,
        password=password.get("raw", ""),
        hash=password.get("hash", ""),
        salt=password.get("salt", ""),
    )
