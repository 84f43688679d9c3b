#!/usr/bin/python
"""Ansible module: something is mounted, now and at every start."""

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_mount
short_description: A file system is mounted, now and at every start
version_added: 0.1.0
description:
  - Keeps a line of C(/etc/fstab), with the option C(x-moorage) as its mark, and mounts by it.
  - Lines and mounts that are not its own it refuses to change, and it hides no files under a mount.
options:
  path:
    description: Where it is mounted.
    type: path
    required: true
  source:
    description: What is mounted, as in fstab. For a bind mount, a directory.
    type: str
  fstype:
    description: Kind of file system, as in fstab; C(none) for a bind mount.
    type: str
  options:
    description: Options, as in fstab.
    type: list
    elements: str
    default: []
  state:
    description: C(absent) unmounts what this module mounted and removes its line.
    type: str
    choices: [mounted, absent]
    default: mounted
  timeout:
    description: Seconds that a mount may take.
    type: int
    default: 60
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: Shows each step and its cause.}
  idempotent: {support: full, description: What is mounted is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The shared tree is mounted
  moorage.boot.storage_mount:
    path: /opt/moorage-data/global
    source: nfs.example.org:/export/moorage
    fstype: nfs4
    options: [_netdev, nofail]
"""

RETURN = r"""
steps:
  description: What was or would be done, each with its cause.
  type: list
  elements: str
  returned: always
"""

import os  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import fstab, pool_host  # noqa: E402


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "source": {"type": "str"},
            "fstype": {"type": "str"},
            "options": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["mounted", "absent"], "default": "mounted"},
            "timeout": {"type": "int", "default": 60},
        },
        required_if=[("state", "mounted", ["source", "fstype"])],
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    asked = module.params
    path = asked["path"].rstrip("/")
    options = ",".join((*asked["options"], fstab.MARK))
    mounted = asked["state"] == "mounted"
    wanted = fstab.Entry(asked["source"], path, asked["fstype"], options) if mounted else None
    plan = fstab.decide(_look(path, wanted), wanted)
    if plan.refusal:
        module.fail_json(msg=f"{path} stays as it is: {plan.refusal}")
    for action, _cause in () if module.check_mode else plan.steps:
        _act(module, action, path, wanted)
    steps = [f"{action} {path}: {cause}" for action, cause in plan.steps]
    diff = {"before": "", "after": "".join(f"{step}\n" for step in steps), "after_header": f"steps for {path}"}
    module.exit_json(changed=bool(steps), steps=steps, diff=diff)


def _look(path: str, wanted: fstab.Entry | None) -> fstab.Place:
    """Without touching what is mounted: a server that is away would hold the module up for ever."""
    mount = fstab.mount_at(_read("/proc/self/mountinfo"), path)
    hidden = ""
    if mount is None and os.path.isdir(path):
        found = sorted(os.listdir(path))
        hidden = ", ".join(found[:3]) + (" …" if len(found) > 3 else "")
    return fstab.Place(fstab.entry_at(_read(pool_host.FSTAB), path), mount, _same(mount, wanted), hidden)


def _same(mount: fstab.Mount | None, wanted: fstab.Entry | None) -> bool:
    if mount is None or wanted is None:
        return False
    if "bind" not in wanted.options.split(","):
        return mount.source == wanted.source
    return os.path.isdir(wanted.source) and os.path.samefile(mount.path, wanted.source)


def _act(module: AnsibleModule, action: str, path: str, wanted: fstab.Entry | None) -> None:
    table = _read(pool_host.FSTAB)
    if action in ("fstab", "forget"):
        text = fstab.without_entry(table, path) if wanted is None else fstab.with_entry(table, wanted)
        pool_host.write_fstab(text)
        pool_host.reload_units(module.run_command)
        return
    if action == "mount":
        os.makedirs(path, mode=0o755, exist_ok=True)
    argv = ["timeout", str(module.params["timeout"]), "mount" if action == "mount" else "umount", path]
    code, out, error = module.run_command(argv)
    if code:
        told = (error or out).strip() or f"no answer in {module.params['timeout']} s"
        module.fail_json(msg=f"{path} cannot be {action}ed: {told}")
    # With nofail, mount is content with a source that is not there.
    if action == "mount" and not _look(path, wanted).same:
        module.fail_json(msg=f"{path} is not mounted: is {wanted.source} there?")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    main()
