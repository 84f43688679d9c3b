"""What the kernel counts for each container: its control group, version 2 or 1, and its own network.

Read directly: the engine's own statistics of thirty containers cost twenty times as much (decision 20).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appserver.adapters.host_files import HostFiles, interfaces
from appserver.core.containers import ContainerProcess
from appserver.core.metrics import NOT_KNOWN, Subject

Numbers = tuple[float, ...]

_NO_LIMIT = 1 << 60
"""Version 1 says so by a number that no host has the memory for."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A container's control groups. `net` is where its network counters are; None: it has the host's."""

    pid: int
    folders: Mapping[str, Path]
    net: Path | None


class Containers:
    """Remembers where each container's files are for as long as it has the same first process."""

    def __init__(self, files: HostFiles) -> None:
        self._files = files
        self._mount = files.path("/sys/fs/cgroup")
        self._second = (self._mount / "cgroup.controllers").exists()
        self._groups: dict[str, _Group] = {}

    def read(self, containers: Sequence[ContainerProcess]) -> Mapping[Subject, Sequence[float]]:
        """Of those whose groups can be read."""
        known, self._groups = self._groups, {}
        found: dict[Subject, Sequence[float]] = {}
        for one in containers:
            group = known.get(one.id)
            if group is None or group.pid != one.pid:
                group = self._group(one)
            if group is None:
                continue
            self._groups[one.id] = group
            counted = _second(group) if self._second else _first(group)
            if counted is not None:
                cpu, throttled, memory, limit, read, written, pids = counted
                traffic = _traffic(group.net)
                subject = Subject("container", one.name, one.application, one.service)
                found[subject] = (cpu, throttled, memory, limit, *traffic, read, written, pids)
        return found

    def _group(self, one: ContainerProcess) -> _Group | None:
        """None when the process is gone, or another one has its number."""
        process = self._files.path(f"/proc/{one.pid}")
        try:
            lines = [line.split(":", 2) for line in (process / "cgroup").read_text().splitlines()]
        except OSError:
            return None
        paths = {name: path for _, names, path in lines for name in names.split(",") if one.id in path}
        wanted = ("",) if self._second else ("cpuacct", "cpu", "memory", "blkio", "pids")
        folders = {name: folder for name in wanted if name in paths and (folder := self._folder(name, paths[name]))}
        if not folders:
            return None
        return _Group(one.pid, folders, None if self._has_hosts_network(process) else process / "net/dev")

    def _folder(self, controller: str, path: str) -> Path | None:
        """The path may be told from a root above the one that is mounted: then it begins further down."""
        parts = [part for part in path.split("/") if part not in ("", "..")]
        tails = ("/".join(parts[begin:]) for begin in range(len(parts)))
        return next((found for tail in tails if (found := self._mount / controller / tail).is_dir()), None)

    def _has_hosts_network(self, process: Path) -> bool:
        try:
            return (process / "ns/net").readlink() == (self._files.first / "ns/net").readlink()
        except OSError:
            return False


def _second(group: _Group) -> Numbers | None:
    folder = group.folders[""]
    try:
        cpu = _pairs(folder / "cpu.stat")
        usage = cpu["usage_usec"] / 1e6
    except (OSError, KeyError, ValueError):
        return None
    memory = _known(lambda: _number(folder / "memory.current") - _pairs(folder / "memory.stat")["inactive_file"])
    limit = _known(lambda: 0 if (text := (folder / "memory.max").read_text().strip()) == "max" else int(text))
    moved = [part.split("=") for part in _text(folder / "io.stat").split() if "=" in part]
    read, written = (sum(int(value) for name, value in moved if name == wanted) for wanted in ("rbytes", "wbytes"))
    pids = _known(lambda: _number(folder / "pids.current"))
    return usage, cpu.get("throttled_usec", 0) / 1e6, max(memory, 0), limit, read, written, pids


def _first(group: _Group) -> Numbers | None:
    folders = group.folders
    try:
        usage = _number(folders["cpuacct"] / "cpuacct.usage") / 1e9
    except (OSError, KeyError, ValueError):
        return None
    throttled = _known(lambda: _pairs(folders["cpu"] / "cpu.stat").get("throttled_time", 0) / 1e9)
    memory, limit = NOT_KNOWN, NOT_KNOWN
    if "memory" in folders:
        held = folders["memory"]
        memory = _known(lambda: _number(held / "memory.usage_in_bytes") - _inactive(held / "memory.stat"))
        limit = _known(lambda: _number(held / "memory.limit_in_bytes"))
    moved = _text(folders["blkio"] / "blkio.throttle.io_service_bytes").split() if "blkio" in folders else []
    read, written = (
        sum(int(moved[i + 1]) for i, word in enumerate(moved[:-1]) if word == wanted) for wanted in ("Read", "Write")
    )
    pids = _known(lambda: _number(folders["pids"] / "pids.current"))
    return usage, throttled, max(memory, 0), 0 if limit > _NO_LIMIT else limit, read, written, pids


def _inactive(path: Path) -> float:
    found = _pairs(path)
    return found.get("total_inactive_file", found.get("inactive_file", 0))


def _traffic(path: Path | None) -> tuple[float, float]:
    """Of all interfaces of the container but its loopback. One with the host's network has no traffic of its own."""
    if path is None:
        return NOT_KNOWN, NOT_KNOWN
    text = _text(path)
    found = [counters for name, counters in interfaces(text) if name != "lo"]
    return (sum(one[0] for one in found), sum(one[8] for one in found)) if text else (NOT_KNOWN, NOT_KNOWN)


def _known(read: Callable[[], float]) -> float:
    """NaN where a controller is not there, or not as it is known."""
    try:
        return read()
    except (OSError, KeyError, ValueError):
        return NOT_KNOWN


def _number(path: Path) -> int:
    return int(path.read_text())


def _pairs(path: Path) -> Mapping[str, int]:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
