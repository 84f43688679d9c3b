"""Options by which a module reaches the board that manages a host's hardware."""

from __future__ import annotations


class ModuleDocFragment:
    """To be named in `extends_documentation_fragment` as `moorage.boot.bmc`."""

    DOCUMENTATION = r"""
options:
  address:
    description: Address of the board, as the controller reaches it.
    type: str
    required: true
  protocol:
    description:
      - How it is spoken to. V(auto) is Redfish where that answers, else IPMI 2.0.
      - A board whose certificate cannot be trusted is not spoken to at all.
    type: str
    choices: [auto, ipmi, redfish]
    default: auto
  port:
    description: Port, where it is not 443 (Redfish) or 623 (IPMI). With V(auto), the one of Redfish.
    type: int
    default: 0
  user:
    description: Administrator of the board to log in as.
    type: str
    required: true
  password:
    description: Password of O(user).
    type: str
  old_passwords:
    description: Passwords that are tried after O(password), while it is being rotated.
    type: list
    elements: str
    default: []
  board_ca:
    description: File of the authority that vouches for the board by Redfish, on the controller. Without it, those of
      the system do.
    type: path
  validate_certs:
    description: Whether the certificate of the board is checked.
    type: bool
    default: true
requirements:
  - The project's own packages, on the controller.
notes:
  - Is run with C(delegate_to=localhost) and the Python of C(ansible_playbook_python); the host itself may be off.
"""
