"""Directories that are held to a size, on this host: what is there, and how each step is carried out."""

from __future__ import annotations

import os
import re
import shutil
from xml.etree import ElementTree

from ansible_collections.moorage.boot.plugins.module_utils import devices, fstab, pool, pool_host, quota

FIRST_PROJECT = 1000
Failed = devices.Failed


class Directory:
    """One directory. A subclass for each kind says how it is looked at and changed."""

    grain = 1 << 10
    """Bytes that a limit is counted in."""

    def __init__(self, run: devices.Run, path: str, mount: fstab.Mount) -> None:
        self._run = run
        self._path = path
        self._mount = mount

    def look(self) -> quota.Seen:
        exists = os.path.isdir(self._path)
        return quota.Seen(self._mount.kind, exists=exists, own=exists, empty=not exists or not os.listdir(self._path))

    def make(self, _limit: int | None) -> None:
        os.makedirs(self._path, mode=0o755)

    def own(self, _limit: int | None) -> None:
        """Make the directory one that a limit can be put on."""

    def limit(self, limit: int | None) -> None:
        raise Failed(f"{self._path} cannot be held to {limit} bytes")

    def _do(self, *argv: str) -> str:
        code, out, error = self._run(list(argv))
        if code:
            raise Failed(f"{' '.join(argv)}: {(error or out).strip()}")
        return out


class Btrfs(Directory):
    """A subvolume with a quota group. What is shared with a snapshot counts."""

    def look(self) -> quota.Seen:
        seen = super().look()
        own = seen.exists and os.stat(self._path).st_ino == 256  # the root of every subvolume
        code, out, error = self._run(
            ["btrfs", "qgroup", "show", "-ref", "--raw", self._path if own else self._mount.path]
        )
        if code:
            return quota.Seen("btrfs", ready=f"quota groups of {self._mount.path} cannot be used: {error.strip()}")
        if not own:
            return quota.Seen("btrfs", exists=seen.exists, empty=seen.empty)
        used, _exclusive, limit = re.findall(r"^\d+/\d+\s+(\d+)\s+(\d+)\s+(\d+|none)", out, re.MULTILINE)[-1]
        return quota.Seen("btrfs", "", True, True, seen.empty, None if limit == "none" else int(limit), int(used))

    def make(self, _limit: int | None) -> None:
        os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)
        self._do("btrfs", "subvolume", "create", self._path)

    def own(self, _limit: int | None) -> None:
        was = os.stat(self._path)
        os.rmdir(self._path)
        self.make(None)
        shutil.chown(self._path, was.st_uid, was.st_gid)
        os.chmod(self._path, was.st_mode & 0o7777)

    def limit(self, limit: int | None) -> None:
        self._do("btrfs", "qgroup", "limit", "none" if limit is None else str(limit), self._path)


class Xfs(Directory):
    """A project of its own: the directory and all that is made in it carry its number."""

    def look(self) -> quota.Seen:
        seen = super().look()
        if "prjquota" not in _options(self._mount.path):
            return quota.Seen("xfs", ready=f"{self._mount.path} is mounted without project quotas (option pquota)")
        project = self._project() if seen.exists else 0
        used, limit = self._projects().get(project, (0, None)) if project else (0, None)
        return quota.Seen("xfs", "", seen.exists, project > 0, seen.empty, limit, used)

    def own(self, _limit: int | None) -> None:
        number = max((FIRST_PROJECT - 1, *self._projects())) + 1
        self._do("xfs_quota", "-x", "-c", f"project -s -p {self._path} {number}", self._mount.path)

    def limit(self, limit: int | None) -> None:
        if not self._project():
            self.own(limit)
        size = f"{(limit or 0) // 1024}k"
        self._do("xfs_quota", "-x", "-c", f"limit -p bhard={size} {self._project()}", self._mount.path)

    def _project(self) -> int:
        told = re.search(r"projid = (\d+)", self._do("xfs_io", "-r", "-c", "lsproj", self._path))
        return int(told[1]) if told else 0

    def _projects(self) -> dict[int, tuple[int, int | None]]:
        """Number to bytes used and allowed."""
        told = self._do("xfs_quota", "-x", "-c", "report -p -b -n -N", self._mount.path)
        rows = re.findall(r"^#(\d+)\s+(\d+)\s+\d+\s+(\d+)", told, re.MULTILINE)
        return {int(number): (int(used) << 10, (int(hard) << 10) or None) for number, used, hard in rows}


