"""`ports.Host`: what the kernel says of this host, read from its own files.

psutil reads network and mounts of the calling process whatever `PROCFS_PATH` says, so an agent with namespaces of its
own would measure itself; and it opens more files than are needed here every ten seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence

from appserver.adapters.host_containers import Containers
from appserver.adapters.host_files import HostFiles, interfaces, of_host
from appserver.core.conditions import Space
from appserver.core.containers import ContainerProcess
from appserver.core.metrics import NOT_KNOWN, Reading, Subject
from appserver.errors import BackendError

MOST = 32
"""Disks, devices, interfaces, each: what a host has more of is left out, in the order of names."""
MOST_CONTAINERS = 1_000
_LIST_AGAIN_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_SECTOR = 512
_KIB = 1024
_NO_DEVICES = ("loop", "ram", "zram", "sr", "fd", "dm-", "nbd")
_NO_INTERFACES = ("lo", "veth", "br-", "docker", "ifb", "dummy", "cali", "cni", "flannel", "tunl", "sit", "vx-")
"""What has no cable: ends of containers' networks, and bridges between them."""
_NO_DISKS = frozenset({"squashfs", "iso9660", "udf", "erofs"})
_ALSO_DISKS = frozenset({"zfs", "bcachefs"})


class KernelHost:
    """`paths`: whose file systems are measured even where they are no block device's, as a container's root."""

    def __init__(self, files: HostFiles | None = None, paths: Sequence[str] = ("/",)) -> None:
        self._files = files or of_host()
        self._paths = paths
        self._containers = Containers(self._files)
        self._listed_at = float("-inf")
        self._mounts: tuple[str, ...] = ()
        self._devices: frozenset[str] = frozenset()

    def read(self, containers: Sequence[ContainerProcess]) -> Reading:
        """See `ports.Host`."""
        steady = time.monotonic()
        if steady - self._listed_at > _LIST_AGAIN_S:
            self._mounts, self._devices, self._listed_at = self._disks(), self._blocks(), steady
        values: dict[Subject, Sequence[float]] = {Subject("node"): self._node()}
        values.update(self._used())
        values.update(self._transfers())
        values.update(self._traffic())
        values.update(self._containers.read(containers[:MOST_CONTAINERS]))
        return Reading(time.time(), steady, values)

    def spaces(self, paths: Sequence[str]) -> tuple[Space, ...]:
        """See `ports.Host`."""
        found: dict[object, Space] = {}
        for path in paths:
            try:
                device: object = self._files.path(path).stat().st_dev
                seen = os.statvfs(self._files.path(path))
            except OSError as error:
                found.setdefault(path, Space(path, fault=error.strerror or "cannot be looked at"))
                continue
            block = seen.f_frsize
            space = Space(path, seen.f_bavail * block, seen.f_blocks * block, seen.f_favail, seen.f_files)
            found.setdefault(device, space)
        return tuple(found.values())

    def memory(self) -> tuple[int, int]:
        """See `ports.Host`."""
        try:
            found = self._meminfo()
            return int(found["MemAvailable"]), int(found["MemTotal"])
        except (OSError, KeyError, ValueError) as error:
            raise BackendError(f"cannot be read: {error}") from error

    def _node(self) -> Sequence[float]:
        cpu, cores = self._cpu()
        load = self._numbers("/proc/loadavg", 3)
        try:
            memory = self._meminfo()
        except (OSError, ValueError):
            memory = {}
        total, swap_total = memory.get("MemTotal", NOT_KNOWN), memory.get("SwapTotal", NOT_KNOWN)
        return (
            *(*cpu, cores, *load),
            *(total - memory.get("MemAvailable", NOT_KNOWN), total),
            *(swap_total - memory.get("SwapFree", NOT_KNOWN), swap_total),
            self._numbers("/proc/uptime", 1)[0],
        )

    def _cpu(self) -> tuple[tuple[float, float, float], float]:
        """Seconds of all cores so far, busy, waiting for disks and stolen; and how many cores there are."""
        try:
            lines = self._files.text("/proc/stat").splitlines()
            user, nice, system, _, wait, irq, soft, steal = (int(part) / _TICKS for part in lines[0].split()[1:9])
        except (OSError, ValueError, IndexError):
            return (NOT_KNOWN, NOT_KNOWN, NOT_KNOWN), NOT_KNOWN
        cores = sum(line[:3] == "cpu" and line[3:4].isdigit() for line in lines)
        return (user + nice + system + irq + soft + steal, wait, steal), cores

    def _meminfo(self) -> Mapping[str, float]:
        """Bytes."""
        lines = (line.split() for line in self._files.text("/proc/meminfo").splitlines())
        return {parts[0].rstrip(":"): int(parts[1]) * _KIB for parts in lines if len(parts) > 1}

    def _numbers(self, path: str, many: int) -> tuple[float, ...]:
        try:
            return tuple(float(part) for part in self._files.text(path).split()[:many])
        except (OSError, ValueError):
            return (NOT_KNOWN,) * many

    def _used(self) -> Mapping[Subject, Sequence[float]]:
        found: dict[Subject, Sequence[float]] = {}
        for path in self._mounts:
            try:
                seen = os.statvfs(self._files.path(path))
            except OSError:
                continue
            block, used = seen.f_frsize, seen.f_blocks - seen.f_bfree
            size = (used + seen.f_bavail) * block  # without what is kept for root, as df has it
            inodes = (seen.f_files - seen.f_ffree, seen.f_files)
            found[Subject("disk", path)] = (used * block, size, *inodes)
        return found

    def _disks(self) -> tuple[str, ...]:
        """Where block devices' file systems are mounted, each device once, and the paths we were told of."""
        try:
            kinds = {
                parts[0]
                for line in self._files.text("/proc/filesystems").splitlines()
                if (parts := line.split()) and parts[0] != "nodev"
            }
            mounts = [line.split()[1:3] for line in self._files.of_first("mounts").splitlines()]
        except (OSError, IndexError):
            kinds, mounts = set(), []
        wanted = (kinds | _ALSO_DISKS) - _NO_DISKS
        paths = [_unescaped(path) for path, kind in mounts if kind in wanted]
        found: dict[int, str] = {}
        for path in (*self._paths, *sorted(paths, key=lambda one: (len(one), one))):
            try:
                found.setdefault(self._files.path(path).stat().st_dev, path)
            except OSError:
                continue
        return tuple(sorted(found.values())[:MOST])

    def _blocks(self) -> frozenset[str]:
        try:
            names = [one.name for one in self._files.path("/sys/block").iterdir()]
        except OSError:
            return frozenset()
        return frozenset(sorted(name for name in names if not name.startswith(_NO_DEVICES))[:MOST])

    def _transfers(self) -> Mapping[Subject, Sequence[float]]:
        found: dict[Subject, Sequence[float]] = {}
        for parts in self._rows("/proc/diskstats"):
            if len(parts) > 12 and parts[2] in self._devices:
                reads, read, writes, written, busy_ms = (int(parts[i]) for i in (3, 5, 7, 9, 12))
                found[Subject("device", parts[2])] = (read * _SECTOR, written * _SECTOR, reads, writes, busy_ms / 1000)
        return found

    def _rows(self, path: str) -> Iterable[list[str]]:
        try:
            return [line.split() for line in self._files.text(path).splitlines()]
        except OSError:
            return ()

    def _traffic(self) -> Mapping[Subject, Sequence[float]]:
        try:
            text = self._files.of_first("net/dev")
        except OSError:
            return {}
        found: dict[Subject, Sequence[float]] = {}
        for name, counters in interfaces(text):
            if not name.startswith(_NO_INTERFACES) and len(found) < MOST:
                found[Subject("network", name)] = (counters[0], counters[8], sum(counters[i] for i in (2, 3, 10, 11)))
        return found


def _unescaped(path: str) -> str:
    """The kernel writes blanks in a path as `\\040`."""
    return path.encode("latin-1", "replace").decode("unicode_escape") if "\\" in path else path
