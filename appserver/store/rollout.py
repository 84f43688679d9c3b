"""Updates of the boot servers as the store has them: their keys, and typed reading."""

from __future__ import annotations

from collections.abc import Mapping

from appserver.core.release_versions import is_version
from appserver.core.rollout_record import Progress, Request, Run, Status
from appserver.errors import Invalid
from appserver.ports import KV, Snapshot
from appserver.store.names import NAME
from appserver.store.records import Stored, below, find, nodes_below

REQUEST, STATUSES, CONTENTS = "status/current", "status/bootservers/", "contents/"
RELEASE, SERVERS = "info/release", "info/bootservers/"
RUN, DEADLINE, BUSY = "update/run", "update/deadline", "update/busy/"
"""Of the update that `status/current` asks for: its run; there until its time is over; there while a step runs."""
UPDATERS = "leader/updater/"
"""App servers that stand for it; the oldest leads updates, and looks for releases."""
RUNS, STEPS = "updates/", "updatesteps/"
"""What was: runs that ended, and what each server did in them."""
STANDING = (REQUEST, STATUSES, RELEASE, SERVERS, RUN, DEADLINE, BUSY, "nodes/", "alive/", "notices/")
"""Prefixes that the updater decides on."""


def status(lrn: int) -> str:
    return f"{STATUSES}{_number(lrn)}"


def content(target: str) -> str:
    if not NAME.fullmatch(target):
        raise Invalid("target", "cannot be called that")
    return f"{CONTENTS}{target}"


def run(number: int) -> str:
    return f"{RUNS}{_number(number):08}"


def progress(lrn: int, number: int) -> str:
    return f"{STEPS}{_number(lrn)}/{_number(number):08}"


def busy(lrn: int) -> str:
    return f"{BUSY}{_number(lrn)}"


def request_of(seen: Snapshot) -> Stored[Request] | None:
    return find(seen, REQUEST, Request)


def run_of(seen: Snapshot) -> Stored[Run] | None:
    return find(seen, RUN, Run)


def release_of(seen: Snapshot) -> str:
    """The version in force; "" where there is none. Before the first, playbooks put down the program's own there."""
    item = seen.items.get(RELEASE)
    return item.value if item and is_version(item.value) else ""


def statuses_of(seen: Snapshot) -> Mapping[int, Status]:
    return {int(lrn): stored.record for lrn, stored in below(seen, STATUSES, Status) if lrn.isdecimal()}


def servers_of(seen: Snapshot) -> tuple[int, ...]:
    """Those that are registered, by number."""
    found = (key.removeprefix(SERVERS) for key in seen.items if key.startswith(SERVERS))
    return tuple(sorted(int(lrn) for lrn in found if lrn.isdecimal()))


def nodes_of(seen: Snapshot) -> Mapping[int, str]:
    """Name of the node that each boot server is."""
    return {stored.record.lrn: stored.record.name for stored in nodes_below(seen) if stored.record.lrn >= 0}


def dead_of(seen: Snapshot) -> Mapping[int, str]:
    """Registered, and without an agent; each with its node's name, "" where none is on record."""
    names = nodes_of(seen)
    return {lrn: name for lrn in servers_of(seen) if f"alive/{(name := names.get(lrn, ''))}" not in seen.items}


def busy_of(seen: Snapshot) -> tuple[int, ...]:
    """Those that a step runs on now, whatever update it is of."""
    found = (key.removeprefix(BUSY) for key in seen.items if key.startswith(BUSY))
    return tuple(sorted(int(lrn) for lrn in found if lrn.isdecimal()))


def is_late(seen: Snapshot, number: int) -> bool:
    """Whether the time of that run is over, by the clock of etcd: its key was put under a lease that nobody renews."""
    item = seen.items.get(DEADLINE)
    return item is None or item.value != str(number)


def progress_of(seen: Snapshot, number: int) -> Mapping[int, Progress]:
    """What each server did in a run, of a snapshot of `STEPS`."""
    found = {}
    for place, stored in below(seen, STEPS, Progress):
        lrn, _, of = place.partition("/")
        if lrn.isdecimal() and of == f"{number:08}":
            found[int(lrn)] = stored.record
    return found


def reached(kv: KV, run: Run) -> int:
    """The last step that any server has begun, in this run or in those before it that it took over from."""
    seen = kv.snapshot(*(progress(lrn, run.number) for lrn in run.servers))
    begun = [one.step for each in progress_of(seen, run.number).values() for one in each.steps]
    return max([*begun, run.reached, run.first - 1])


def _number(number: int) -> int:
    if number < 0:
        raise Invalid("lrn", "is a number from 0")
    return number
