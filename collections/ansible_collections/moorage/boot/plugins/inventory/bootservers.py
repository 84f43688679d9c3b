"""Ansible inventory: boot servers and their groups, from the record in etcd."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bootservers
short_description: Boot servers from the record in etcd
version_added: 0.1.0
description:
  - Hosts are the nodes whose agents have reported, named as their nodes are.
  - >-
    Every host is in the group C(bootservers), in C(on) or C(off) as its agent is alive or not, in C(cluster_<name>) of
    its cluster, in C(label_<name>_<value>) for each of its labels, and in C(role_<name>) for each of its roles, which
    its label C(roles) names, parted by commas. More groups come from C(keyed_groups) and C(groups).
  - >-
    Variables of a host are C(lrn), C(cluster), C(labels), C(on), C(healthy), C(conditions), C(engine), and
    C(ansible_host), the address of its agent without the port.
  - >-
    An etcd of the site's own asks for a certificate. On the controller that is C(controller.crt), with C(ca.crt) and
    C(controller.key) beside it, in the directory of the site's authority (C(base_authority_dir), by default
    C(~/.config/moorage/authority)). Whoever has its key may do anything in the store. On an app server's host it is
    C(serve.crt) of C(/etc/moorage/pki), which root and the app server read. An agent's may not read other nodes.
  - >-
    Each agent writes the record of its own node. One that gives another name, or an address that is neither an IP
    address nor the name of a host, is left out with a warning.
options:
  plugin:
    description: Marks the file as this plugin's.
    type: str
    required: true
    choices: [moorage.boot.bootservers]
  cluster:
    description: Nodes of this cluster alone.
    type: str
    default: ""
extends_documentation_fragment:
  - moorage.boot.store
  - constructed
  - inventory_cache
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
# inventory/bootservers.yml
plugin: moorage.boot.bootservers
endpoints: [192.0.2.10:2379]
# Files of the controller, made by the role base; none for an etcd that is spoken to in the clear.
ca: ~/.config/moorage/authority/ca.crt
cert: ~/.config/moorage/authority/controller.crt
key: ~/.config/moorage/authority/controller.key
keyed_groups:
  - {key: labels.rack, prefix: rack}
"""

import hashlib  # noqa: E402
import re  # noqa: E402
from typing import Any  # noqa: E402

from ansible.errors import AnsibleParserError  # noqa: E402
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable  # noqa: E402

try:
    from ansible_collections.moorage.boot.plugins.module_utils import services
except ImportError as error:
    services, MISSING = None, str(error)

_NO_LETTER = re.compile(r"\W")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """See DOCUMENTATION."""

    NAME = "moorage.boot.bootservers"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith((".yml", ".yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for host in self._hosts(path, cache):
            self._add(host)

    def _hosts(self, path: str, cache: bool) -> list[dict[str, Any]]:
        """From the cache while it is fresh, where one was asked for; else from the store."""
        self.load_cache_plugin()
        asked = [self.get_option(name) for name in ("endpoints", "prefix", "cluster")]
        known_as = f"{self.get_cache_key(path)}_{hashlib.sha256(repr(asked).encode()).hexdigest()[:8]}"
        use = self.get_option("cache")
        if use and cache and known_as in self._cache:
            return self._cache[known_as]
        found = self._from_store()
        if use:
            self._cache[known_as] = found
        return found

    def _from_store(self) -> list[dict[str, Any]]:
        if services is None:
            raise AnsibleParserError(f"moorage is not installed for this Python: {MISSING}")
        options = {name: self.get_option(name) for name in ("endpoints", "ca", "cert", "key", "prefix")}
        try:
            return services.boot_hosts(services.store(options), self.get_option("cluster"))
        except services.AppServerError as error:
            raise AnsibleParserError(f"the record of boot servers cannot be read: {error}") from error

    def _add(self, host: dict[str, Any]) -> None:
        name, variables = host["name"], host["variables"]
        for group in _groups(variables):
            self.inventory.add_host(name, group=self.inventory.add_group(_NO_LETTER.sub("_", group)))
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def _groups(variables: dict[str, Any]) -> list[str]:
    """Those that need no configuration; any other character than a letter, digit or _ is still to become a _."""
    labels = dict(variables["labels"])
    roles = [role.strip() for role in labels.pop("roles", "").split(",")]
    return [
        "bootservers",
        "on" if variables["on"] else "off",
        *([f"cluster_{variables['cluster']}"] if variables["cluster"] else []),
        *(f"role_{role}" for role in roles if role),
        *(f"label_{name}_{value}" for name, value in sorted(labels.items())),
    ]
