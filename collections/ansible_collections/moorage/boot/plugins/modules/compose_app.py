#!/usr/bin/python
"""Ansible module: an application of an app server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_app
short_description: An application is deployed as its compose files say
version_added: 0.1.0
description:
  - Plans a deployment with an app server, and applies that plan where it changes something.
  - Waits until every container is up; when one does not come up, the revision before is put back and the task fails.
options:
  name:
    description: Name of the application.
    type: str
    required: true
  cluster:
    description: Cluster on which it runs.
    type: str
    default: default
  state:
    description: Whether it is to be there.
    type: str
    choices: [present, absent]
    default: present
  files:
    description: Compose files on the controller; a later one wins. Files that they refer to are sent with them.
    type: list
    elements: path
  env_files:
    description: Files to be used in place of the project's C(.env).
    type: list
    elements: path
  definition:
    description: Text of one compose file, in place of O(files).
    type: str
  env:
    description: Text of its C(.env), with O(definition).
    type: str
  profiles:
    description: Compose profiles that are to be active.
    type: list
    elements: str
  overrides:
    description: Service to options, the strongest layer.
    type: dict
  source:
    description: Source of configuration whose git layer applies.
    type: str
    default: config
  reason:
    description: Why; kept in the history.
    type: str
    default: ""
  volumes:
    description: With O(state=absent), named volumes are removed too.
    type: bool
    default: false
  wait:
    description: Whether to wait until it is up, or gone.
    type: bool
    default: true
extends_documentation_fragment: [moorage.boot.app_server]
attributes:
  check_mode: {support: full, description: Plans and changes nothing.}
  diff_mode: {support: full, description: "Shows the effective project before and after, secrets masked."}
  idempotent: {support: full, description: A deployment that changes nothing is none.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The shop runs
  moorage.boot.compose_app: {name: shop, files: [files/shop/compose.yaml]}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}

- name: The shop with more memory for one service
  moorage.boot.compose_app:
    name: shop
    files: [files/shop/compose.yaml]
    overrides: {web: {mem_limit: 512M}}
    server: https://moorage.example.net
    token: "{{ moorage_token }}"
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
steps:
  description: What was done to each service, or would be, and why.
  type: list
  returned: when O(state=present)
revision:
  description: Number of the revision that the plan makes, or that is in force when it makes none.
  type: int
  returned: when O(state=present)
node:
  description: Where it runs.
  type: str
  returned: when O(state=present)
operation:
  description: Id of the operation that carried it out.
  type: str
  returned: when something was changed
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils.app_server_options import (  # noqa: E402
    APP_SERVER,
    REQUIRED_BY,
)

try:
    from ansible_collections.moorage.boot.plugins.module_utils import applications
except ImportError:
    applications = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **APP_SERVER,
            "name": {"type": "str", "required": True},
            "cluster": {"type": "str", "default": "default"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "files": {"type": "list", "elements": "path"},
            "env_files": {"type": "list", "elements": "path"},
            "definition": {"type": "str", "no_log": True},  # as long as it is, nothing else holds it whole
            "env": {"type": "str", "no_log": True},
            "profiles": {"type": "list", "elements": "str"},
            "overrides": {"type": "dict"},
            "source": {"type": "str", "default": "config"},
            "reason": {"type": "str", "default": ""},
            "volumes": {"type": "bool", "default": False},
            "wait": {"type": "bool", "default": True},
        },
        mutually_exclusive=[("files", "definition")],
        required_if=[("state", "present", ("files", "definition"), True)],
        required_by=REQUIRED_BY,
        supports_check_mode=True,
    )
    if applications is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    act = getattr(applications, module.params["state"])
    try:
        changed, plan, operation = act(applications.client(module.params), module.params, module.check_mode)
    except applications.AppServerError as error:
        module.fail_json(msg=str(error))
    told = {name: plan[name] for name in ("steps", "revision", "node") if name in plan}
    done = {"operation": operation["id"]} if operation else {}
    module.exit_json(changed=changed, diff={"prepared": plan.get("diff", "")}, **told, **done)


if __name__ == "__main__":
    main()
