#!/usr/bin/python
"""Ansible module: a certificate of the installation's own authority, with its key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: A certificate and its private key are there and valid
version_added: 0.1.0
description:
  - Makes a P-256 key and a certificate, signed by an authority whose files are on the same host, or a new authority
    where none is named.
  - A pair that says what is wanted, was signed by this authority and does not end soon is left alone.
  - Key and certificate are renewed together. Each file is put in place whole.
options:
  path:
    description: File of the certificate, PEM. Anyone may read it.
    type: path
    required: true
  key:
    description: File of the private key, PEM, PKCS8.
    type: path
    required: true
  subject:
    description: Common name.
    type: str
    required: true
  names:
    description: DNS names and addresses, beside the common name.
    type: list
    elements: str
    default: []
  ca:
    description: File of the authority's certificate. Without it, the new certificate is an authority itself.
    type: path
  ca_key:
    description: File of the authority's private key.
    type: path
  days:
    description: A new certificate is valid for that many days.
    type: int
    default: 397
  renew_days:
    description: A certificate that ends within that many days is made anew.
    type: int
    default: 60
  owner:
    description: User that owns the private key.
    type: str
    default: root
  group:
    description: Group of the private key.
    type: str
    default: root
  key_mode:
    description: Mode of the private key.
    type: str
    default: "0600"
requirements: [cryptography >= 38]
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: Shows subject, names and end. Never the key.}
  idempotent: {support: full, description: A valid pair is left alone.}
author: Moorage contributors
"""

EXAMPLES = r"""
- name: Member and clients of etcd can prove who they are
  moorage.boot.certificate:
    path: /etc/moorage/pki/etcd.crt
    key: /etc/moorage/pki/etcd.key
    subject: etcd
    names: [boot-0, 198.18.0.10, 127.0.0.1]
    ca: /etc/moorage/pki/ca.crt
    ca_key: /etc/moorage/pki/ca.key
    owner: etcd
"""

RETURN = r"""
why:
  description: Why the pair was made anew; empty when it stayed.
  type: str
  returned: always
  sample: 12 days are left
"""

import datetime  # noqa: E402
import os  # noqa: E402
import tempfile  # noqa: E402

from ansible.module_utils.basic import AnsibleModule, missing_required_lib  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import pki
except ImportError:
    pki = None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},
            "subject": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "ca": {"type": "path"},
            "ca_key": {"type": "path", "no_log": False},
            "days": {"type": "int", "default": 397},
            "renew_days": {"type": "int", "default": 60},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "root"},
            "key_mode": {"type": "str", "default": "0600", "no_log": False},
        },
        required_together=[("ca", "ca_key")],
        supports_check_mode=True,
    )
    asked = module.params
    if pki is None and module.check_mode and not os.path.exists(asked["path"]):
        module.exit_json(changed=True, why="there is none")  # what a check does not install is needed to say more
    if pki is None:
        module.fail_json(msg=missing_required_lib("cryptography"))
    wanted = pki.Wanted(asked["subject"], tuple(dict.fromkeys(asked["names"])), asked["days"], asked["renew_days"])
    authority = pki.Pair(_read(asked["ca"]), _read(asked["ca_key"])) if asked["ca"] else None
    if authority and not (authority.certificate and authority.key) and not module.check_mode:
        module.fail_json(msg=f"the authority's files {asked['ca']} and {asked['ca_key']} are not there")
    now = datetime.datetime.now(datetime.timezone.utc)
    have = pki.Pair(_read(asked["path"]), _read(asked["key"]))
    why = pki.why_not(have, wanted, authority.certificate if authority else b"", now)
    after = have
    if why and not (module.check_mode and authority and not authority.key):
        after = pki.issue(wanted, authority, now)
    if why and not module.check_mode:
        _write(asked["key"], after.key, 0o600)
        _write(asked["path"], after.certificate, 0o644)
    changed = bool(why)
    if os.path.exists(asked["key"]):
        changed = module.set_owner_if_different(asked["key"], asked["owner"], changed)
        changed = module.set_group_if_different(asked["key"], asked["group"], changed)
        changed = module.set_mode_if_different(asked["key"], asked["key_mode"], changed)
    diff = {
        "before": pki.describe(have.certificate), "after": pki.describe(after.certificate),
        "before_header": asked["path"], "after_header": f"{asked['path']} ({why})",
    }  # fmt: skip
    module.exit_json(changed=changed, why=why, diff=diff if why else {})


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _write(path: str, content: bytes, mode: int) -> None:
    """Put the file in place whole: a reader sees the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(content)
    os.replace(name, path)


if __name__ == "__main__":
    main()
