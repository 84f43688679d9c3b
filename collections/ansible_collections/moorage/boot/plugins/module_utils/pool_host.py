"""A storage pool on this host: what is there, and how each step of a plan is carried out."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
from collections.abc import Callable, Sequence

from ansible_collections.moorage.boot.plugins.module_utils import fstab, pool

FSTAB = "/etc/fstab"
HEAD = 1 << 20
"""Bytes at the beginning of a disk that are to be zero."""
Run = Callable[..., tuple[int, str, str]]
"""`run_command` of a module."""


class Failed(Exception):
    """A program did not do what it was to do; the text is what it said."""


class Host:
    """Observes and acts for one pool. It decides nothing."""

    def __init__(self, run: Run, wanted: pool.Wanted) -> None:
        self._run = run
        self._wanted = wanted

    def look(self) -> pool.Seen:
        """One snapshot."""
        wanted = self._wanted
        place = os.path.realpath(wanted.place) if wanted.place else ""
        signs = self._signatures(place)
        devices = self._devices(place)
        table, mounted = _read(FSTAB), fstab.mount_at(_read("/proc/self/mountinfo"), wanted.path)
        group = self._group(devices) if any(sign["type"] == "LVM2_member" for sign in signs) else ""
        ours = mounted is not None and _real(mounted.source) in (*devices, *self._mapped(group))
        driver = next((name for name, kind in pool.KIND.items() if [s["type"] for s in signs] == [kind]), "")
        entry = fstab.entry_at(table, wanted.path)
        return pool.Seen(
            kernel=_kernel(self._run),
            exists=os.path.exists(place),
            size=_size(place),
            room=_room(place),
            signatures=tuple(sorted({sign["type"] for sign in signs})),
            label=signs[0]["label"] or "" if len(signs) == 1 else "",
            group=group,
            uses=_uses(place, devices, table),
            blank=_blank(place),
            mounted=ours,
            over="" if ours else _over(wanted.path, mounted),
            fstab=entry is not None and bool(driver) and entry == self._entry(driver, signs),
            foreign="" if entry is None or entry.ours else str(entry),
            device_size=_size(devices[0]) if devices else 0,
            filesystem_size=self._filesystem_size(driver, devices) if ours else 0,
            quota=ours and driver == "btrfs" and self._run(["btrfs", "qgroup", "show", wanted.path])[0] == 0,
            tree=bool(self._mapped(group)),
        )

    def act(self, step: pool.Step, driver: str) -> None:
        """
        Raises:
            Failed: it could not be done. What was done before stays, and the next run goes on from there.
        """
        acts = {
            "lengthen": self._lengthen, "format": self._format, "volume": self._volume, "fstab": self._fstab,
            "mount": self._mount, "device": self._device, "grow": self._grow, "quota": self._quota,
        }  # fmt: skip
        acts[step.action](driver)

    def _lengthen(self, _driver: str) -> None:
        os.makedirs(os.path.dirname(self._wanted.file), mode=0o755, exist_ok=True)
        with open(self._wanted.file, "ab") as file:
            os.fchmod(file.fileno(), 0o600)
            file.truncate(self._wanted.size)

    def _format(self, driver: str) -> None:
        if driver == "lvm":
            device = self._attached()
            self._do("vgcreate", pool.GROUP, device)
            return
        make = (f"mkfs.{driver}", "-q", "-L", pool.LABEL)
        if self._wanted.disk:
            self._do(*make, self._wanted.disk)
            return
        # Whole or not at all: what is left of a broken-off run is in nobody's way.
        new = f"{self._wanted.file}.new"
        os.makedirs(os.path.dirname(new), mode=0o755, exist_ok=True)
        with open(new, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.truncate(self._wanted.size)
        self._do(*make, new)
        os.replace(new, self._wanted.file)

    def _volume(self, _driver: str) -> None:
        self._do("lvcreate", "-W", "y", "-y", "-n", pool.TREE, "-L", f"{self._wanted.tree_size}b", pool.GROUP)
        self._do("mkfs.ext4", "-q", "-L", pool.LABEL, f"/dev/{pool.GROUP}/{pool.TREE}")

    def _fstab(self, driver: str) -> None:
        write_fstab(fstab.with_entry(_read(FSTAB), self._entry(driver, self._signatures(self._wanted.place))))
        reload_units(self._run)

    def _mount(self, driver: str) -> None:
        if driver == "lvm":
            self._attached()
            self._do("vgchange", "-ay", pool.GROUP)
        os.makedirs(self._wanted.path, mode=0o755, exist_ok=True)
        self._do("mount", self._wanted.path)
        if not self.look().mounted:  # with nofail, mount is content with a source that is not there
            raise Failed(f"{self._wanted.path} is not mounted, though mount said nothing")

    def _device(self, _driver: str) -> None:
        self._do("losetup", "--set-capacity", self._attached())

    def _grow(self, driver: str) -> None:
        path = self._wanted.path
        if driver == "lvm":
            self._do("pvresize", self._attached())
        else:
            grow = {"btrfs": ("btrfs", "filesystem", "resize", "max", path), "xfs": ("xfs_growfs", path)}
            self._do(*grow[driver])

    def _quota(self, _driver: str) -> None:
        self._do("btrfs", "quota", "enable", self._wanted.path)

    def _do(self, *argv: str) -> str:
        code, out, error = self._run(list(argv))
        if code:
            raise Failed(f"{' '.join(argv)}: {(error or out).strip()}")
        return out

    def _attached(self) -> str:
        """The block device: the disk, or the loop device of the file, which is attached now if it is not."""
        if self._wanted.disk:
            return os.path.realpath(self._wanted.disk)
        found = self._devices(os.path.realpath(self._wanted.file))
        return found[0] if found else self._do("losetup", "--find", "--show", self._wanted.file).strip()

    def _devices(self, place: str) -> tuple[str, ...]:
        if self._wanted.disk or not os.path.exists(place):
            return (place,) if os.path.exists(place) else ()
        _, out, _ = self._run(["losetup", "--noheadings", "--output", "NAME", "--associated", place])
        return tuple(os.path.realpath(name) for name in out.split())

    def _signatures(self, place: str) -> list[dict[str, str]]:
        if not os.path.exists(place):
            return []
        code, out, error = self._run(["wipefs", "--no-act", "--json", os.path.realpath(place)])
        if code:
            raise Failed(f"what {place} holds cannot be told: {error.strip()}")
        return json.loads(out)["signatures"] if out.strip() else []

    def _entry(self, driver: str, signs: Sequence[dict[str, str]]) -> fstab.Entry:
        wanted = self._wanted
        source = f"UUID={signs[0]['uuid']}" if wanted.disk else wanted.file
        source = f"/dev/{pool.GROUP}/{pool.TREE}" if driver == "lvm" else source
        loop = () if wanted.disk or driver == "lvm" else ("loop",)
        options = (pool.OPTIONS[driver], *loop, "nofail", "x-systemd.before=docker.service", fstab.MARK)
        return fstab.Entry(source, wanted.path, "ext4" if driver == "lvm" else driver, ",".join(options))

    def _group(self, devices: Sequence[str]) -> str:
        if not devices or not _has_program("pvs"):
            return ""
        return self._run(["pvs", "--noheadings", "-o", "vg_name", devices[0]])[1].strip()

    def _mapped(self, group: str) -> tuple[str, ...]:
        """The device of the tree of LVM, if it is there."""
        if group != pool.GROUP or self._run(["lvs", f"{pool.GROUP}/{pool.TREE}"])[0]:
            return ()
        return (os.path.realpath(f"/dev/{pool.GROUP}/{pool.TREE}"),)

    def _filesystem_size(self, driver: str, devices: Sequence[str]) -> int:
        path = self._wanted.path
        if driver == "btrfs":
            found = os.statvfs(path)
            return found.f_blocks * found.f_frsize
        if driver == "xfs":
            told = re.search(r"^data\s+=\s*bsize=(\d+)\s+blocks=(\d+)", self._do("xfs_info", path), re.MULTILINE)
            return int(told[1]) * int(told[2]) if told else 0
        told = self._do("pvs", "--noheadings", "--nosuffix", "--units", "b", "-o", "dev_size,pv_size", devices[0])
        device, volume = map(int, told.split())
        # What LVM leaves for its own records and for whole extents is no room to grow into.
        return device if device - volume < 8 << 20 else volume


def write_fstab(text: str) -> None:
    """Whole, or not at all."""
    with open(f"{FSTAB}.moorage", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
        os.fsync(file.fileno())
    os.replace(f"{FSTAB}.moorage", FSTAB)


def reload_units(run: Run) -> None:
    """Let systemd, where it runs, know what fstab says now."""
    if os.path.isdir("/run/systemd/system"):
        run(["systemctl", "daemon-reload"])


def _kernel(run: Run) -> frozenset[str]:
    """The drivers for which the kernel has all that is needed, loaded or to be loaded."""
    known = {line.split()[-1] for line in _read("/proc/filesystems").splitlines() if line}

    def has(module: str) -> bool:
        return _has_program("modprobe") and run(["modprobe", "--dry-run", "--quiet", module])[0] == 0

    found = {"directory"}
    if "btrfs" in known or has("btrfs"):
        found.add("btrfs")
    if os.path.exists("/proc/fs/xfs/xqmstat") if "xfs" in known else has("xfs") and "CONFIG_XFS_QUOTA=y" in _config():
        found.add("xfs")
    if re.search(r"\bdevice-mapper$", _read("/proc/misc"), re.MULTILINE) or has("dm_mod"):
        found.add("lvm")
    return frozenset(found)


def _config() -> str:
    """The kernel's configuration, where the host has it."""
    if os.path.exists("/proc/config.gz"):
        with gzip.open("/proc/config.gz", "rt") as file:
            return file.read()
    return _read(f"/boot/config-{os.uname().release}")