class Lvm(Directory):
    """A logical volume of its own, mounted at the directory."""

    grain = 4 << 20

    def look(self) -> quota.Seen:
        seen = super().look()
        own = os.path.realpath(self._mount.source) == os.path.realpath(self._device) and self._mount.path == self._path
        if not own:
            return quota.Seen("lvm", exists=seen.exists, empty=seen.empty)
        told = self._do("lvs", "--noheadings", "--nosuffix", "--units", "b", "-o", "lv_size", self._device)
        found = os.statvfs(self._path)
        return quota.Seen(
            "lvm", "", True, True, seen.empty, int(told), (found.f_blocks - found.f_bfree) * found.f_frsize
        )

    def make(self, limit: int | None) -> None:
        os.makedirs(self._path, mode=0o755, exist_ok=True)
        if limit is not None:
            self.own(limit)

    def own(self, limit: int | None) -> None:
        if not os.path.exists(self._device):
            self._do("lvcreate", "-W", "y", "-y", "-n", self._name, "-L", f"{limit}b", pool.GROUP)
        if not devices.signatures(self._run, self._device):
            self._do("mkfs.ext4", "-q", "-m", "0", self._device)
        options = f"noatime,nofail,x-systemd.before=docker.service,{fstab.MARK}"
        entry = fstab.Entry(self._device, self._path, "ext4", options)
        with open(pool_host.FSTAB, encoding="utf-8") as file:
            table = file.read()
        pool_host.write_fstab(fstab.with_entry(table, entry))
        pool_host.reload_units(self._run)
        self._do("mount", self._path)
        if os.listdir(self._path) == ["lost+found"]:
            os.rmdir(os.path.join(self._path, "lost+found"))  # people's own directory; a repair makes it again

    def limit(self, limit: int | None) -> None:
        if (
            limit is not None
            and int(self._do("lvs", "--noheadings", "--nosuffix", "--units", "b", "-o", "lv_size", self._device))
            < limit
        ):
            self._do("lvextend", "--resizefs", "-L", f"{limit}b", self._device)

    @property
    def _name(self) -> str:
        return quota.volume_name(self._path)

    @property
    def _device(self) -> str:
        return f"/dev/{pool.GROUP}/{self._name}"


class Gluster(Directory):
    """A directory of the shared volume, whose servers count for all hosts."""

    def look(self) -> quota.Seen:
        seen = super().look()
        code, out, error = self._run(
            ["gluster", "--mode=script", "--xml", "volume", "quota", self._volume, "list", self._below]
        )
        answer = ElementTree.fromstring(out) if out.startswith("<?xml") else None  # noqa: S314  # of a program of the host
        if answer is None or (code and "disabled" in (answer.findtext("opErrstr") or "")):
            return quota.Seen("gluster", ready=f"quotas of the volume {self._volume} cannot be used: {error or out}")
        hard = answer.findtext(".//limit/hard_limit") or ""
        used = answer.findtext(".//limit/used_space") or ""
        limit = int(hard) if hard.isdecimal() else None
        return quota.Seen(
            "gluster", "", seen.exists, seen.exists, seen.empty, limit, int(used) if used.isdecimal() else 0
        )

    def limit(self, limit: int | None) -> None:
        ask = ("remove", self._below) if limit is None else ("limit-usage", self._below, str(limit))
        self._do("gluster", "--mode=script", "volume", "quota", self._volume, *ask)

    @property
    def _volume(self) -> str:
        return self._mount.source.rpartition(":")[2].strip("/")

    @property
    def _below(self) -> str:
        return f"/{os.path.relpath(self._path, self._mount.path)}"


CLASSES = {"btrfs": Btrfs, "xfs": Xfs, "lvm": Lvm, "fuse.glusterfs": Gluster}


def directory(run: devices.Run, path: str) -> Directory:
    """The directory, as what it lies on lets it be; it need not be there yet."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        text = file.read()
    path = os.path.realpath(path)
    holders = (mount for mount in fstab.mounts(text) if f"{path}/".startswith(f"{mount.path.rstrip('/')}/"))
    mount = max(holders, key=lambda one: len(one.path))  # of two at one path, max keeps the first
    mount = fstab.mount_at(text, mount.path) or mount
    volumes = f"/dev/mapper/{pool.GROUP}-"
    kind = "lvm" if mount.source.startswith((volumes, f"/dev/{pool.GROUP}/")) else mount.kind
    return CLASSES.get(kind, Directory)(run, path, mount)


def _options(path: str) -> str:
    """Options of what is mounted at a path."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        found = [line.split() for line in file]
    return next((fields[3] for fields in reversed(found) if fields[1] == path), "")
