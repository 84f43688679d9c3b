#!/usr/bin/python
"""Ansible module: the engine of this host is a node of the site's Swarm, and no step costs the quorum."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_member
short_description: The engine of a host is a node of the site's Swarm
version_added: 0.1.0
description:
  - Founds the swarm, joins it as a worker, comes back to it as a new machine, restarts, or leaves.
  - M(moorage.boot.swarm_node) makes it a manager and gives it labels, on a host that is one.
  - An engine that is in another swarm is never taken out of it.
  - Speaks with the engine at its socket, so that the token to join with is no argument of a program.
  - To be run on one host at a time, with C(throttle=1), but for C(state=seen).
options:
  name:
    description: What the inventory calls the host.
    type: str
    required: true
  state:
    description:
      - C(seen) only looks.
      - C(present) is a node; C(restarted) has restarted, as a manager only while the others can spare it.
      - C(absent) is none any more, if this module made it one.
    type: str
    choices: [seen, present, restarted, absent]
    default: present
  address:
    description: Where other nodes reach it.
    type: str
  address_pools:
    description: Ranges out of which overlay networks are cut, /24 each, if it founds the swarm. Docker's own if empty.
    type: list
    elements: str
    default: []
  may_found:
    description: Found a swarm if there is none.
    type: bool
    default: false
  cluster:
    description: Id of the site's swarm; empty where there is none.
    type: str
    default: ""
  nodes:
    description: Ids of its nodes.
    type: list
    elements: str
    default: []
  managers:
    description: Where its managers are to be joined, host:port.
    type: list
    elements: str
    default: []
  token:
    description: Token to join with as a worker.
    type: str
  away:
    description: Hosts that are to be in the swarm and could not be asked. While there are any, none is founded.
    type: list
    elements: str
    default: []
  lost:
    description: Hosts in a swarm of the site that no manager answers for. While there are any, none is founded.
    type: list
    elements: str
    default: []
  tell_token:
    description: With O(state=seen), a manager tells the token to join with. Use C(no_log).
    type: bool
    default: false
  going:
    description: Ids of all nodes that leave now, for O(state=absent).
    type: list
    elements: str
    default: []
  restart:
    description: Command that restarts the engine, for O(state=restarted).
    type: list
    elements: str
    default: []
  socket:
    description: Socket of the engine.
    type: path
    default: /var/run/docker.sock
  mark:
    description: File in which it is kept that the node is of this module's making.
    type: path
    default: /var/lib/moorage/made/swarm
  timeout:
    description: Seconds for a node to come up.
    type: int
    default: 120
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: "Shows what the engine is of a swarm, and the steps."}
  idempotent: {support: full, description: A node of the site's swarm is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The first manager has founded the swarm
  moorage.boot.swarm_member:
    name: boot-0
    address: 198.18.0.10
    may_found: true

- name: The host is a node
  moorage.boot.swarm_member:
    name: boot-1
    address: 198.18.0.11
    cluster: "{{ swarm.cluster }}"
    managers: "{{ swarm.managers }}"
    token: "{{ swarm_token }}"
  throttle: 1
"""

RETURN = r"""
steps:
  description: What was done, or would be, each with its cause.
  type: list
  elements: str
  returned: always
swarm:
  description:
    - What the engine is of a swarm now. C(host), C(hostname), C(state), C(node), C(cluster), C(manager), whether it is
      C(ours), and, of a manager that has a majority, C(nodes) and C(managers).
  type: dict
  returned: always
token:
  description: Token to join with.
  type: str
  returned: with O(tell_token=true), of a manager that has a majority
"""

from collections.abc import Mapping  # noqa: E402
from dataclasses import asdict  # noqa: E402
from typing import Any  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import engine_api, swarm_engine, swarm_members  # noqa: E402

LISTED = {"type": "list", "elements": "str", "default": []}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["seen", "present", "restarted", "absent"], "default": "present"},
            "address": {"type": "str"},
            "address_pools": LISTED,
            "may_found": {"type": "bool", "default": False},
            "cluster": {"type": "str", "default": ""},
            "nodes": LISTED,
            "managers": LISTED,
            "token": {"type": "str", "no_log": True},
            "away": LISTED,
            "lost": LISTED,
            "tell_token": {"type": "bool", "default": False, "no_log": False},
            "going": LISTED,
            "restart": LISTED,
            "socket": {"type": "path", "default": "/var/run/docker.sock"},
            "mark": {"type": "path", "default": "/var/lib/moorage/made/swarm"},
            "timeout": {"type": "int", "default": 120},
        },
        required_if=[("state", "present", ["address"]), ("state", "restarted", ["restart"])],
        supports_check_mode=True,
    )
    host = swarm_engine.Host(module.params)
    try:
        seen = host.look()
        steps = _decide(module.params, host, seen)
        for step in () if module.check_mode else steps:
            host.take(step)
        found = host.look() if steps and not module.check_mode else seen
        told = _told(module.params, host, found)
    except (swarm_members.Refused, engine_api.Failed) as error:
        module.fail_json(msg=str(error))
    before = f"{module.params['name']}: {seen.state or 'no engine answers'}{' manager' if seen.manager else ''}\n"
    diff = {"before": before, "after": before + "".join(f"{step}\n" for step in steps)}
    module.exit_json(changed=bool(steps), steps=[str(step) for step in steps], diff=diff, **told)


def _decide(
    asked: Mapping[str, Any], host: swarm_engine.Host, seen: swarm_members.Engine
) -> tuple[swarm_members.Step, ...]:
    if asked["state"] == "seen":
        return ()
    if asked["state"] == "present":
        site = swarm_members.Site(asked["cluster"], asked["nodes"], asked["away"], asked["lost"])
        return swarm_members.joined(asked["name"], seen, site, asked["may_found"])
    nodes = host.nodes() if seen.manager else ()
    if asked["state"] == "restarted":
        return swarm_members.restarted(asked["name"], seen, nodes)
    return swarm_members.left(asked["name"], seen, nodes, asked["going"])


def _told(asked: Mapping[str, Any], host: swarm_engine.Host, seen: swarm_members.Engine) -> dict[str, Any]:
    """A manager without a majority cannot speak for the swarm; that is for whoever asks to see, and no fault."""
    told = {"host": asked["name"], **asdict(seen), "ours": seen.ours, "nodes": [], "managers": []}
    try:
        if seen.manager:
            told |= {"nodes": [asdict(one) for one in host.nodes()], "managers": host.managers()}
        token = {"token": host.token()} if seen.manager and asked["tell_token"] else {}
    except engine_api.Away:
        raise
    except engine_api.Failed as error:
        return {"swarm": {**told, "managers": [], "error": str(error)}}
    return {"swarm": told, **token}


if __name__ == "__main__":
    main()
