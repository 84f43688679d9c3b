#!/usr/bin/python
"""Ansible module: versions of the base file system are on record, and which boot server has which."""

from __future__ import annotations

DOCUMENTATION = r"""
module: basefs_record
short_description: Versions of the base file system are on record in etcd
version_added: 0.1.0
description:
  - A version is C(basefs/<version>) and never changes; who has it is C(basefs/<version>/on/<LRN>); the one in use is
    C(info/basefs).
options:
  state:
    description:
      - C(known) looks, and refuses a version that was built from other inputs.
      - C(recorded) puts a version on record and makes it the one in use.
      - C(held) says which versions the engine of a boot server has.
      - C(tidied) forgets versions that nobody has and that are not in use.
    type: str
    choices: [known, recorded, held, tidied]
    required: true
  version:
    description: The version that is looked for.
    type: str
  inputs:
    description: What it is to be built from, with C(suite), C(packages), C(sources), C(epoch).
    type: dict
  record:
    description: A version as it was built, with C(version), C(image), C(digest), C(inputs), C(suite), C(packages).
    type: dict
  lrn:
    description: Logical rack number of the boot server.
    type: int
  held:
    description: Version to the id that its engine calls the image.
    type: dict
extends_documentation_fragment: [moorage.boot.store]
attributes:
  check_mode: {support: full, description: Says what it would write. A store that is not there yet counts as empty.}
  diff_mode: {support: full, description: Shows keys and values.}
  idempotent: {support: full, description: What is on record is not written again.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Boot server 3 has this version
  moorage.boot.basefs_record:
    state: held
    lrn: 3
    held: {"2026.11": "{{ __basefs_here.id }}"}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
record:
  description: What is on record of the version; empty if nothing is.
  type: dict
  returned: with state=known
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import basefs_record
except ImportError:
    basefs_record = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["known", "recorded", "held", "tidied"], "required": True},
            "version": {"type": "str"},
            "inputs": {"type": "dict"},
            "record": {"type": "dict"},
            "lrn": {"type": "int"},
            "held": {"type": "dict"},
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        required_if=[
            ("state", "known", ["version", "inputs"]),
            ("state", "recorded", ["record"]),
            ("state", "held", ["lrn", "held"]),
        ],
        supports_check_mode=True,
    )
    if basefs_record is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    asked = module.params
    try:
        kv = basefs_record.services.store(asked)
        if asked["state"] == "known":
            found = basefs_record.known(kv, asked["version"], asked["inputs"], module.check_mode)
            module.exit_json(changed=False, record=basefs_record.told(found))
        if asked["state"] == "recorded":
            change = basefs_record.recorded(kv, basefs_record.basefs(asked["record"]), module.check_mode)
        elif asked["state"] == "held":
            change = basefs_record.held(kv, asked["lrn"], asked["held"], module.check_mode)
        else:
            change = basefs_record.tidied(kv, module.check_mode)
    except basefs_record.AppServerError as error:
        module.fail_json(msg=str(error))
    before, after = change
    diff = {"before": _lines(before), "after": _lines(after)}
    module.exit_json(changed=before != after, diff=diff)


def _lines(records: dict[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in sorted(records.items()))


if __name__ == "__main__":
    main()
