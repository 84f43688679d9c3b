#!/usr/bin/python
"""Ansible module: an update of the boot servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: update_request
short_description: The boot servers are at a release
version_added: 0.1.0
description:
  - Asks an app server for an update of all boot servers in lock-step, and waits until it is through.
  - It is asked for whatever channel and window say; a freeze holds. An update that fails fails the task.
options:
  version:
    description: A release that the app server keeps. Without it, the one that is there.
    type: str
  older:
    description: Whether it may be older than what is in force.
    type: bool
    default: false
  wait:
    description: Whether to wait until it is through.
    type: bool
    default: true
  timeout:
    description: Seconds to wait.
    type: int
    default: 3600
extends_documentation_fragment: [moorage.boot.app_server]
attributes:
  check_mode: {support: full, description: Says whether it would ask.}
  diff_mode: {support: full, description: Shows the versions before and after.}
  idempotent: {support: full, description: Nothing is asked for where all boot servers are at that release.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The boot servers are at the release that is there
  moorage.boot.update_request:
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}

- name: The boot servers are back at an older release
  moorage.boot.update_request: {version: 2026.11.20-3, older: true, timeout: 1800}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
version:
  description: The release that was asked for last.
  type: str
  returned: success
update:
  description: Number of the update.
  type: int
  returned: when there was one
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils.app_server_options import (  # noqa: E402
    APP_SERVER,
    REQUIRED_BY,
)

try:
    from ansible_collections.moorage.boot.plugins.module_utils import updates
except ImportError:
    updates = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **APP_SERVER,
            "version": {"type": "str"},
            "older": {"type": "bool", "default": False},
            "wait": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 3600},
        },
        required_by=REQUIRED_BY,
        supports_check_mode=True,
    )
    if updates is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    asked = module.params
    try:
        changed, found = updates.requested(updates.client(asked), asked, module.check_mode)
    except updates.AppServerError as error:
        module.fail_json(msg=str(error))
    request, run = found["request"], found["update"]
    before = request["version"] if request else ""
    after = (asked["version"] or found["release"] or "") if changed else before
    told = {"update": run["id"]} if run else {}
    module.exit_json(changed=changed, version=after, diff={"before": f"{before}\n", "after": f"{after}\n"}, **told)


if __name__ == "__main__":
    main()
