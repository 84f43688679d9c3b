"""Applications as a playbook wants them, through the same API and the same gathering of files as the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appserver.cli import follow, profile
from appserver.cli.client import Client
from appserver.cli.problems import Refused
from appserver.cli.project import gather
from appserver.errors import AppServerError, BackendError, Invalid

__all__ = ["AppServerError", "absent", "client", "present"]

_STALE, _UNKNOWN = 409, 404
_TRIES = 3

Outcome = tuple[bool, Mapping[str, Any], Mapping[str, Any] | None]
"""Whether something is or would be changed, the plan, and the operation as it ended."""


def client(options: Mapping[str, Any]) -> Client:
    """By `server`, `token` and `ca`, or by the profile of whoever runs the playbook.

    Raises:
        NotFound, Invalid: no server is known, or the profile cannot be used.
    """
    if options["server"]:
        return Client(profile.Profile(options["server"], options["token"] or "", options["ca"] or ""))
    return Client(profile.load(os.environ))


def present(server: Client, options: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Plan, and apply just that plan unless only looking; wait for its end where that is wanted.

    Raises:
        AppServerError: refused, or the roll-out failed; the text says why.
    """
    request = _request(options)
    for tries_left in reversed(range(_TRIES)):
        plan = server.post("applications", "plan", body=request)
        if check_mode or not plan["changed"]:
            return plan["changed"], plan, None
        try:
            operation = server.post("applications", body={**request, "token": plan["token"]})
        except Refused as error:
            if error.status != _STALE or not tries_left:
                raise
            continue
        if "state" not in operation:  # somebody else did the same meanwhile
            return False, operation, None
        return True, plan, _ended(server, operation) if options["wait"] else operation
    raise BackendError("the application keeps being changed by somebody else")


def absent(server: Client, options: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Containers and networks go; named volumes with them only where that is said.

    Raises:
        AppServerError: refused, or it could not be removed.
    """
    path = ("applications", options["cluster"], options["name"])
    try:
        server.get(*path)
        if check_mode:
            return True, {}, None
        operation = server.delete(*path, volumes="true" if options["volumes"] else "false")
    except Refused as error:
        if error.status != _UNKNOWN:
            raise
        return False, {}, None
    return True, {}, _ended(server, operation) if options["wait"] else operation


def _request(options: Mapping[str, Any]) -> dict[str, object]:
    asked = {name: options[name] for name in ("cluster", "name", "source", "reason")}
    asked |= {"profiles": options["profiles"] or [], "overrides": options["overrides"] or {}}
    if options["definition"]:
        return {**asked, "compose": options["definition"], "env": options["env"] or ""}
    if options["env"]:
        raise Invalid("env", "goes with `definition`; a project's files have their own .env")
    files = [Path(name) for name in options["files"]]
    return {**asked, **gather(files, [Path(name) for name in options["env_files"] or ()]).to_json()}


def _ended(server: Client, operation: Mapping[str, Any]) -> Mapping[str, Any]:
    *_, last = follow.states(server, operation)
    if last["state"] != "done":
        said = "; ".join(f"{cause['service']}: {cause['why']}" for cause in last["causes"])
        raise BackendError(f"{last['application']} revision {last['revision']} {last['state']}: {said or last['step']}")
    return last
