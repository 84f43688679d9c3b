#!/usr/bin/python
"""Ansible module: this host is a member of the etcd cluster, and no step costs the quorum."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
short_description: A host is a healthy member of the etcd cluster
version_added: 0.1.0
description:
  - Founds the cluster, joins it, comes back to it, replaces a member that lost its data, restarts, or leaves.
  - A host joins as a learner and gets its vote once it has caught up.
  - Refuses every step after which fewer than a majority of the members would be healthy.
  - Data of a member that is no longer listed are moved aside, never deleted.
  - To be run on one host at a time, with C(throttle=1).
options:
  name:
    description: Name of this member.
    type: str
    required: true
  members:
    description: Every member's name to its address.
    type: dict
    required: true
  state:
    description:
      - Whether the host is a member, was just restarted if it is one, or is none.
      - C(struck) takes the member O(name), which is another host and gone for good, off the list.
    type: str
    choices: [present, restarted, absent, struck]
    default: present
  may_found:
    description: Make a new cluster if no member answers and this host holds no data.
    type: bool
    default: false
  client_port:
    description: Port for clients.
    type: int
    default: 2379
  peer_port:
    description: Port for the other members.
    type: int
    default: 2380
  data_dir:
    description: Directory of the member's data.
    type: path
    required: true
  initial:
    description: File of the settings that count at a member's first start alone, for its unit to read.
    type: path
    required: true
  cluster_token:
    description: Members with another token are not talked to.
    type: str
    default: moorage
  ca:
    description: Certificate of the authority.
    type: path
    required: true
  cert:
    description: Certificate of this member, which is a client too.
    type: path
    required: true
  key:
    description: Its private key.
    type: path
    required: true
  is_active:
    description: Command that ends well while etcd runs.
    type: list
    elements: str
    required: true
  start:
    description: Command that starts it.
    type: list
    elements: str
    required: true
  stop:
    description: Command that stops it.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds for a member to become healthy.
    type: int
    default: 180
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: "Shows the members before, and the steps."}
  idempotent: {support: full, description: A healthy member is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The host is a member
  moorage.boot.etcd_member:
    name: boot-0
    members: {boot-0: 198.18.0.10, boot-1: 198.18.0.11, boot-2: 198.18.0.12}
    may_found: true
    data_dir: /var/lib/etcd/moorage
    initial: /etc/moorage/etcd-initial.env
    ca: /etc/moorage/pki/ca.crt
    cert: /etc/moorage/pki/etcd.crt
    key: /etc/moorage/pki/etcd.key
    is_active: [systemctl, is-active, --quiet, etcd.service]
    start: [systemctl, start, etcd.service]
    stop: [systemctl, stop, etcd.service]
  throttle: 1
"""

RETURN = r"""
steps:
  description: What was done, or would be, each with its cause.
  type: list
  elements: str
  returned: always
members:
  description: Members before, as the cluster lists them. C(name), whether it is C(healthy), whether it is a C(learner).
  type: list
  elements: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import etcd_host, etcd_members  # noqa: E402

DECIDE = {
    "present": etcd_members.present,
    "restarted": etcd_members.restarted,
    "absent": etcd_members.absent,
    "struck": etcd_members.struck,
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "members": {"type": "dict", "required": True},
            "state": {"type": "str", "choices": ["present", "restarted", "absent", "struck"], "default": "present"},
            "may_found": {"type": "bool", "default": False},
            "client_port": {"type": "int", "default": 2379},
            "peer_port": {"type": "int", "default": 2380},
            "data_dir": {"type": "path", "required": True},
            "initial": {"type": "path", "required": True},
            "cluster_token": {"type": "str", "default": "moorage", "no_log": False},
            "ca": {"type": "path", "required": True},
            "cert": {"type": "path", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},
            "is_active": {"type": "list", "elements": "str", "required": True},
            "start": {"type": "list", "elements": "str", "required": True},
            "stop": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    host = etcd_host.Host(module.params, module.run_command)
    asked = module.params
    wanted = etcd_members.Wanted(asked["name"], host.peer_url, asked["may_found"])
    seen = host.look()
    try:
        steps = DECIDE[asked["state"]](seen, wanted)
        for step in () if module.check_mode else steps:
            host.take(step)
    except (etcd_members.Refused, etcd_host.Failed) as error:
        module.fail_json(msg=str(error))
    before = "".join(f"{m.name or m.peer_url} {'healthy' if m.healthy else 'not healthy'}\n" for m in seen.members)
    diff = {"before": before, "after": before + "".join(f"{step}\n" for step in steps)}
    listed = [{"name": m.name, "healthy": m.healthy, "learner": m.learner} for m in seen.members]
    module.exit_json(changed=bool(steps), steps=[str(step) for step in steps], members=listed, diff=diff)


if __name__ == "__main__":
    main()
