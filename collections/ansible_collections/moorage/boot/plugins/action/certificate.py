"""What `moorage.boot.certificate` does on the controller: the site's authority signs what the host asks for."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.moorage.boot.plugins.module_utils import pki

MODULE = "moorage.boot.certificate"


class ActionModule(ActionBase):
    """Ask the host; sign; have the host put it in place. Without an authority, the host does it alone."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        asked = dict(self._task.args)
        if not asked.get("authority"):
            return self._execute_module(MODULE, asked, task_vars=task_vars)
        authority = _authority(Path(str(asked["authority"])).expanduser(), self._task.check_mode)
        asked["signed_by"] = authority.certificate.decode()
        answer = self._execute_module(MODULE, asked, task_vars=task_vars)
        request = answer.pop("request", "")
        if answer.get("failed") or not request or self._task.check_mode:
            return answer
        names = tuple(dict.fromkeys(asked.get("names") or ()))
        # Both sides judge by the same numbers, and the module's defaults are the host's to know.
        wanted = pki.Wanted(asked["subject"], names, int(asked.get("days", 397)), int(asked.get("renew_days", 60)))
        try:
            signed = pki.sign(request.encode(), wanted, authority, datetime.datetime.now(datetime.timezone.utc))
        except ValueError as error:
            raise AnsibleActionFail(f"what {asked['subject']} asked for cannot be signed: {error}") from error
        return self._execute_module(MODULE, {**asked, "signed": signed.decode()}, task_vars=task_vars)


def _authority(directory: Path, check_mode: bool) -> pki.Pair:
    """Its files. A check goes on without: it has not made them either."""
    try:
        return pki.Pair((directory / "ca.crt").read_bytes(), (directory / "ca.key").read_bytes())
    except OSError as error:
        if check_mode and isinstance(error, FileNotFoundError):
            return pki.Pair(b"", b"")
        raise AnsibleActionFail(f"the authority's files in {directory} cannot be read: {error.strerror}") from error
