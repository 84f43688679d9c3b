#!/usr/bin/python
"""Ansible module: one key of the site's configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
module: config_key
short_description: A key of the site's configuration
version_added: 0.1.0
description:
  - Sets a key of the site's configuration, or takes it away. C(docs/config.md) of the project tells of every key.
  - A value is checked as the command line checks it. A secret is sealed, and shown nowhere.
options:
  name:
    description: The key, as C(config/proxy), or what else it is called, as C(proxy).
    type: str
    required: true
  value:
    description:
      - What people would write, as C(1h30m) for a duration. A list becomes lines, a dictionary JSON.
      - Needed for C(present).
    type: raw
  state:
    description: Whether the key is to be set. Where it is not, its default holds.
    type: str
    choices: [present, absent]
    default: present
  seal_key:
    description: File on the controller of the key that app servers seal secrets with. Needed for a secret.
    type: path
extends_documentation_fragment: [moorage.boot.store]
attributes:
  check_mode: {support: full, description: Says what it would write. A store that is not there yet counts as empty.}
  diff_mode: {support: full, description: "Shows the key and its value; of a secret, that it is another one."}
  idempotent: {support: full, description: A value that is there is not written again; secrets are compared opened.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Boot servers reach the internet by a proxy
  moorage.boot.config_key: {name: config/proxy, value: "http://squid.example.net:3128"}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}

- name: The password for power on and off is known
  moorage.boot.config_key:
    name: bmc/ipmi-password
    value: "{{ vaulted_ipmi_password }}"
    seal_key: /etc/moorage/seal.key
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
value:
  description: What holds now, with C(***) for a secret. Empty where nothing does.
  type: str
  returned: success
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import services, site_config
except ImportError:
    services = site_config = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "value": {"type": "raw", "no_log": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "seal_key": {"type": "path", "no_log": False},
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        required_if=[("state", "present", ["value"])],
        supports_check_mode=True,
    )
    if site_config is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    asked = module.params
    value = asked["value"] if asked["state"] == "present" else None
    if not site_config.is_secret(asked["name"], asked["value"]):
        module.no_log_values.clear()  # a diff of what everybody may read is to be read
    try:
        told = site_config.configure(services.store(asked), asked["seal_key"], asked["name"], value, module.check_mode)
    except site_config.AppServerError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=told.changed, value=told.value, diff={"before": told.before, "after": told.after})


if __name__ == "__main__":
    main()
