#!/usr/bin/python
"""Ansible module: the engine trusts registries of the site by the site's own authorities."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_authorities
short_description: The engine trusts registries of the site by the site's own authorities
version_added: 0.1.0
description:
  - Puts the certificate of an authority where the engine looks for that of a registry, as C(HOST:PORT/ca.crt).
  - Takes away those that it put there and that are not wanted any more. What people put there is left alone.
  - The engine reads them at each pull, and need not be told.
options:
  authorities:
    description: Registry, as C(HOST) or C(HOST:PORT), to the text of the certificate, in PEM.
    type: dict
    required: true
  directory:
    description: Where the engine looks.
    type: path
    default: /etc/docker/certs.d
  mark:
    description: File in which it is kept which of them are of this module's making.
    type: path
    default: /var/lib/moorage/made/registries
attributes:
  check_mode: {support: full, description: Says what it would do and changes nothing.}
  diff_mode: {support: full, description: Shows the certificates.}
  idempotent: {support: full, description: What is there already is left alone.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The site's registry is trusted
  moorage.boot.registry_authorities:
    authorities:
      registry.example.net:5000: "{{ lookup('ansible.builtin.file', 'files/registry-ca.pem', rstrip=false) }}"
"""

RETURN = r"""
registries:
  description: Registries whose certificates are of this module's making.
  type: list
  elements: str
  returned: always
"""

import json  # noqa: E402
import os  # noqa: E402
from collections.abc import Collection, Iterator  # noqa: E402
from contextlib import suppress  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import registry_authorities  # noqa: E402

NAME = "ca.crt"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "authorities": {"type": "dict", "required": True},
            "directory": {"type": "path", "default": "/etc/docker/certs.d"},
            "mark": {"type": "path", "default": "/var/lib/moorage/made/registries"},
        },
        supports_check_mode=True,
    )
    asked = module.params
    ours = json.loads(_read(asked["mark"]) or "[]")
    found = dict(_found(asked["directory"]))
    try:
        change = registry_authorities.change(found, ours, asked["authorities"])
    except registry_authorities.Refused as error:
        module.fail_json(msg=str(error))
    changed = bool(change.put or change.remove or change.ours != set(ours))
    if changed and not module.check_mode:
        _carry_out(asked["directory"], asked["mark"], change, ours)
    module.exit_json(
        changed=changed,
        registries=sorted(change.ours),
        diff=[
            {
                "before_header": os.path.join(asked["directory"], registry, NAME),
                "after_header": os.path.join(asked["directory"], registry, NAME),
                "before": found.get(registry, ""),
                "after": change.put.get(registry, ""),
            }
            for registry in sorted({*change.put, *change.remove})
        ],
    )


def _carry_out(directory: str, mark: str, change: registry_authorities.Change, ours: Collection[str]) -> None:
    """What is ours is known before it is there and until it is gone, wherever this is interrupted."""
    _write(mark, json.dumps(sorted({*change.ours, *ours})))
    for registry, text in change.put.items():
        os.makedirs(os.path.join(directory, registry), mode=0o755, exist_ok=True)
        _write(os.path.join(directory, registry, NAME), text)
    for registry in change.remove:
        os.unlink(os.path.join(directory, registry, NAME))
        with suppress(OSError):  # people keep something else there
            os.rmdir(os.path.join(directory, registry))
    if change.ours:
        _write(mark, json.dumps(sorted(change.ours)))
    else:
        os.unlink(mark)


def _found(directory: str) -> Iterator[tuple[str, str]]:
    for name in os.listdir(directory) if os.path.isdir(directory) else ():
        path = os.path.join(directory, name, NAME)
        if os.path.isfile(path):
            yield name, _read(path)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _write(path: str, text: str) -> None:
    """Whole, or not at all: the engine may read it at any moment."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    main()
