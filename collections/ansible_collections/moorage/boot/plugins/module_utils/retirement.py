"""A boot server leaves the record, through the same service as everybody. On the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.moorage.boot.plugins.module_utils.services import store

from appserver.adapters.clock import SystemClock
from appserver.core.access import Caller
from appserver.errors import AppServerError, NotFound
from appserver.services.audit import Audit
from appserver.services.events import Events
from appserver.services.retire import Retire

__all__ = ["AppServerError", "retire"]

CALLER = Caller("ansible", "admin", via="system")
"""Whoever holds the site's authority may do anything in the store."""


def retire(options: Mapping[str, Any], check_mode: bool) -> int:
    """How many keys went, or would go; 0 when nobody knows the node.

    Raises:
        AppServerError: it may not go yet, or the store did not answer.
    """
    kv, clock = store(options), SystemClock()
    act = Retire(kv=kv, clock=clock, audit=Audit(kv=kv, clock=clock), events=Events(kv=kv, clock=clock))
    try:
        return act(CALLER, options["name"], dry_run=check_mode)
    except NotFound:
        return 0
