"""Options by which a module finds the store."""

from __future__ import annotations


class ModuleDocFragment:
    """To be named in `extends_documentation_fragment` as `moorage.boot.store`."""

    DOCUMENTATION = r"""
options:
  endpoints:
    description: Members of etcd, host:port.
    type: list
    elements: str
    default: ["127.0.0.1:2379"]
  ca:
    description: File of the certificate authority of etcd, on the controller. Without it, there is no TLS.
    type: path
  cert:
    description: File of the client certificate, on the controller.
    type: path
  key:
    description: File of its private key, on the controller.
    type: path
  prefix:
    description: Every key in etcd begins with it.
    type: str
    default: /moorage/
requirements:
  - The project's own packages, on the controller.
notes:
  - Runs on the controller, with C(delegate_to=localhost) and the Python of C(ansible_playbook_python).
  - These options are the action group C(moorage.boot.store), for C(module_defaults).
"""
