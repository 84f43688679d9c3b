#!/usr/bin/python
"""Ansible module: a node of the Swarm that this host manages has its role and labels, and no step costs the quorum."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_node
short_description: A node of the Swarm that this host manages has its role and labels
version_added: 0.1.0
description:
  - Promotes, demotes, labels, readies to leave, or strikes off a node. Runs on a host that is a manager.
  - Refuses every step after which fewer than a majority of the managers would be reachable.
  - What the node was before it came back as a new machine, under the same name and address, is struck off the list.
  - Labels that people set are left as they are. Ours are told from them by the label C(moorage.labels).
  - The label C(moorage.role) says what the node is to be; by it agents find who may stand in for a manager that is
    away. One that stands in stays a manager until they make it a worker again.
  - To be run for one node at a time, with C(throttle=1).
options:
  node:
    description: Id of the node; empty where a check did not let it join.
    type: str
    required: true
  name:
    description: Its hostname, as the engine has it.
    type: str
    default: ""
  address:
    description: Where other nodes reach it.
    type: str
    default: ""
  state:
    description:
      - C(present) is a node with this role and these labels.
      - C(leaving) has its tasks elsewhere and is no manager, but for the last one, which M(moorage.boot.swarm_member)
        takes out.
      - C(absent) has left and is not listed any more.
    type: str
    choices: [present, leaving, absent]
    default: present
  role:
    description: Whether it is a manager.
    type: str
    choices: [manager, worker]
    default: worker
  labels:
    description: Its labels.
    type: dict
    default: {}
  going:
    description: Ids of all nodes that leave now, for O(state=leaving).
    type: list
    elements: str
    default: []
  socket:
    description: Socket of the engine.
    type: path
    default: /var/run/docker.sock
  timeout:
    description: Seconds for the node to come to what it is to be.
    type: int
    default: 120
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: "Shows the nodes before, and the steps."}
  idempotent: {support: full, description: A node with this role and these labels is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The node is a manager
  moorage.boot.swarm_node:
    node: "{{ member.swarm.node }}"
    name: "{{ member.swarm.hostname }}"
    address: 198.18.0.11
    role: manager
    labels: {rack: "1"}
  delegate_to: boot-0
  throttle: 1
"""

RETURN = r"""
steps:
  description: What was done, or would be, each with its cause.
  type: list
  elements: str
  returned: always
"""

from collections.abc import Mapping, Sequence  # noqa: E402
from typing import Any  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import engine_api, swarm_engine, swarm_members  # noqa: E402


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "node": {"type": "str", "required": True},
            "name": {"type": "str", "default": ""},
            "address": {"type": "str", "default": ""},
            "state": {"type": "str", "choices": ["present", "leaving", "absent"], "default": "present"},
            "role": {"type": "str", "choices": ["manager", "worker"], "default": "worker"},
            "labels": {"type": "dict", "default": {}},
            "going": {"type": "list", "elements": "str", "default": []},
            "socket": {"type": "path", "default": "/var/run/docker.sock"},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    asked = module.params
    labels = {name: str(value) for name, value in asked["labels"].items()}
    asked["labels"] = {**labels, swarm_members.ROLE: asked["role"]}
    host = swarm_engine.Host(asked)
    try:
        nodes = host.nodes()
        steps = _decide(asked, host, nodes)
        for step in () if module.check_mode else steps:
            host.take(step)
    except (swarm_members.Refused, engine_api.Failed) as error:
        module.fail_json(msg=str(error))
    before = "".join(f"{one}\n" for one in nodes)
    diff = {"before": before, "after": before + "".join(f"{step}\n" for step in steps)}
    module.exit_json(changed=bool(steps), steps=[str(step) for step in steps], diff=diff)


def _decide(
    asked: Mapping[str, Any], host: swarm_engine.Host, nodes: Sequence[swarm_members.Node]
) -> tuple[swarm_members.Step, ...]:
    if asked["state"] == "present":
        manager = asked["role"] == "manager"
        return swarm_members.settled(nodes, asked["node"], asked["name"], asked["address"], manager, asked["labels"])
    if asked["state"] == "leaving":
        return swarm_members.leaving(nodes, asked["node"], asked["going"], host.holds())
    return swarm_members.removed(nodes, asked["node"])


if __name__ == "__main__":
    main()
