#!/usr/bin/python
"""Ansible module: one supervised service, on a host without systemd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: runit_service
short_description: A service runs under runit
version_added: 0.1.0
description:
  - Writes the service's directory with its C(run) script and one that keeps its log with C(svlogd), makes it active for
    a C(runsvdir) that runs already, and waits until it is up.
  - A service that is up is started again when its script changed.
options:
  name:
    description: Name of the service.
    type: str
    required: true
  run:
    description: Text of the C(run) script. It is to replace itself by the program, which stays in the foreground.
    type: str
  state:
    description:
      - C(present) supervises the service and leaves it to others when it starts and ends.
      - C(restarted) ends the program and starts it again, where the service is active already, as for a handler.
      - C(absent) ends it for good.
    type: str
    choices: [started, present, restarted, absent]
    default: started
  definitions:
    description: Directory of the services' directories.
    type: path
    default: /etc/moorage/sv
  active:
    description: Directory that C(runsvdir) reads.
    type: path
    default: /etc/moorage/service
  logs:
    description: Directory of the logs, a directory for each service.
    type: path
    default: /var/log/moorage
  timeout:
    description: Seconds that a program may take to end or to start.
    type: int
    default: 30
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: Shows the script.}
  idempotent: {support: full, description: A service that is up with this script is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Agent runs
  moorage.boot.runit_service:
    name: agent
    run: |
      #!/bin/sh
      exec 2>&1
      exec /opt/moorage/current/bin/moorage agent
"""

RETURN = r"""
was:
  description: What C(sv status) said before.
  type: str
  returned: always
"""

import os  # noqa: E402
import shutil  # noqa: E402
import time  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402

LOG_RUN = """#!/bin/sh
mkdir -p {directory}
chmod 0750 {directory}
exec svlogd -tt {directory}
"""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "run": {"type": "str"},
            "state": {"type": "str", "choices": ["started", "present", "restarted", "absent"], "default": "started"},
            "definitions": {"type": "path", "default": "/etc/moorage/sv"},
            "active": {"type": "path", "default": "/etc/moorage/service"},
            "logs": {"type": "path", "default": "/var/log/moorage"},
            "timeout": {"type": "int", "default": 30},
        },
        required_if=[("state", "started", ["run"]), ("state", "present", ["run"])],
        supports_check_mode=True,
    )
    asked = module.params
    home = os.path.join(asked["definitions"], asked["name"])
    link = os.path.join(asked["active"], asked["name"])
    was = _status(module, link)
    act = {"started": _start, "present": _start, "restarted": _restart, "absent": _remove}[asked["state"]]
    module.exit_json(was=was, **act(module, home, link, was))


def _start(module: AnsibleModule, home: str, link: str, was: str) -> dict[str, object]:
    asked = module.params
    wanted = {
        os.path.join(home, "run"): asked["run"],
        os.path.join(home, "log", "run"): LOG_RUN.format(directory=os.path.join(asked["logs"], asked["name"])),
    }
    before = {path: _read(path) for path in wanted}
    linked = os.path.islink(link) and os.readlink(link) == home
    to_run = asked["state"] == "started"
    changed = before != wanted or not linked or (to_run and not was.startswith("run:"))
    if changed and not module.check_mode:
        for path, text in wanted.items():
            if before[path] != text:
                _write(path, text)
        if not linked:
            os.symlink(home, f"{link}.new")
            os.replace(f"{link}.new", link)
        _wait(module, link)
        renewed = was.startswith("run:") and before != wanted
        if to_run:
            _sv(module, "force-restart" if renewed else "start", link)
    run = os.path.join(home, "run")
    return {"changed": changed, "diff": {"before": before[run], "after": wanted[run], "before_header": run}}


def _restart(module: AnsibleModule, home: str, link: str, was: str) -> dict[str, object]:
    if was and not module.check_mode:
        _sv(module, "force-restart", link)
    return {"changed": bool(was)}


def _remove(module: AnsibleModule, home: str, link: str, was: str) -> dict[str, object]:
    changed = os.path.lexists(link) or os.path.isdir(home)
    if changed and not module.check_mode:
        if was:
            _sv(module, "force-shutdown", link)
        if os.path.lexists(link):
            os.unlink(link)
        shutil.rmtree(home, ignore_errors=True)
    return {"changed": changed}


def _status(module: AnsibleModule, link: str) -> str:
    """`run: …` or `down: …`; empty when nothing supervises it."""
    if not os.path.exists(os.path.join(link, "supervise", "ok")):
        return ""
    status, told, _error = module.run_command(["sv", "status", link])
    return told.split(";")[0].strip() if status in (0, 3) else ""


def _wait(module: AnsibleModule, link: str) -> None:
    """Until runsvdir has taken the service up; it looks every five seconds."""
    until = time.monotonic() + module.params["timeout"]
    while not os.path.exists(os.path.join(link, "supervise", "ok")):
        if time.monotonic() > until:
            module.fail_json(msg=f"nothing supervises {link}: does runsvdir run? /etc/moorage/supervise starts it")
        time.sleep(0.1)


def _sv(module: AnsibleModule, verb: str, link: str) -> None:
    status, told, error = module.run_command(["sv", "-w", str(module.params["timeout"]), verb, link])
    if status:
        module.fail_json(msg=f"sv {verb} {link}: {(told or error).strip()}")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _write(path: str, text: str) -> None:
    """Put the script in place whole: runsv may start it at any moment."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o755)
        file.write(text)
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    main()
