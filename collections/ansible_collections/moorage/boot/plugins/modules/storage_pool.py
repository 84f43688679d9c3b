#!/usr/bin/python
"""Ansible module: a host's storage pool is there, mounted, and as large as it is to be."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_pool
short_description: A storage pool on a file or a disk is there and mounted
version_added: 0.1.0
description:
  - Makes a file system on a file or a disk, mounts it by a line of C(/etc/fstab), and lets it grow.
  - Formats nothing that may hold data. A disk with a partition table, a signature, bytes other than zero in its first
    MiB, or a use of any kind is refused, and so is a file that has any data and is no pool.
  - A pool that is there, by its label C(moorage-pool), is taken over as it is.
options:
  driver:
    description:
      - What the pool is made with. C(auto) is what is there, else the first of the others that the kernel can do.
      - C(xfs) needs project quotas in the kernel, C(lvm) device-mapper. C(directory) has no quotas.
    type: str
    choices: [auto, btrfs, xfs, lvm, directory]
    default: auto
  path:
    description: Where the pool is mounted.
    type: path
    required: true
  disk:
    description: A whole disk or a partition that the pool gets. Without it, the pool lies on a file.
    type: path
  file:
    description: The file that the pool lies on.
    type: path
  size:
    description: Size of the file, as C(10G). A larger one lets the pool grow; a smaller one is refused.
    type: str
  tree_size:
    description: Of a pool of LVM, the size of the volume that is mounted at O(path).
    type: str
    default: 1G
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: Shows each step and its cause.}
  idempotent: {support: full, description: A pool that is there and mounted is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The pool is there
  moorage.boot.storage_pool:
    path: /opt/moorage-data/local
    file: /opt/moorage-data/local.pool
    size: 20G
"""

RETURN = r"""
driver:
  description: What the pool is made with.
  type: str
  returned: always
  sample: btrfs
steps:
  description: What was or would be done, each with its cause.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule, human_to_bytes  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import devices, pool, pool_host  # noqa: E402

ROUNDS = 3
"""What was mounted may turn out to have room to grow: looked at again until there is nothing to do."""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "driver": {"type": "str", "choices": ["auto", *pool.DRIVERS], "default": "auto"},
            "path": {"type": "path", "required": True},
            "disk": {"type": "path"},
            "file": {"type": "path"},
            "size": {"type": "str"},
            "tree_size": {"type": "str", "default": "1G"},
        },
        mutually_exclusive=[("disk", "file")],
        required_one_of=[("disk", "file")],
        required_by={"file": ("size",)},
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    asked = module.params
    wanted = pool.Wanted(
        asked["driver"],
        asked["path"].rstrip("/"),
        asked["disk"] or "",
        asked["file"] or "",
        _bytes(module, "size"),
        _bytes(module, "tree_size"),
    )
    host = pool_host.Host(module.run_command, wanted)
    done: list[str] = []
    for _ in range(ROUNDS):
        try:
            plan = pool.decide(host.look(), wanted)
            if plan.refusal:
                module.fail_json(msg=plan.refusal, driver=plan.driver, steps=done)
            done += [str(step).rstrip() for step in plan.steps]
            for step in () if module.check_mode else plan.steps:
                host.act(step, plan.driver)
        except (devices.Failed, OSError) as error:
            module.fail_json(msg=str(error), steps=done)
        if module.check_mode or not plan.steps:
            break
    if plan.warning:
        module.warn(plan.warning)
    diff = {"before": "", "after": "".join(f"{step}\n" for step in done), "after_header": f"steps for {wanted.path}"}
    module.exit_json(changed=bool(done), driver=plan.driver, steps=done, diff=diff)


def _bytes(module: AnsibleModule, name: str) -> int:
    """Rounded down to whole blocks of 4 KiB, which every driver can use."""
    try:
        return human_to_bytes(module.params[name] or "0") // 4096 * 4096
    except ValueError as error:
        module.fail_json(msg=f"{name}: {error}")


if __name__ == "__main__":
    main()
