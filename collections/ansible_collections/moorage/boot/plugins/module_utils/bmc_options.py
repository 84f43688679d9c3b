"""Options by which a module reaches a board, said once. The standard library alone: it can always be imported."""

from __future__ import annotations

BOARD = {
    "address": {"type": "str", "required": True},
    "protocol": {"type": "str", "choices": ["auto", "ipmi", "redfish"], "default": "auto"},
    "port": {"type": "int", "default": 0},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "old_passwords": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "board_ca": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
}
USER = {
    "name": {"type": "str", "required": True},
    "privilege": {"type": "str", "choices": ["administrator", "operator", "user"], "default": "user"},
    "enabled": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "password": {"type": "str", "no_log": True},
    "hash": {"type": "str", "no_log": True},
    "salt": {"type": "str", "no_log": True},
}
