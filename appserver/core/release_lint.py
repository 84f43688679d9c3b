"""A tree of files as a release: what it is, or all that is wrong with it, each with its file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from appserver.core import release_read
from appserver.core.config_tree import Fault
from appserver.core.playbooks import described
from appserver.core.release import FILE, GIVEN, Release, ReleaseStep
from appserver.errors import Invalid, InvalidMany


def examined(files: Mapping[str, str], version: str) -> Release:
    """
    Args:
        version: that of its tag.
    Raises:
        InvalidMany: every fault, its place being the file and what is in it.
    """
    try:
        found = release_read.read(files, version)
    except InvalidMany as error:
        raise InvalidMany(tuple(map(_placed, error.faults))) from error
    except Invalid as error:
        raise InvalidMany((_placed((error.where, error.why)),)) from error
    if faults := _unplayable(found, files):
        raise InvalidMany(faults)
    return found


def faults_of(error: Invalid) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, InvalidMany) else ((error.where, error.why),)


def untagged(files: Mapping[str, str], today: date) -> str:
    """The version that a working tree is checked as: what it says itself, else one of today."""
    for line in files.get(FILE, "").splitlines():
        if line.startswith("version:"):
            return line.partition(":")[2].partition(" #")[0].strip().strip("\"'")
    return f"{today:%Y.%m.%d}-1"


def _unplayable(release: Release, files: Mapping[str, str]) -> tuple[Fault, ...]:
    """What would only be found when the first server is at that step; once where steps share a playbook."""
    books = [(path, step) for step in release.steps for path in (step.playbook, step.rollback) if path]
    faults = [(path, _why_not_played(path, step, files[path])) for path, step in books]
    return tuple(dict.fromkeys((path, why) for path, why in faults if why))


def _why_not_played(path: str, step: ReleaseStep, text: str) -> str:
    book = described(path, text.encode())
    if book is None:
        return "is no playbook: that is a list of plays, each with `hosts`"
    asks = [name for name in book.asks if name not in {*step.variables, *GIVEN}]
    return f"would prompt for {', '.join(asks)}, and nobody is there to answer" if asks else book.error


def _placed(fault: Fault) -> Fault:
    where, why = fault
    return (where if where.startswith(FILE) else f"{FILE}: {where}"), why
