"""Ansible lookup: what holds in the site's configuration."""

from __future__ import annotations

DOCUMENTATION = r"""
name: config
short_description: What holds in the site's configuration
version_added: 0.1.0
description:
  - Gives the value of each key as people write it, its default where it is not set, empty where there is none.
  - Runs on the controller, as every lookup does. A secret comes in the clear; use C(no_log) where it goes.
options:
  _terms:
    description: Keys, as C(config/proxy), or what else they are called.
    required: true
  seal_key:
    description: File of the key that app servers seal secrets with. Needed for secrets, and passwords within URLs.
    type: path
extends_documentation_fragment: [moorage.boot.store]
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: The proxy of the site
  ansible.builtin.debug:
    msg: "{{ lookup('moorage.boot.config', 'config/proxy', endpoints=etcd_store.endpoints, **etcd_store.controller) }}"
"""

RETURN = r"""
_raw:
  description: A text for each key.
  type: list
  elements: str
"""

from typing import Any  # noqa: E402

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import services, site_config
except ImportError as error:
    services, site_config, MISSING = None, None, str(error)


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        # An empty path would be made one of this directory's.
        self.set_options(var_options=variables, direct={name: value for name, value in kwargs.items() if value != ""})
        if site_config is None:
            raise AnsibleLookupError(f"moorage is not installed for this Python: {MISSING}")
        options = {name: self.get_option(name) for name in ("endpoints", "ca", "cert", "key", "prefix")}
        try:
            return site_config.in_force(services.store(options), self.get_option("seal_key"), terms)
        except site_config.AppServerError as error:
            raise AnsibleLookupError(f"the site's configuration cannot be read: {error}") from error
