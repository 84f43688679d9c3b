"""A boot server leaves the record, or its number, through the same services as everybody. On the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.moorage.boot.plugins.module_utils.services import store

from appserver.adapters.clock import SystemClock
from appserver.core.access import Caller
from appserver.errors import AppServerError, NotFound, StoreError
from appserver.ports import KV
from appserver.services.audit import Audit
from appserver.services.boot_numbers import BootNumbers
from appserver.services.events import Events
from appserver.services.retire import Retire

__all__ = ["AppServerError", "renumber", "retire", "store"]

CALLER = Caller("ansible", "admin", via="system")
"""Whoever holds the site's authority may do anything in the store."""


def retire(kv: KV, options: Mapping[str, Any], check_mode: bool) -> tuple[int, str]:
    """How many keys went, or would go, and a sentence; 0 of a host that nobody knows.

    Raises:
        AppServerError: it may not go yet, or the store did not answer.
    """
    name, clock = options["name"], SystemClock()
    service = Retire(kv=kv, clock=clock, audit=Audit(kv=kv, clock=clock), events=Events(kv=kv, clock=clock))
    try:
        if check_mode:
            gone = service.ask(CALLER, name, options["lrn"], options["stopped"])
        else:
            # Asked first, so that one who is not on record leaves no account of having left.
            gone = service.ask(CALLER, name, options["lrn"]) and service(CALLER, name, options["lrn"])
    except NotFound:
        gone = 0
    if not gone:
        return 0, f"{name} was not on record"
    return gone, f"{name} {'would be' if check_mode else 'is'} off the record, {gone} keys"


def renumber(kv: KV, options: Mapping[str, Any], check_mode: bool) -> tuple[int, int, str]:
    """The number that the node had before, -1 where it had no other; how many keys of that went; and a sentence.

    Raises:
        AppServerError: somebody else writes there, or the store did not answer. Not in check mode, in which one that is
            not there yet knows of no number.
    """
    name, lrn, clock = options["name"], options["lrn"], SystemClock()
    service = BootNumbers(kv=kv, audit=Audit(kv=kv, clock=clock), events=Events(kv=kv, clock=clock))
    try:
        was, gone = service.renumber(CALLER, name, lrn, options["taken"], options["was"], check_mode)
    except StoreError:
        if not check_mode:
            raise
        was, gone = -1, 0
    if was < 0:
        return was, gone, f"{name} is boot server {lrn}, and was no other"
    return was, gone, f"{name} {'would be' if check_mode else 'is'} boot server {lrn}, and no longer {was}: {gone} keys"