def _uses(place: str, devices: Sequence[str], table: str) -> tuple[str, ...]:
    """Everything that uses the file or disk, or a part of it, now or at the next start."""
    if not os.path.exists(place):
        return ()
    parts = [place, *devices, *(f"/dev/{name}" for device in devices for name in _partitions(device))]
    names = {os.path.realpath(part) for part in parts}
    used = [f"it has the partition {part}" for part in parts[1 + len(devices) :]]
    used += [f"mounted at {m.path}" for m in fstab.mounts(_read("/proc/self/mountinfo")) if _real(m.source) in names]
    used += [f"in /etc/fstab for {one.path}" for one in fstab.entries(table) if _source(one.source) in names]
    swaps = (line.split()[0] for line in _read("/proc/swaps").splitlines()[1:])
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
    return os.path.realpath(f"/dev/disk/by-{tag.lower()}/{value.strip(chr(34))}") if equals else _real(source)


def _real(source: str) -> str:
    return os.path.realpath(source) if source.startswith("/") else source


def _over(path: str, mounted: fstab.Mount | None) -> str:
    """What is in the way of a mount at a path."""
    if mounted is not None:
        return f"{mounted.source} ({mounted.kind}) is mounted there"
    if os.path.lexists(path) and not os.path.isdir(path):
        return "it is no directory"
    found = _listed(path)
    return f"it holds {', '.join(found[:3])}{' …' if len(found) > 3 else ''}, which would be hidden" if found else ""


def _blank(place: str) -> bool:
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


def _size(path: str) -> int:
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return file.seek(0, os.SEEK_END)


def _room(place: str) -> int:
    """Bytes that are free where the file lies or is to lie, without the part that is root's alone."""
    while place and not os.path.exists(place):
        place = os.path.dirname(place)
    found = os.statvfs(place or "/")
    return found.f_bavail * found.f_frsize


def _listed(path: str) -> list[str]:
    return sorted(os.listdir(path)) if os.path.isdir(path) else []


def _has_program(name: str) -> bool:
    return any(os.access(f"{directory}/{name}", os.X_OK) for directory in ("/usr/sbin", "/sbin", "/usr/bin", "/bin"))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
