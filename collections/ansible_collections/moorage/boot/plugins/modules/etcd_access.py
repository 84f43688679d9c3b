#!/usr/bin/python
"""Ansible module: a component of Moorage may do in etcd what it has to, and no more."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_access
short_description: A component may do in etcd what it has to, and no more
version_added: 0.1.0
description:
  - Makes a user and a role of etcd. Users prove who they are by the common name of their certificate, and have no
    password that anybody knows.
  - C(store) makes the users C(root) and C(etcd), of people with the site's authority and of the members themselves, and
    switches on that etcd asks everybody who they are. It comes first.
  - C(serve) is an app server's, which keeps the whole record.
  - C(agent) is of one node's agent, which reads what is wished of it and writes what its own node is and did.
  - C(proxy) is of the program that keeps the routes of one proxy, and reads what those are made of.
options:
  component:
    description: Whose rights.
    type: str
    choices: [store, serve, agent, proxy]
    required: true
  node:
    description: Name of the agent's node, or of the proxy.
    type: str
  cluster:
    description: Cluster that the node belongs to.
    type: str
    default: default
  lrn:
    description: Logical rack number of the boot server, under which its agent records what is installed.
    type: int
  address:
    description: IP address of the node, under which its agent tells that it runs.
    type: str
  state:
    description: Whether the agent, or the proxy, is known.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment: [moorage.boot.store]
attributes:
  check_mode: {support: full, description: Says what would change. A store that is not there yet is taken for empty.}
  diff_mode: {support: full, description: "Shows what changes, a line each."}
  idempotent: {support: full, description: Rights that are there stay; what is too much is taken away.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The agent may write what its own node is and did
  moorage.boot.etcd_access: {component: agent, node: boot-0, cluster: default, lrn: 0, address: 198.18.0.10}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
changes:
  description: What changed, or would.
  type: list
  elements: str
  returned: success
  sample: [agent:boot-0 may readwrite nodes/boot-0]
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import store_access
except ImportError:
    store_access = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "component": {"type": "str", "choices": ["store", "serve", "agent", "proxy"], "required": True},
            "node": {"type": "str"},
            "cluster": {"type": "str", "default": "default"},
            "lrn": {"type": "int"},
            "address": {"type": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        required_if=[("component", "agent", ("node",)), ("component", "proxy", ("node",))],
        required_together=[("ca", "cert", "key")],
        supports_check_mode=True,
    )
    if store_access is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    try:
        changes = store_access.apply(module.params, module.check_mode)
    except store_access.AppServerError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(changes), changes=changes, diff={"before": "", "after": "".join(f"{line}\n" for line in changes)}
    )


if __name__ == "__main__":
    main()
