"""Updates of the boot servers as a playbook wants them, through the same API as the command line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.moorage.boot.plugins.module_utils.applications import client

from appserver.cli.client import Client
from appserver.errors import AppServerError, BackendError

__all__ = ["AppServerError", "client", "requested"]

_LOOK_S = 1.0


def requested(
    server: Client, options: Mapping[str, Any], check_mode: bool, seconds: Callable[[], float] = time.monotonic
) -> tuple[bool, Mapping[str, Any]]:
    """Whether an update was, or would be, asked for; and how the boot servers stand in the end.

    Raises:
        AppServerError: refused; or it did not complete, within `timeout` seconds where it is waited for.
    """
    before = server.get("updates", "status")
    wanted = options["version"] or before["release"]
    if before["process"] == "completed" and before["request"]["version"] == wanted:
        return False, before
    if check_mode:
        return True, before
    server.post("updates", "request", body={"version": wanted or "", "older": options["older"]})
    until = seconds() + options["timeout"]
    known = before["update"]["id"] if before["update"] else 0
    while options["wait"]:
        found = server.get("updates", "status")
        run = found["update"]
        if run and run["id"] > known and run["outcome"] != "running":
            if run["outcome"] != "completed":
                raise BackendError(f"update {run['id']} to {run['version']}: {run['outcome']}: {run['why']}")
            return True, found
        if seconds() > until:
            raise BackendError(f"the update to {wanted} takes longer than {options['timeout']} s; it goes on")
        time.sleep(_LOOK_S)
    return True, server.get("updates", "status")
