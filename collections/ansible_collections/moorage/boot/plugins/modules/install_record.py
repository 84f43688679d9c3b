#!/usr/bin/python
"""Ansible module: what is installed on a boot server is on record in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
module: install_record
short_description: What is installed on a boot server is on record
version_added: 0.1.0
description:
  - Writes C(install/<lrn>/containers/<name>) or C(install/<lrn>/debs/<package>), all in one transaction.
  - Writes C(info/bootservers/<lrn>) with it, empty, so that a boot server of which anything is on record is known.
  - To be called after the thing was seen running or installed, never before.
options:
  lrn:
    description: Logical rack number of the boot server.
    type: int
    required: true
  kind:
    description: What was installed.
    type: str
    choices: [containers, debs]
    required: true
  name:
    description: Name of the container or package.
    type: str
  version:
    description: Tag of the container's image, or version of the package.
    type: str
  versions:
    description: Name to version, to put several on record at once; none of them, to make the boot server known.
    type: dict
extends_documentation_fragment: [moorage.boot.store]
attributes:
  check_mode: {support: full, description: Says what it would write. A store that is not there yet counts as empty.}
  diff_mode: {support: full, description: Shows keys and versions.}
  idempotent: {support: full, description: A version that is on record is not written again.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The etcd version is on record
  moorage.boot.install_record: {lrn: "{{ lrn }}", kind: debs, name: etcd-server, version: "{{ __etcd_version }}"}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
keys:
  description: Keys to versions, as they are on record now.
  type: dict
  returned: success
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import services
except ImportError:
    services = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "lrn": {"type": "int", "required": True},
            "kind": {"type": "str", "choices": ["containers", "debs"], "required": True},
            "name": {"type": "str"},
            "version": {"type": "str"},
            "versions": {"type": "dict"},
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        mutually_exclusive=[("name", "versions")],
        required_one_of=[("name", "versions")],
        required_together=[("name", "version")],
        supports_check_mode=True,
    )
    if services is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    asked = module.params
    versions = {asked["name"]: asked["version"]} if asked["name"] else asked["versions"]
    try:
        before, after = services.record_installed(
            services.store(asked), asked["lrn"], asked["kind"], versions, module.check_mode
        )
    except services.AppServerError as error:
        module.fail_json(msg=str(error))
    diff = {"before": _lines(before), "after": _lines(after)}
    module.exit_json(changed=before != after, keys=after, diff=diff)


def _lines(records: dict[str, str]) -> str:
    return "".join(f"{key}: {version}\n" for key, version in sorted(records.items()))


if __name__ == "__main__":
    main()
