#!/usr/bin/python
"""Ansible module: the record of a boot server is what its host has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_record
short_description: The record of a boot server is what its host has
version_added: 0.1.0
description:
  - Writes under C(install/<lrn>/) what differs from what M(moorage.boot.installed_facts) told, also that something is
    not there any more, and makes C(info/bootservers/<lrn>) known, in few transactions.
  - To be called twice. First without C(host), before the host is looked at, which only tells C(revision). Then with
    it. Where an agent has written the record in between, it has seen the host later, and its word is left.
options:
  lrn:
    description: Logical rack number of the boot server.
    type: int
    required: true
  host:
    description: What M(moorage.boot.installed_facts) told of the host.
    type: dict
  seen_at:
    description: C(revision), as the first call told it.
    type: int
  release:
    description: Release that is installed, for C(info/release). A later one on record stays.
    type: str
    default: ""
  ssh_public_key:
    description:
      - Public keys that may log in to the nodes, one in a line, for C(info/ssh-pubkey). Empty leaves what is on record.
    type: str
    default: ""
extends_documentation_fragment: [moorage.boot.store]
attributes:
  check_mode: {support: full, description: Says what it would write. A store that is not there yet counts as empty.}
  diff_mode: {support: full, description: Shows the keys that differ.}
  idempotent: {support: full, description: A record that is what the host has is not written.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: What is on record is known
  moorage.boot.host_record: {lrn: "{{ lrn }}"}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  register: __record_seen

- name: What the host has is known
  moorage.boot.installed_facts:
  register: __record_host

- name: The record is what the host has
  moorage.boot.host_record: {lrn: "{{ lrn }}", host: "{{ __record_host }}", seen_at: "{{ __record_seen.revision }}"}
  delegate_to: localhost
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""

RETURN = r"""
revision:
  description: Of the store, when the record was read.
  type: int
  returned: success
written:
  description: How many keys were written or taken away.
  type: int
  returned: success
left:
  description: Whether what is installed was left to an agent, which has seen the host later.
  type: bool
  returned: success
"""

import traceback  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import host_record, services
except ImportError:
    services = host_record = None
    MISSING = traceback.format_exc()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "lrn": {"type": "int", "required": True},
            "host": {"type": "dict"},
            "seen_at": {"type": "int"},
            "release": {"type": "str", "default": ""},
            "ssh_public_key": {"type": "str", "default": "", "no_log": False},
            "endpoints": {"type": "list", "elements": "str", "default": ["127.0.0.1:2379"]},
            "ca": {"type": "path"},
            "cert": {"type": "path"},
            "key": {"type": "path", "no_log": False},
            "prefix": {"type": "str", "default": "/moorage/"},
        },
        required_together=[("host", "seen_at")],
        supports_check_mode=True,
    )
    if host_record is None:
        module.fail_json(msg=missing_required_lib("moorage"), exception=MISSING)
    asked = module.params
    if asked["lrn"] < 0:
        module.fail_json(msg="lrn: a boot server has a number of 0 or more")
    words = (asked["lrn"], asked["host"], asked["release"], asked["ssh_public_key"])
    try:
        kv = services.store(asked)
        if asked["host"] is None:
            seen = host_record.observe(kv, asked["lrn"], module.check_mode)
            module.exit_json(changed=False, revision=seen.revision, written=0, left=False)
        revision, told = host_record.record(kv, asked["seen_at"], *words, check_mode=module.check_mode)
    except host_record.AppServerError as error:
        module.fail_json(msg=str(error))
    diff = {"before": _lines(told.before), "after": _lines(told.after)}
    module.exit_json(changed=bool(told.after), revision=revision, written=len(told.after), left=told.left, diff=diff)


def _lines(records: dict[str, str | None]) -> str:
    return "".join(f"{key}: {text}\n" for key, text in sorted(records.items()) if text is not None)


if __name__ == "__main__":
    main()
