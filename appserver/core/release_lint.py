"""A tree of files as a release: what it is, or all that is wrong with it, each with its file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from appserver.core import release_read
from appserver.core.config_tree import Fault
from appserver.core.release import FILE, Release
from appserver.errors import Invalid, InvalidMany


def examined(files: Mapping[str, str], version: str) -> Release:
    """
    Args:
        version: that of its tag.
    Raises:
        InvalidMany: every fault, its place being the file and what is in it.
    """
    try:
        return release_read.read(files, version)
    except InvalidMany as error:
        raise InvalidMany(tuple(map(_placed, error.faults))) from error
    except Invalid as error:
        raise InvalidMany((_placed((error.where, error.why)),)) from error


def faults_of(error: Invalid) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, InvalidMany) else ((error.where, error.why),)


def untagged(files: Mapping[str, str], today: date) -> str:
    """The version that a working tree is checked as: what it says itself, else one of today."""
    for line in files.get(FILE, "").splitlines():
        if line.startswith("version:"):
            return line.partition(":")[2].partition(" #")[0].strip().strip("\"'")
    return f"{today:%Y.%m.%d}-1"


def _placed(fault: Fault) -> Fault:
    where, why = fault
    return (where if where.startswith(FILE) else f"{FILE}: {where}"), why
