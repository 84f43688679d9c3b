#!/usr/bin/python
"""Ansible module: power and boot device of a host, by the board that manages its hardware."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bmc_power
short_description: A host is on or off, and boots from a device, by its board (BMC)
version_added: 0.1.0
description:
  - Switches a host by IPMI or Redfish, and says what it boots from next. Without either, it tells what is.
  - The boot device is set first, so that one task can start a host from the network.
options:
  power:
    description:
      - V(off) is at once, without asking the system on it.
      - V(cycle) takes the power away for a moment, and always is a change; what is off is turned on.
    type: str
    choices: ["on", "off", cycle]
  boot:
    description: What the host boots from. V(none) is its own order.
    type: str
    choices: [none, pxe, disk, cd, bios]
  persistent:
    description: Whether O(boot) holds from now on, rather than for the next boot alone.
    type: bool
    default: false
  wait:
    description: Seconds within which the host is to be on or off.
    type: int
    default: 60
extends_documentation_fragment: [moorage.boot.bmc]
attributes:
  check_mode: {support: full, description: Logs in and looks; switches nothing.}
  diff_mode: {support: full, description: Shows power and boot device.}
  idempotent: {support: partial, description: But for V(cycle); and some boards do not tell the device they were given.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The host starts from the network, once
  moorage.boot.bmc_power:
    address: 192.0.2.101
    user: admin
    password: "{{ vaulted_bmc_password }}"
    boot: pxe
    power: cycle
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
power:
  description: V(on) or V(off), as it is now.
  type: str
  returned: success
boot:
  description: What the host boots from, as C(pxe once), C(disk always) or C(none).
  type: str
  returned: success
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils.bmc_options import BOARD  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import bmc
except ImportError:
    bmc = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **BOARD,
            "power": {"type": "str", "choices": ["on", "off", "cycle"]},
            "boot": {"type": "str", "choices": ["none", "pxe", "disk", "cd", "bios"]},
            "persistent": {"type": "bool", "default": False},
            "wait": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if bmc is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    try:
        before, after = bmc.switch(module.params, module.check_mode)
    except bmc.AppServerError as error:
        module.fail_json(msg=str(error))
    changed = before != after or module.params["power"] == "cycle"
    module.exit_json(changed=changed, diff={"before": bmc.lines(before), "after": bmc.lines(after)}, **after)


if __name__ == "__main__":
    main()
