"""What is to become of a host's storage pool: decided of what was seen, without touching anything.

A pool is one file system on a file or a disk, or with LVM a volume group. It is made once, it grows, and nothing that
may hold data is ever formatted.
"""

from __future__ import annotations

from dataclasses import dataclass

LABEL = "moorage-pool"
"""Of a file system that this collection made: as long as xfs lets a label be."""
GROUP = "moorage"
"""The volume group of a pool of LVM."""
TREE = "tree"
"""The logical volume in it that is mounted: directories. Each volume of a container is one of its own."""
DRIVERS = ("btrfs", "xfs", "lvm", "directory")
"""From the most to the least that can be done with them."""
KIND = {"btrfs": "btrfs", "xfs": "xfs", "lvm": "LVM2_member"}
"""The signature that a pool bears on its file or disk."""
OPTIONS = {"btrfs": "noatime", "xfs": "noatime,pquota", "lvm": "noatime"}
LEAST = {"btrfs": 256 << 20, "xfs": 512 << 20, "lvm": 256 << 20}
"""Bytes under which the file system cannot be made, or is of no use."""
SLACK = 4 << 20
"""Bytes that a file system leaves unused at the end of its device."""


@dataclass(frozen=True)
class Wanted:
    """`driver` may be auto. `disk` or `file` is where the pool lies; `size` is that of the file, bytes."""

    driver: str
    path: str
    disk: str
    file: str
    size: int
    tree_size: int

    @property
    def place(self) -> str:
        return self.disk or self.file


@dataclass(frozen=True)
class Seen:
    """What the host has. `size` and `filesystem_size` are bytes; 0 is none.

    kernel: drivers that the kernel can do.
    signatures: kinds of everything on the file or disk that says what it is: file systems, tables of partitions, LVM.
    uses: a sentence on each use of the file or disk, `mounted at /srv`.
    blank: a file has no data, a disk nothing but zeroes at its beginning.
    attached: block devices show the file, or the disk, and what LVM has on it.
    mounted: whether the pool is, at its path; over: what else is mounted or lies there.
    fstab: whether its line is there as it is to be; foreign: the line for its path that is somebody's own.
    """

    kernel: frozenset[str] = frozenset()
    exists: bool = False
    size: int = 0
    room: int = 0
    signatures: tuple[str, ...] = ()
    label: str = ""
    group: str = ""
    uses: tuple[str, ...] = ()
    blank: bool = True
    attached: bool = False
    mounted: bool = False
    over: str = ""
    fstab: bool = False
    foreign: str = ""
    device_size: int = 0
    filesystem_size: int = 0
    quota: bool = False
    tree: bool = False


@dataclass(frozen=True)
class Step:
    """One thing to do, to what, and why."""

    action: str
    subject: str
    cause: str

    def __str__(self) -> str:
        return f"{self.action} {self.subject}: {self.cause}\n"


@dataclass(frozen=True)
class Plan:
    """Steps in their order. With a refusal there are none."""

    driver: str
    steps: tuple[Step, ...] = ()
    refusal: str = ""
    warning: str = ""

    @property
    def text(self) -> str:
        return "".join(map(str, self.steps))


def decide(seen: Seen, wanted: Wanted) -> Plan:
    """What is to be done so that the pool is there, or why nothing can be."""
    driver = _driver(seen, wanted)
    if driver == "directory":
        return _directory(seen, wanted)
    why = _against(seen, wanted, driver)
    if why:
        return Plan(driver, refusal=why)
    ours = driver in _present(seen)
    if driver == "lvm" and ours and not seen.attached:
        # What is in the group can be told only then: the next look tells the rest.
        return Plan(driver, (Step("attach", wanted.place, "no device shows it"),))
    steps = (*_place(seen, wanted, driver, ours), *_format(seen, wanted, driver, ours), *_mount(seen, wanted))
    return Plan(driver, (*steps, *_grow(seen, wanted, driver, ours)))


def _driver(seen: Seen, wanted: Wanted) -> str:
    """The one that is wanted, else the one whose pool is there, else the best one that the kernel can do."""
    if wanted.driver != "auto":
        return wanted.driver
    return next(iter(_present(seen)), next((name for name in DRIVERS if name in seen.kernel), "directory"))


def _present(seen: Seen) -> tuple[str, ...]:
    """The driver whose pool lies on the file or disk, if one does."""
    for driver, kind in KIND.items():
        mark, expected = (seen.group, GROUP) if driver == "lvm" else (seen.label, LABEL)
        if seen.signatures == (kind,) and mark == expected:
            return (driver,)
    return ()


