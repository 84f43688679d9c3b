"""Options by which a module finds an app server."""

from __future__ import annotations


class ModuleDocFragment:
    """To be named in `extends_documentation_fragment` as `moorage.boot.app_server`."""

    DOCUMENTATION = r"""
options:
  server:
    description: URL of the app server. Without it, the profile that C(moorage login) wrote on the controller is used.
    type: str
  token:
    description: Token for O(server).
    type: str
  ca:
    description: File of the authority that vouches for O(server), on the controller.
    type: path
requirements:
  - The project's own packages, on the controller.
notes:
  - Runs on the controller, with C(delegate_to=localhost) and the Python of C(ansible_playbook_python).
"""
