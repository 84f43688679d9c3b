#!/usr/bin/python
"""Ansible module: a certificate of the installation's own authority, with its key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: A certificate and its private key are there and valid
version_added: 0.1.0
description:
  - Makes a P-256 key on the host and a certificate for it, signed by an authority whose files are on the controller.
    The private key never leaves the host, and the authority's never leaves the controller.
  - Without an authority, the certificate is a new authority itself.
  - A pair that says what is wanted, was signed by this authority and does not end soon is left alone.
  - Key and certificate are renewed together. Each file is put in place whole, with its owner, and a run that was
    interrupted between the two is finished by the next.
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
  authority:
    description: Directory on the controller with C(ca.crt) and C(ca.key), which sign. Either may be of RSA or of EC.
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
    description: User that owns the private key. Left as it is where none is named.
    type: str
  group:
    description: Group of the private key. Left as it is where none is named.
    type: str
  key_mode:
    description: Mode of the private key.
    type: str
    default: "0600"
  signed_by:
    description: Of the action plugin's own, the authority's certificate, PEM.
    type: str
  signed:
    description: Of the action plugin's own, the certificate, PEM, of the key that was made before.
    type: str
requirements: [cryptography >= 38]
attributes:
  action: {support: full, description: The authority signs on the controller.}
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: "Shows subject, names and end. Never the key."}
  idempotent: {support: full, description: A valid pair is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Member and clients of etcd can prove who they are
  moorage.boot.certificate:
    path: /etc/moorage/pki/etcd.crt
    key: /etc/moorage/pki/etcd.key
    subject: etcd
    names: [boot-0, 198.18.0.10, 127.0.0.1]
    authority: ~/.config/moorage/authority
    owner: etcd
"""

RETURN = r"""
why:
  description: Why the pair was made anew; empty when it stayed.
  type: str
  returned: always
  sample: 12 days are left
request:
  description: A request for the certificate, PEM, of which the action plugin takes care.
  type: str
  returned: when an authority is to sign
"""

import contextlib  # noqa: E402
import datetime  # noqa: E402
import os  # noqa: E402

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
            "authority": {"type": "path"},
            "days": {"type": "int", "default": 397},
            "renew_days": {"type": "int", "default": 60},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "key_mode": {"type": "str", "default": "0600", "no_log": False},
            "signed_by": {"type": "str"},
            "signed": {"type": "str"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    if pki is None and module.check_mode and not os.path.exists(asked["path"]):
        module.exit_json(changed=True, why="there is none")  # what a check does not install is needed to say more
    if pki is None:
        module.fail_json(msg=missing_required_lib("cryptography"))
    wanted = pki.Wanted(asked["subject"], tuple(dict.fromkeys(asked["names"])), asked["days"], asked["renew_days"])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed_by = (asked["signed_by"] or "").encode()
    have = pki.Pair(_read(asked["path"]), _read(asked["key"]))
    why = pki.why_not(have, wanted, signed_by, now)
    pending = f"{asked['key']}.new"
    # Of a run that was killed between the two files, the key is still to come.
    after = pki.Pair(have.certificate, _read(pending)) if why else have
    if pki.why_not(after, wanted, signed_by, now):
        if asked["authority"] and not asked["signed"]:
            key = after.key or pki.new_key()
            if not module.check_mode:
                os.replace(_written(f"{pending}.part", key, 0o600), pending)
            module.exit_json(changed=True, why=why, request=pki.request(key, wanted.subject).decode())
        signed = pki.Pair((asked["signed"] or "").encode(), after.key)
        after = signed if asked["authority"] else pki.authority(wanted, now)
        if problem := pki.why_not(after, wanted, signed_by, now):
            module.fail_json(msg=f"what was signed is not what was asked for: {problem}")
    if why and not module.check_mode:
        _put(module, after, pending)
    changed = _owned(module, asked["key"], bool(why)) if os.path.exists(asked["key"]) else bool(why)
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


def _put(module: AnsibleModule, pair: pki.Pair, pending: str) -> None:
    """Certificate first: a run that is killed has not lost its key, which the next one finds beside it."""
    os.replace(_written(f"{pending}.part", pair.key, 0o600), pending)
    _owned(module, pending, False)
    certificate = _written(f"{module.params['path']}.new", pair.certificate, 0o644)
    os.replace(certificate, module.params["path"])
    os.replace(pending, module.params["key"])


def _owned(module: AnsibleModule, key: str, changed: bool) -> bool:
    changed = module.set_owner_if_different(key, module.params["owner"], changed)
    changed = module.set_group_if_different(key, module.params["group"], changed)
    return module.set_mode_if_different(key, module.params["key_mode"], changed)


def _written(path: str, content: bytes, mode: int) -> str:
    """The path of a new file, on disk and whole. What a run that was killed left there goes."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path


if __name__ == "__main__":
    main()
