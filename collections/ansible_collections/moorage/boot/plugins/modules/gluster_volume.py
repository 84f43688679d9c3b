#!/usr/bin/python
"""Ansible module: a replicated volume of GlusterFS is there, with a brick on each of the hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gluster_volume
short_description: A replicated volume of GlusterFS is there, over these hosts
version_added: 0.1.0
description:
  - Joins hosts as peers, makes and starts the volume, gives a new host a brick, takes the brick of a host that was
    replaced by a new machine or has left the inventory, and sets the volume's options and quotas.
  - Runs on one host that knows the volume, or on any where there is none yet.
  - Refuses what would leave no brick, or only bricks that may lack data.
options:
  name:
    description: Name of the volume.
    type: str
    required: true
  hosts:
    description: Addresses of all hosts, in the order in which they get bricks.
    type: list
    elements: str
    required: true
  here:
    description: Address of the host that the module runs on.
    type: str
    required: true
  members:
    description: Address to the id of the GlusterFS server there, of the hosts that could be asked. The ids tell a new
      machine from the one that had its address before.
    type: dict
    required: true
  unasked:
    description: Hosts that may know a volume of this name and could not be asked. While there are any, none is made.
    type: list
    elements: str
    default: []
  brick:
    description: Path of the brick, the same on each host. Its parent is to be there, on the file system for the data.
    type: path
    required: true
  copies:
    description: Hosts that have a brick, at most.
    type: int
    default: 3
  options:
    description: Options of the volume, as C(gluster volume set) names them.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: Shows each step and its cause.}
  idempotent: {support: full, description: A volume that is as it is to be is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The shared volume is there
  moorage.boot.gluster_volume:
    name: moorage
    hosts: [198.18.0.10, 198.18.0.11, 198.18.0.12]
    here: 198.18.0.10
    members: "{{ __storage_gluster_ids }}"
    brick: /opt/moorage-data/local/gluster/brick
"""

RETURN = r"""
steps:
  description: What was or would be done, each with its cause.
  type: list
  elements: str
  returned: always
"""

import time  # noqa: E402
from xml.etree import ElementTree  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import gluster  # noqa: E402

SETTLE_S = 60
"""How long servers that have just met may refuse what needs them all."""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "hosts": {"type": "list", "elements": "str", "required": True},
            "here": {"type": "str", "required": True},
            "members": {"type": "dict", "required": True},
            "unasked": {"type": "list", "elements": "str", "default": []},
            "brick": {"type": "path", "required": True},
            "copies": {"type": "int", "default": 3},
            "options": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    asked = module.params
    options = {name: str(value) for name, value in asked["options"].items()}
    wanted = gluster.Wanted(asked["name"], tuple(asked["hosts"]), asked["brick"], asked["copies"], options)
    plan = gluster.decide(_look(module, wanted), wanted)
    if plan.refusal:
        module.fail_json(msg=plan.refusal)
    for step in () if module.check_mode else plan.steps:
        _act(module, step)
    for warning in plan.warnings:
        module.warn(warning)
    steps = [str(step).rstrip() for step in plan.steps]
    diff = {"before": "", "after": "".join(f"{step}\n" for step in steps), "after_header": f"steps for {wanted.volume}"}
    module.exit_json(changed=bool(steps), steps=steps, diff=diff)


def _look(module: AnsibleModule, wanted: gluster.Wanted) -> gluster.Seen:
    here, members, unasked = (module.params[name] for name in ("here", "members", "unasked"))
    if not module.get_bin_path("gluster"):  # a check installs nothing
        if not module.check_mode:
            module.fail_json(msg="GlusterFS is not installed here")
        return gluster.Seen(here, {address: address for address in wanted.hosts})
    pool = _ask(module, "pool", "list")
    peers = {p.findtext("uuid") or "": p for p in pool.iter("peer") if p.findtext("hostname") != "localhost"}
    volume = next(
        (v for v in _ask(module, "volume", "info").iter("volume") if v.findtext("name") == wanted.volume), None
    )
    if volume is None:
        return gluster.Seen(here, members, unasked, _names(peers))
    bricks = {(b.findtext("name") or "").partition(":")[0]: b.findtext("hostUuid") or "" for b in volume.iter("brick")}
    started = volume.findtext("statusStr") == "Started"
    status = _ask(module, "volume", "status", wanted.volume) if started else None
    nodes = status.iter("node") if status is not None else ()
    return gluster.Seen(
        here,
        members,
        unasked,
        _names(peers),
        bricks,
        started,
        frozenset(n.findtext("hostname") or "" for n in nodes if n.findtext("status") == "1"),
        _pending(module, wanted) if started and len(bricks) > 1 else 0,
        {o.findtext("name") or "": o.findtext("value") or "" for o in volume.iter("option")},
    )


def _names(peers: dict[str, ElementTree.Element]) -> dict[str, str]:
    return {owner: peer.findtext("hostname") or "" for owner, peer in peers.items()}


def _pending(module: AnsibleModule, wanted: gluster.Wanted) -> int:
    found = _ask(module, "volume", "heal", wanted.volume, "info", "summary")
    told = [brick.findtext("totalNumberOfEntries") or "" for brick in found.iter("brick")]
    return sum(int(number) for number in told if number.isdecimal())


def _ask(module: AnsibleModule, *argv: str) -> ElementTree.Element:
    code, out, error = module.run_command(["gluster", "--mode=script", "--xml", *argv])
    if code or not out.startswith("<?xml"):
        module.fail_json(msg=f"gluster {' '.join(argv)}: {(error or out).strip()}")
    return ElementTree.fromstring(out)  # noqa: S314  # of a program of the host


def _act(module: AnsibleModule, step: gluster.Step) -> None:
    """Servers that have just met, or that have just lost one, refuse for a while."""
    until = time.monotonic() + SETTLE_S
    while True:
        code, out, error = module.run_command(["gluster", "--mode=script", *step.argv])
        if not code:
            return
        told = (error or out).strip()
        if time.monotonic() > until or not _passes(told):
            module.fail_json(msg=f"gluster {' '.join(step.argv)}: {told}")
        time.sleep(1)


def _passes(told: str) -> bool:
    """Whether a refusal is one that goes by."""
    signs = ("not in 'Peer in Cluster' state", "in progress", "Another transaction", "not connected", "Locking failed",
             "Please try again", "is not up", "has been unsuccessful")  # fmt: skip
    return any(sign in told for sign in signs)


if __name__ == "__main__":
    main()
