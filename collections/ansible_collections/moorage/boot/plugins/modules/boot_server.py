#!/usr/bin/python
"""Ansible module: a boot server that is gone for good, or a number that it has no more, is off the record."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_server
short_description: A boot server that is gone for good is off the record, or a number that it has no more
version_added: 0.1.0
description:
  - Takes away the record of its node, of what is installed on it and of what ran there.
  - An application that is being removed from it is taken to have left, for it cannot say so any more.
  - Or, with O(state=numbered), takes away what stands under the number that its node had before O(lrn), unless another
    node has that number, or a host of O(taken).
  - With O(state=absent), refuses while its agent runs, while an application is wanted there, and where O(name) and
    O(lrn) are those of two boot servers. A check refuses for the same reasons.
options:
  name:
    description: Name of the node.
    type: str
    required: true
  lrn:
    description:
      - Its logical rack number, as the inventory has it; -1 where nobody says.
      - What stands under it goes too where there is no such node, or none any more.
    type: int
    default: -1
  stopped:
    description: Its agent will be stopped by then. That it is on is no reason for a check to refuse.
    type: bool
    default: false
  taken:
    description: Numbers of the site's hosts, which may be no nodes yet. What stands under these stays.
    type: list
    elements: int
    default: []
  was:
    description: The number that it had before, where its node's record does not say so any more; else -1.
    type: int
    default: -1
  state:
    description: Whether it is gone, or has the number O(lrn) and no other. All else its agent writes itself.
    type: str
    choices: [absent, numbered]
    default: absent
extends_documentation_fragment: [moorage.boot.store]
attributes:
  check_mode: {support: full, description: Says how many keys would go.}
  diff_mode: {support: none, description: Everything of it goes.}
  idempotent: {support: full, description: A node that nobody knows is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: It may leave
  moorage.boot.boot_server: {name: boot-2, lrn: 2, stopped: true}
  check_mode: true
  changed_when: false
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}

- name: The host is off the record
  moorage.boot.boot_server: {name: boot-2, lrn: 2, state: absent}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}

- name: Nothing stands under a number that the host had before
  moorage.boot.boot_server: {name: boot-2, lrn: 5, taken: [0, 1, 5], state: numbered}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
keys:
  description: How many keys of it were there.
  type: int
  returned: success
was:
  description: The number that it had before, -1 where it had no other.
  type: int
  returned: success, with O(state=numbered)
msg:
  description: What became of it, or why it may not go. Of a host that nobody knows, that it was not on record.
  type: str
  returned: always
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import retirement
except ImportError:
    retirement = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "lrn": {"type": "int", "default": -1},
            "stopped": {"type": "bool", "default": False},
            "taken": {"type": "list", "elements": "int", "default": []},
            "was": {"type": "int", "default": -1},
            "state": {"type": "str", "choices": ["absent", "numbered"], "default": "absent"},
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        supports_check_mode=True,
    )
    if retirement is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    try:
        kv = retirement.store(module.params)
        if module.params["state"] == "numbered":
            was, keys, told = retirement.renumber(kv, module.params, module.check_mode)
            module.exit_json(changed=keys > 0, keys=keys, was=was, msg=told)
        keys, told = retirement.retire(kv, module.params, module.check_mode)
    except retirement.AppServerError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=keys > 0, keys=keys, msg=told)


if __name__ == "__main__":
    main()
