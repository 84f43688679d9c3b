#!/usr/bin/python
"""Ansible module: a directory is there and holds no more than it may."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_quota
short_description: A directory is there, and holds no more than its limit
version_added: 0.1.0
description:
  - On btrfs the directory is a subvolume with a quota group, on xfs a project, in a pool of LVM a logical volume, on
    GlusterFS a directory with a limit of the volume.
  - Where there are no quotas a limit is refused, rather than written down and not kept.
options:
  path:
    description: The directory. It is made if there is none.
    type: path
    required: true
  limit:
    description: What may be in it, as C(2G); C(none) for no limit.
    type: str
    required: true
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: Shows each step and its cause.}
  idempotent: {support: full, description: A limit that holds is left alone.}
notes:
  - A lower limit removes nothing; what is in the directory stays, and nothing more can be written.
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Bob has 100 GB
  moorage.boot.storage_quota:
    path: /opt/moorage-data/global/users/bob/data
    limit: 100G
"""

RETURN = r"""
used:
  description: Bytes in the directory, as far as its file system counts them.
  type: int
  returned: always
steps:
  description: What was or would be done, each with its cause.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule, human_to_bytes  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import devices, quota, quota_host  # noqa: E402

LEAST = 1 << 20
"""Bytes under which not even what the file system keeps of itself has room."""


def main() -> None:
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}, "limit": {"type": "str", "required": True}},
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    path = module.params["path"].rstrip("/")
    try:
        directory = quota_host.directory(module.run_command, path)
        wanted = quota.Wanted(path, _bytes(module, module.params["limit"], directory.grain))
        seen = directory.look()
        plan = quota.decide(seen, wanted)
        if plan.refusal:
            module.fail_json(msg=plan.refusal)
        for action, _cause in () if module.check_mode else plan.steps:
            getattr(directory, action)(wanted.limit)
    except (devices.Failed, OSError) as error:
        module.fail_json(msg=str(error))
    if plan.warning:
        module.warn(plan.warning)
    steps = [f"{action} {wanted.path}: {cause}" for action, cause in plan.steps]
    diff = {"before": "", "after": "".join(f"{step}\n" for step in steps), "after_header": f"steps for {wanted.path}"}
    module.exit_json(changed=bool(steps), steps=steps, used=seen.used, diff=diff)


def _bytes(module: AnsibleModule, text: str, grain: int) -> int | None:
    """Rounded up to what the directory's kind counts in."""
    if text == "none":
        return None
    try:
        size = human_to_bytes(text)
    except ValueError as error:
        module.fail_json(msg=f"limit: {error}")
    if size < LEAST:
        module.fail_json(msg=f"limit: the least is {LEAST >> 20}M; `none` is no limit")
    return -(-size // grain) * grain


if __name__ == "__main__":
    main()