def _against(seen: Seen, wanted: Wanted, driver: str) -> str:
    """Why the pool cannot be made or used; empty when it can."""
    place, present = wanted.place, _present(seen)
    if driver not in seen.kernel:
        can = ", ".join(name for name in DRIVERS if name in seen.kernel)
        return f"the kernel cannot do {driver} (with all that a pool needs of it); it can do: {can}"
    if wanted.disk and not seen.exists:
        return f"there is no disk {place}"
    if present and driver not in present:
        return f"{place} holds a pool of {present[0]}; a change to {driver} would lose what is in it"
    if not present and (seen.signatures or seen.uses or not seen.blank):
        told = "; ".join((*seen.uses, *(f"it holds {kind}" for kind in seen.signatures))) or "it is not blank"
        mend = f"wipefs --all {place} && dd if=/dev/zero of={place} bs=1M count=1" if wanted.disk else f"rm {place}"
        return f"{place} may hold data and is not formatted: {told}. If nothing of it is needed: {mend}"
    if seen.over:
        return f"{wanted.path} cannot become the pool: {seen.over}"
    if seen.foreign:
        return f"/etc/fstab has a line of its own for {wanted.path}: {seen.foreign}"
    if wanted.disk:
        return f"{place} is too small for {driver}" if seen.size < LEAST[driver] else ""
    if wanted.size < LEAST[driver]:
        return f"a pool of {driver} has {LEAST[driver] >> 20} MiB at least, not {wanted.size >> 20}"
    if wanted.size < seen.size:
        return f"{place} has {seen.size >> 20} MiB; a pool can grow, not shrink to {wanted.size >> 20} MiB"
    if wanted.size - seen.size > seen.room:
        return f"{place} is to have {wanted.size >> 20} MiB, but there is room for {(seen.size + seen.room) >> 20} only"
    return ""


def _place(seen: Seen, wanted: Wanted, driver: str, ours: bool) -> tuple[Step, ...]:
    """A file for LVM, or a longer file. What else lies on a new file is made together with it."""
    if wanted.disk or seen.size == wanted.size or not (ours or driver == "lvm"):
        return ()
    return (Step("lengthen", wanted.file, f"{seen.size >> 20} MiB → {wanted.size >> 20} MiB"),)


def _format(seen: Seen, wanted: Wanted, driver: str, ours: bool) -> tuple[Step, ...]:
    steps = []
    if not ours:
        size = seen.size if wanted.disk else wanted.size
        cause = "it is blank" if seen.exists else "there is none"
        steps.append(Step("format", wanted.place, f"{cause}; {driver}, {size >> 20} MiB"))
    if driver == "lvm" and not seen.tree:
        steps.append(Step("volume", TREE, f"there is none; {wanted.tree_size >> 20} MiB"))
    return tuple(steps)


def _mount(seen: Seen, wanted: Wanted) -> tuple[Step, ...]:
    steps = []
    if not seen.fstab:
        steps.append(Step("fstab", wanted.path, "a line is missing or another"))
    if not seen.mounted:
        steps.append(Step("mount", wanted.path, "the pool is not mounted"))
    return tuple(steps)


def _grow(seen: Seen, wanted: Wanted, driver: str, ours: bool) -> tuple[Step, ...]:
    """A file that was lengthened grows the device on it, and that what lies on the device; a broken-off growth ends."""
    steps = []
    size = seen.size if wanted.disk else wanted.size
    if ours and seen.mounted and not wanted.disk and seen.device_size < size:
        steps.append(Step("device", wanted.file, f"{seen.device_size >> 20} MiB → {size >> 20} MiB"))
    if ours and 0 < seen.filesystem_size < size - SLACK:
        steps.append(Step("grow", wanted.path, f"{seen.filesystem_size >> 20} MiB → {size >> 20} MiB"))
    if driver == "btrfs" and not seen.quota and (seen.mounted or not ours):
        steps.append(Step("quota", wanted.path, "quota groups are off"))
    return tuple(steps)


def _directory(seen: Seen, wanted: Wanted) -> Plan:
    """The last resort: a plain directory, on whatever it lies on."""
    warning = "the pool is a plain directory: no quotas hold in it, and it can fill the file system that it lies on"
    if seen.mounted:
        return Plan("directory", refusal=f"a pool is mounted at {wanted.path}; a directory would hide what is in it")
    if wanted.disk:
        return Plan("directory", refusal=f"{wanted.disk} cannot be a plain directory: choose btrfs, xfs or lvm")
    return Plan("directory", warning=warning)
