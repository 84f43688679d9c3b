"""A file, a disk and the kernel, as they are before a pool is made of them. Nothing is changed here."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
from collections.abc import Callable, Sequence

from ansible_collections.moorage.boot.plugins.module_utils import fstab

HEAD = 1 << 20
"""Bytes at the beginning of a disk that are to be zero."""
Run = Callable[..., tuple[int, str, str]]
"""`run_command` of a module."""


class Failed(Exception):
    """A program did not do what it was to do; the text is what it said."""


def signatures(run: Run, place: str) -> list[dict[str, str]]:
    """Everything on a file or disk that says what it is, as wipefs tells it.

    Raises:
        Failed: it cannot be told, which is no reason to take it for blank.
    """
    if not os.path.exists(place):
        return []
    code, out, error = run(["wipefs", "--no-act", "--json", os.path.realpath(place)])
    if code:
        raise Failed(f"what {place} holds cannot be told: {error.strip()}")
    return json.loads(out)["signatures"] if out.strip() else []


def group_on(place: str) -> str:
    """The volume group that a physical volume says it belongs to, though nothing has it attached."""
    with open(place, "rb") as file:
        found = set(re.findall(rb'([a-zA-Z0-9+_.-]+) {\nid = "[^"]+"\nseqno', file.read(HEAD)))
    return found.pop().decode() if len(found) == 1 else ""


def kernel(run: Run) -> frozenset[str]:
    """The drivers for which the kernel has all that is needed, loaded or to be loaded."""
    known = {line.split()[-1] for line in read("/proc/filesystems").splitlines() if line}

    def has(module: str) -> bool:
        return has_program("modprobe") and run(["modprobe", "--dry-run", "--quiet", module])[0] == 0

    found = {"directory"}
    if "btrfs" in known or has("btrfs"):
        found.add("btrfs")
    if os.path.exists("/proc/fs/xfs/xqmstat") if "xfs" in known else has("xfs") and "CONFIG_XFS_QUOTA=y" in _config():
        found.add("xfs")
    if re.search(r"\bdevice-mapper$", read("/proc/misc"), re.MULTILINE) or has("dm_mod"):
        found.add("lvm")
    return frozenset(found)


def _config() -> str:
    """The kernel's configuration, where the host has it."""
    if os.path.exists("/proc/config.gz"):
        with gzip.open("/proc/config.gz", "rt") as file:
            return file.read()
    return read(f"/boot/config-{os.uname().release}")


def uses(place: str, devices: Sequence[str], table: str) -> tuple[str, ...]:
    """Everything that uses the file or disk, or a part of it, now or at the next start."""
    if not os.path.exists(place):
        return ()
    parts = [place, *devices, *(f"/dev/{name}" for device in devices for name in _partitions(device))]
    names = {os.path.realpath(part) for part in parts}
    used = [f"it has the partition {part}" for part in parts[1 + len(devices) :]]
    used += [f"mounted at {m.path}" for m in fstab.mounts(read("/proc/self/mountinfo")) if real(m.source) in names]
    used += [f"in /etc/fstab for {one.path}" for one in fstab.entries(table) if _source(one.source) in names]
    swaps = (line.split()[0] for line in read("/proc/swaps").splitlines()[1:])
    used += [f"swap on {swap}" for swap in swaps if os.path.realpath(swap) in names]
    used += [f"{holder} stands on it" for name in sorted(names) for holder in _listed(f"{_sys(name)}/holders")]
    if stat.S_ISREG(os.stat(place).st_mode):
        used += [f"attached as {device}" for device in devices]
    return tuple(dict.fromkeys(used))


def _partitions(device: str) -> list[str]:
    return [name for name in _listed(_sys(device)) if os.path.exists(f"{_sys(device)}/{name}/partition")]


def _sys(device: str) -> str:
    return f"/sys/class/block/{os.path.basename(device)}"


def _source(source: str) -> str:
    """What a line of fstab names, as a path."""
    tag, equals, value = source.partition("=")
    return os.path.realpath(f"/dev/disk/by-{tag.lower()}/{value.strip(chr(34))}") if equals else real(source)


def real(source: str) -> str:
    return os.path.realpath(source) if source.startswith("/") else source


def over(path: str, mounted: fstab.Mount | None) -> str:
    """What is in the way of a mount at a path."""
    if mounted is not None:
        return f"{mounted.source} ({mounted.kind}) is mounted there"
    if os.path.lexists(path) and not os.path.isdir(path):
        return "it is no directory"
    found = _listed(path)
    return f"it holds {', '.join(found[:3])}{' …' if len(found) > 3 else ''}, which would be hidden" if found else ""


def blank(place: str) -> bool:
    """Whether a file has no data at all, or a disk nothing but zeroes where everything that is on disks begins."""
    if not os.path.exists(place):
        return True
    with open(place, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return not any(file.read(HEAD))
        try:
            os.lseek(file.fileno(), 0, os.SEEK_DATA)
        except OSError:
            return True  # ENXIO: nothing but a hole
        return False


def size_of(path: str) -> int:
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return file.seek(0, os.SEEK_END)


def room(place: str) -> int:
    """Bytes that are free where the file lies or is to lie, without the part that is root's alone."""
    while place and not os.path.exists(place):
        place = os.path.dirname(place)
    found = os.statvfs(place or "/")
    return found.f_bavail * found.f_frsize


def _listed(path: str) -> list[str]:
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def has_program(name: str) -> bool:
    return any(os.access(f"{directory}/{name}", os.X_OK) for directory in ("/usr/sbin", "/sbin", "/usr/bin", "/bin"))


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
