#!/usr/bin/python
"""Ansible module: a file of random bytes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: random_key
short_description: A file of random bytes in base64 is there
version_added: 0.1.0
description: Makes the file once, from the kernel's random source. A file that is there is never read or replaced.
options:
  path:
    description: The file.
    type: path
    required: true
  size:
    description: Number of random bytes.
    type: int
    default: 32
extends_documentation_fragment: [ansible.builtin.files]
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: none, description: A secret has no difference to show.}
  idempotent: {support: full, description: A file that is there is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Secrets at rest have a key
  moorage.boot.random_key:
    path: /etc/moorage/seal.key
    owner: root
    group: moorage
    mode: "0640"
"""

RETURN = r""" # """

import base64  # noqa: E402
import os  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402


def main() -> None:
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}, "size": {"type": "int", "default": 32}},
        add_file_common_args=True,
        supports_check_mode=True,
    )
    path = module.params["path"]
    changed = not os.path.exists(path)
    if changed and not module.check_mode:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(os.urandom(module.params["size"])) + b"\n")
    if os.path.exists(path):
        changed = module.set_fs_attributes_if_different(module.load_file_common_arguments(module.params), changed)
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
