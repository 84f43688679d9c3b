"""A storage pool on this host: what is there, and how each step of a plan is carried out."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from ansible_collections.moorage.boot.plugins.module_utils import devices, fstab, pool
from ansible_collections.moorage.boot.plugins.module_utils.devices import Failed, Run

FSTAB = "/etc/fstab"


class Host:
    """Observes and acts for one pool. It decides nothing."""

    def __init__(self, run: Run, wanted: pool.Wanted) -> None:
        self._run = run
        self._wanted = wanted

    def look(self) -> pool.Seen:
        """One snapshot."""
        wanted = self._wanted
        place = os.path.realpath(wanted.place)
        signs = devices.signatures(self._run, place)
        nodes = self._nodes(place)
        table, mounted = devices.read(FSTAB), fstab.mount_at(devices.read("/proc/self/mountinfo"), wanted.path)
        driver = next((name for name, kind in pool.KIND.items() if [s["type"] for s in signs] == [kind]), "")
        group = self._group(place, nodes) if driver == "lvm" else ""
        tree = self._tree() if group == pool.GROUP and nodes else ""
        ours = mounted is not None and devices.real(mounted.source) in (*nodes, tree)
        entry = fstab.entry_at(table, wanted.path)
        return pool.Seen(
            kernel=devices.kernel(self._run),
            exists=os.path.exists(place),
            size=devices.size_of(place),
            room=devices.room(place),
            signatures=tuple(sorted({sign["type"] for sign in signs})),
            label=signs[0]["label"] or "" if len(signs) == 1 else "",
            group=group,
            uses=devices.uses(place, nodes, table),
            blank=devices.blank(place),
            attached=bool(nodes) and (bool(tree) or not self._sleeps(group)),
            mounted=ours,
            over="" if ours else devices.over(wanted.path, mounted),
            fstab=entry is not None and bool(driver) and entry == self._entry(driver, signs),
            foreign="" if entry is None or entry.ours else str(entry),
            device_size=devices.size_of(nodes[0]) if nodes else 0,
            filesystem_size=self._filesystem_size(driver, nodes) if ours else 0,
            quota=ours and driver == "btrfs" and self._run(["btrfs", "qgroup", "show", wanted.path])[0] == 0,
            tree=bool(tree) and bool(devices.signatures(self._run, tree)),
        )

    def act(self, step: pool.Step, driver: str) -> None:
        """
        Raises:
            Failed: it could not be done. What was done before stays, and the next run goes on from there.
        """
        acts = {
            "attach": self._attach, "lengthen": self._lengthen, "format": self._format, "volume": self._volume,
            "fstab": self._fstab, "mount": self._mount, "device": self._device, "grow": self._grow,
            "quota": self._quota,
        }  # fmt: skip
        acts[step.action](driver)

    def _attach(self, _driver: str) -> None:
        self._node()
        self._do("vgchange", "-ay", pool.GROUP)

    def _lengthen(self, _driver: str) -> None:
        os.makedirs(os.path.dirname(self._wanted.file), mode=0o755, exist_ok=True)
        with open(self._wanted.file, "ab") as file:
            os.fchmod(file.fileno(), 0o600)
            file.truncate(self._wanted.size)

    def _format(self, driver: str) -> None:
        if driver == "lvm":
            self._do("vgcreate", pool.GROUP, self._node())
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
        tree = self._tree()
        if not tree:  # else a run was broken off before it had a file system
            self._do("lvcreate", "-W", "y", "-y", "-n", pool.TREE, "-L", f"{self._wanted.tree_size}b", pool.GROUP)
        self._do("mkfs.ext4", "-q", "-L", pool.LABEL, tree or f"/dev/{pool.GROUP}/{pool.TREE}")

    def _fstab(self, driver: str) -> None:
        entry = self._entry(driver, devices.signatures(self._run, self._wanted.place))
        write_fstab(fstab.with_entry(devices.read(FSTAB), entry))
        reload_units(self._run)

    def _mount(self, _driver: str) -> None:
        os.makedirs(self._wanted.path, mode=0o755, exist_ok=True)
        self._do("mount", self._wanted.path)
        if not self.look().mounted:  # with nofail, mount is content with a source that is not there
            raise Failed(f"{self._wanted.path} is not mounted, though mount said nothing")

    def _device(self, _driver: str) -> None:
        self._do("losetup", "--set-capacity", self._node())

    def _grow(self, driver: str) -> None:
        path = self._wanted.path
        if driver == "lvm":
            self._do("pvresize", self._node())
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

    def _node(self) -> str:
        """The block device: the disk, or the loop device of the file, which is attached now if it is not."""
        found = self._nodes(os.path.realpath(self._wanted.place))
        return found[0] if found else self._do("losetup", "--find", "--show", self._wanted.file).strip()

    def _nodes(self, place: str) -> tuple[str, ...]:
        """Block devices that show the file, or the disk itself."""
        if self._wanted.disk or not os.path.exists(place):
            return (place,) if os.path.exists(place) else ()
        _, out, _ = self._run(["losetup", "--noheadings", "--output", "NAME", "--associated", place])
        return tuple(os.path.realpath(name) for name in out.split())

    def _entry(self, driver: str, signs: Sequence[dict[str, str]]) -> fstab.Entry:
        wanted = self._wanted
        source = f"UUID={signs[0]['uuid']}" if wanted.disk else wanted.file
        source = f"/dev/{pool.GROUP}/{pool.TREE}" if driver == "lvm" else source
        loop = () if wanted.disk or driver == "lvm" else ("loop",)
        options = (pool.OPTIONS[driver], *loop, "nofail", "x-systemd.before=docker.service", fstab.MARK)
        return fstab.Entry(source, wanted.path, "ext4" if driver == "lvm" else driver, ",".join(options))

    def _group(self, place: str, nodes: Sequence[str]) -> str:
        """The volume group, by LVM where that can be asked."""
        if not nodes or not devices.has_program("pvs"):
            return devices.group_on(place)
        return self._run(["pvs", "--noheadings", "-o", "vg_name", nodes[0]])[1].strip()

    def _tree(self) -> str:
        """The device of LVM's volume for the tree, if there is one."""
        path = f"/dev/{pool.GROUP}/{pool.TREE}"
        return os.path.realpath(path) if os.path.exists(path) else ""

    def _sleeps(self, group: str) -> bool:
        """Whether the group has the volume for the tree, and no device shows it."""
        return group == pool.GROUP and self._run(["lvs", f"{pool.GROUP}/{pool.TREE}"])[0] == 0

    def _filesystem_size(self, driver: str, nodes: Sequence[str]) -> int:
        path = self._wanted.path
        if driver == "btrfs":
            found = os.statvfs(path)
            return found.f_blocks * found.f_frsize
        if driver == "xfs":
            told = re.search(r"^data\s+=\s*bsize=(\d+)\s+blocks=(\d+)", self._do("xfs_info", path), re.MULTILINE)
            return int(told[1]) * int(told[2]) if told else 0
        told = self._do("pvs", "--noheadings", "--nosuffix", "--units", "b", "-o", "dev_size,pv_size", nodes[0])
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
