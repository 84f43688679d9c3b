#!/usr/bin/python
"""Ansible module: what is installed on a host, and what runs there."""

from __future__ import annotations

DOCUMENTATION = r"""
module: installed_facts
short_description: What is installed on a host, and what runs there
version_added: 0.1.0
description:
  - Lists the packages of the host as dpkg says, and its running containers as the engine says, in less than a tenth of
    a second. What M(moorage.boot.host_record) takes as C(host).
options:
  engine_socket:
    description: Socket at which the Docker Engine answers. A host without it has no engine.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode: {support: full, description: It only looks.}
  diff_mode: {support: none, description: It only looks.}
  idempotent: {support: full, description: It only looks.}
author: Moorage contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: What the host has is known
  moorage.boot.installed_facts:
  register: __record_host
"""

RETURN = r"""
debs:
  description: Package to version, of what is fully installed.
  type: dict
  returned: success
containers:
  description: Running containers, as the engine lists them. Null where there is no engine.
  type: list
  returned: success
images:
  description: Images with their tags, as the engine lists them.
  type: list
  returned: success
"""

import os  # noqa: E402

from ansible.module_utils.basic import AnsibleModule  # noqa: E402
from ansible_collections.moorage.boot.plugins.module_utils import engine_api  # noqa: E402

FORMAT = "${db:Status-Status}\\t${Package}\\t${Version}\\n"


def main() -> None:
    module = AnsibleModule(
        argument_spec={"engine_socket": {"type": "path", "default": "/var/run/docker.sock"}}, supports_check_mode=True
    )
    containers, images = _running(module, module.params["engine_socket"])
    module.exit_json(changed=False, debs=_packages(module), containers=containers, images=images)


def _packages(module: AnsibleModule) -> dict[str, str]:
    """Of a package installed for two architectures, the version of the first, as the agent has it."""
    _status, told, _error = module.run_command(["dpkg-query", "-W", "-f", FORMAT], check_rc=True)
    found: dict[str, str] = {}
    for line in told.splitlines():
        status, package, version = line.split("\t")
        if status == "installed":
            found.setdefault(package, version)
    return found


def _running(module: AnsibleModule, path: str) -> tuple[list | None, list]:
    """The engine's own lists of running containers and of images; None where there is no engine."""
    if not os.path.exists(path):
        return None, []
    engine = engine_api.Api(path)
    try:
        listed, images = engine.ask("GET", "/containers/json"), engine.ask("GET", "/images/json")
    except (engine_api.Failed, ValueError) as error:
        module.fail_json(msg=f"the engine at {path} does not answer, so its containers cannot be recorded: {error}")
    containers = [_only(one, "Id", "Names", "Image", "ImageID", "State") for one in listed]
    return containers, [_only(one, "Id", "RepoTags") for one in images]


def _only(item: dict, *names: str) -> dict:
    return {name: item.get(name) for name in names}


if __name__ == "__main__":
    main()
