#!/usr/bin/python
"""Ansible module: whether a service still runs with what it was started with."""

from __future__ import annotations

DOCUMENTATION = r"""
module: process_age
short_description: A service is as new as the files it was started with
version_added: 0.1.0
description:
  - Tells whether one of the files was changed after the main process of the service had started. It changes nothing;
    what it calls changed is for a handler that restarts the service.
  - A handler is lost when its play is interrupted. This is not, since it asks the process.
options:
  service:
    description: Name of the unit of systemd, or of the service of runit where systemd does not run.
    type: str
    required: true
  paths:
    description: Files that count. One that is missing does not, nor does what a symbolic link points at.
    type: list
    elements: path
    required: true
  active:
    description: Directory that C(runsvdir) reads.
    type: path
    default: /etc/moorage/service
attributes:
  check_mode: {support: full, description: It changes nothing.}
  diff_mode: {support: full, description: Shows the files.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The agent is as new as its files
  moorage.boot.process_age:
    service: moorage-agent
    paths: [/etc/moorage/agent.toml, /etc/moorage/pki/agent.crt]
  notify: Restart agent
"""

RETURN = r"""
newer:
  description: Files that were changed after the service had started; none where it does not run.
  type: list
  elements: str
  returned: always
"""

import os  # noqa: E402
import time  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

GRAIN_S = 0.05
"""The kernel tells the start of a process, and the change of a file, in hundredths of a second."""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "required": True},
            "paths": {"type": "list", "elements": "path", "required": True},
            "active": {"type": "path", "default": "/etc/moorage/service"},
        },
        supports_check_mode=True,
    )
    pid = _main_pid(module)
    began = _began(pid) if pid else None
    newer = [path for path in module.params["paths"] if began is not None and _changed(path) > began + GRAIN_S]
    after = "".join(f"{path} is newer than the process {pid}\n" for path in newer)
    module.exit_json(changed=bool(newer), newer=newer, diff={"before": "", "after": after})


def _main_pid(module: AnsibleModule) -> int:
    """0 where the service does not run."""
    if os.path.isdir("/run/systemd/system"):
        asked = ["systemctl", "show", "--property=MainPID", "--value", module.params["service"]]
        code, told, error = module.run_command(asked)
        if code:
            module.fail_json(msg=f"systemctl show {module.params['service']}: {error.strip()}")
        return int(told.strip() or 0)
    try:
        with open(os.path.join(module.params["active"], module.params["service"], "supervise", "pid")) as file:
            return int(file.read().strip() or 0)
    except FileNotFoundError:
        return 0


def _began(pid: int) -> float | None:
    """When the process started, in seconds of the clock; nothing where it has ended meanwhile."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # Its name, in parentheses, may hold anything.
            ticks = int(file.read().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def _changed(path: str) -> float:
    """When what stands under this name was last put there or written; packages keep the time they were built at."""
    try:
        return os.lstat(path).st_ctime
    except FileNotFoundError:
        return 0.0


if __name__ == "__main__":
    main()
