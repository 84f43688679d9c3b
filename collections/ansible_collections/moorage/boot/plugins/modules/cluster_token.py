#!/usr/bin/python
"""Ansible module: the cluster has a token."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_token
short_description: The cluster has a token on record
version_added: 0.1.0
description:
  - Makes the key C(token), two random numbers of five digits, where there is none. One that is there stays.
  - The same text in the file C(token) of the shared tree proves to app servers and agents that they share it.
extends_documentation_fragment: [moorage.boot.store]
attributes:
  check_mode: {support: full, description: Says whether it would make one.}
  diff_mode: {support: none, description: "There is one, or there is none."}
  idempotent: {support: full, description: A token that is there stays.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The cluster has a token
  moorage.boot.cluster_token:
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  register: __token
"""

RETURN = r"""
token:
  description: The token; empty in a check that would make one.
  type: str
  returned: always
  sample: 04711-81520
"""

import secrets  # noqa: E402
import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import services
except ImportError:
    services = None
    MISSING = traceback.format_exc()

KEY = "token"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        supports_check_mode=True,
    )
    if services is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    try:
        kv = services.store(module.params)
        found = kv.snapshot(KEY).items.get(KEY)
        if found is None and not module.check_mode:
            new = f"{secrets.randbelow(100_000):05}-{secrets.randbelow(100_000):05}"
            kv.commit({KEY: 0}, {KEY: new})  # refused where somebody was quicker, whose token then holds
        token = found or kv.snapshot(KEY).items.get(KEY)
    except services.AppServerError as error:
        if module.check_mode:  # a store that is not there yet counts as empty
            module.exit_json(changed=True, token="")
        module.fail_json(msg=str(error))
    module.exit_json(changed=found is None, token=token.value if token else "")


if __name__ == "__main__":
    main()
