"""Ansible lookup: what stands under a key of the record in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
name: etcd
short_description: Values of the record in etcd
version_added: 0.1.0
description:
  - Gives the value of each key, or, for a key that ends in a slash, a dictionary of all below it.
  - Runs on the controller, as every lookup does, with files that are there. The fact C(etcd_store.controller) of the
    role C(etcd) names them; those of C(etcd_store) itself are a member's.
options:
  _terms:
    description: Keys below the prefix, as C(info/release), or C(install/0/debs/) for all below.
    required: true
  default:
    description: What to give for a key that is not there. Without it, that is an error.
    type: str
extends_documentation_fragment: [moorage.boot.store]
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The release that the site runs
  ansible.builtin.debug:
    msg: "{{ lookup('moorage.boot.etcd', 'info/release', default='none', **store) }}"
  vars: &store
    store: "{{ {'endpoints': etcd_store.endpoints} | combine(etcd_store.controller) }}"

- name: Packages of boot server 0
  ansible.builtin.debug:
    msg: "{{ lookup('moorage.boot.etcd', 'install/0/debs/', **store) }}"
  vars: *store
"""

RETURN = r"""
_raw:
  description: A text for each key; a dictionary of names and texts for a key that ends in a slash.
  type: list
"""

from typing import Any  # noqa: E402

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import services
except ImportError as error:
    services, MISSING = None, str(error)


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[Any]:
        # An empty path would be made one of this directory's.
        given = {name: value for name, value in kwargs.items() if value != "" or name == "default"}
        self.set_options(var_options=variables, direct=given)
        if services is None:
            raise AnsibleLookupError(f"moorage is not installed for this Python: {MISSING}")
        options = {name: self.get_option(name) for name in ("endpoints", "ca", "cert", "key", "prefix")}
        try:
            found = services.values(services.store(options), terms)
        except services.AppServerError as error:
            raise AnsibleLookupError(f"the record cannot be read: {error}") from error
        return [self._given(term, value) for term, value in zip(terms, found, strict=True)]

    def _given(self, term: str, value: Any) -> Any:
        if value is None and self.get_option("default") is None:
            raise AnsibleLookupError(f"{term} is not on record, and no default is given")
        return self.get_option("default") if value is None else value
