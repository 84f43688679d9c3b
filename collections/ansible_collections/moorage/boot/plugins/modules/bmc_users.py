#!/usr/bin/python
"""Ansible module: the users of the board that manages a host's hardware."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bmc_users
short_description: Users of a board (BMC) are those of a list, by IPMI or Redfish
version_added: 0.1.0
description:
  - Makes, changes, disables and deletes users, and sets passwords that do not log in.
  - A new password is proven by a log-in; where that fails, the one before is put back if it is known.
  - With O(lrn), accounts and, sealed, the passwords proven last go on record, and app servers watch the board.
  - Whether a password is right is asked by one log-in, which the board may count against the account.
options:
  users:
    description: The list.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the user; with IPMI, 16 bytes at most.
        type: str
        required: true
      privilege:
        description: What they may do. V(user) may only look.
        type: str
        choices: [administrator, operator, user]
        default: user
      enabled:
        description: Whether they may log in. The password of one who may not is not checked.
        type: bool
        default: true
      state:
        description: Whether they are to be there.
        type: str
        choices: [present, absent]
        default: present
      password:
        description: Without it, the password that an account has stays. A new account needs one.
        type: str
      hash:
        description: In place of O(users[].password), its SHA-256 with the salt. Only an iDRAC takes it.
        type: str
      salt:
        description: The salt of O(users[].hash).
        type: str
  bmc_user:
    description: Further users, as the text of Neco's C(bmc-user.json). The list wins over it.
    type: str
  privileges:
    description: Privilege of users in O(bmc_user); whoever is not named may only look.
    type: dict
    default: {root: administrator, repair: operator, power: operator, support: user}
  exclusive:
    description: Whether users that the list does not name are deleted. Slots 1 and 2, and O(user), never are.
    type: bool
    default: false
  password_bytes:
    description: Longest password by IPMI. V(20) where the board is known to take those of IPMI 2.0.
    type: int
    choices: [16, 20]
    default: 16
  watcher:
    description: User of the list as whom app servers look at the board. Without it, O(user).
    type: str
    default: ""
  lrn:
    description: Logical rack number of the boot server under which it is recorded. Without it, nothing is.
    type: int
  seal_key:
    description: File on the controller of the key that app servers seal secrets with. Needed with O(lrn).
    type: path
extends_documentation_fragment: [moorage.boot.bmc, moorage.boot.store]
attributes:
  check_mode: {support: full, description: Logs in and looks; says what it would do.}
  diff_mode: {support: full, description: "Shows users and privileges, never a password."}
  idempotent: {support: full, description: What is as wanted is left alone; a hash only where the board tells it.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The board has its users
  moorage.boot.bmc_users:
    address: 192.0.2.101
    user: admin
    password: "{{ vaulted_bmc_password }}"
    users:
      - {name: ops, privilege: operator, password: "{{ vaulted_ops_password }}"}
      - {name: guest, state: absent}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
steps:
  description: What was done, or would be, and why.
  type: list
  elements: str
  returned: success
accounts:
  description: Users and their privileges, as the board has them now.
  type: dict
  returned: success
protocol:
  description: How it was spoken to.
  type: str
  returned: success
recorded:
  description: Whether the record was written.
  type: bool
  returned: success
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils.bmc_options import BOARD, USER  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import bmc
except ImportError:
    bmc = None
    MISSING = traceback.format_exc()

PRIVILEGES = {"root": "administrator", "repair": "operator", "power": "operator", "support": "user"}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **BOARD,
            "users": {"type": "list", "elements": "dict", "default": [], "options": USER},
            "bmc_user": {"type": "str", "no_log": True},
            "privileges": {"type": "dict", "default": PRIVILEGES},
            "exclusive": {"type": "bool", "default": False},
            "password_bytes": {"type": "int", "choices": [16, 20], "default": 16, "no_log": False},
            "watcher": {"type": "str", "default": ""},
            "lrn": {"type": "int"},
            "seal_key": {"type": "path", "no_log": False},
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        required_by={"lrn": ("seal_key",)},
        supports_check_mode=True,
    )
    if bmc is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    try:
        told = bmc.bring_users(module.params, module.check_mode)
    except bmc.AppServerError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(told.steps) or told.recorded,
        steps=[str(step) for step in told.steps],
        accounts=dict(told.after),
        protocol=told.protocol,
        recorded=told.recorded,
        diff={"before": bmc.lines(told.before), "after": bmc.lines(told.after)},
    )


if __name__ == "__main__":
    main()
