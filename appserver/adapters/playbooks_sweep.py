"""Ending what a play left running on its hosts: Ansible's own commands outlive the Ansible that sent them.

Each process of a play has the play's mark in its environment, through sudo too. The words are run by the shell of the
host over the inventory's own way to it; nothing has to be installed there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARK = "LC_MOORAGE_PLAY"
"""In the environment of all that a play starts on its hosts. sshd takes `LC_*` from clients as Debian sets it up."""
PROBE = "LC_MOORAGE_SWEEP"
"""Set for the sweep itself: where it does not arrive, no mark has."""
UNSEEN = "could not be looked at"

_WORDS = r"""
[ -n "$%s" ] || { echo 'its sshd takes no LC_* (AcceptEnv), so nothing can be found'; exit 3; }
m='%s'; as=; who=
[ "$(id -u)" = 0 ] || { sudo -n true 2>/dev/null && as='sudo -n' || who=' of this user'; }
found() { $as grep -lszxF "$m" /proc/[0-9]*/environ | tr -dc '0-9\n'; }
old=$(found); tries=0
[ -z "$old" ] || $as kill $old 2>/dev/null
while [ -n "$(found)" ] && [ $tries -lt 30 ]; do tries=$((tries + 1)); sleep 0.1; done
new=$(found)
[ -z "$new" ] || $as kill -9 $new 2>/dev/null
echo "processes$who ended: $(echo $old | wc -w)"
"""
"""For a Debian host: no template, and no variable of Ansible, is in it."""


def words(mark: str) -> str:
    """What the shell of a host is told."""
    return _WORDS.strip() % (PROBE, f"{MARK}={mark}")


def told(said: Mapping[str, Any]) -> str:
    """What came of it on one host."""
    lines = str(said.get("said") or "").strip().splitlines()
    last = lines[-1][:200] if lines else ""
    if said.get("kind") == "ok" and last.startswith("processes"):
        return last
    return f"{UNSEEN}: {last or said.get('kind')}"
