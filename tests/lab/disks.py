"""Disks of lab hosts: files that the kernel shows as block devices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.hosts import Host

NODES = "/etc/tmpfiles.d/disks.conf"
COUNT = 64


def with_disks(*hosts: Host) -> None:
    """Give them the device nodes that a machine has, now and after every start."""
    lines = ["c! /dev/loop-control 0660 root disk - 10:237", "c! /dev/btrfs-control 0660 root disk - 10:234"]
    lines += [f"b! /dev/loop{number} 0660 root disk - 7:{number}" for number in range(COUNT)]
    for host in hosts:
        host.run("sh", "-c", f"cat > {NODES}", text="\n".join(lines) + "\n")
        host.run("systemd-tmpfiles", "--create", "--boot", NODES)


@contextmanager
def disk(host: Host, size: str, make: str = "") -> Iterator[str]:
    """A disk of its own, blank or with what `make` puts on `{}`; its device, which would outlive the host otherwise."""
    file = host.run("mktemp", "/var/lib/disk.XXXXXX").strip()
    host.run("truncate", "-s", size, file)
    if make:
        host.sh(make.format(file))
    device = host.run("losetup", "--find", "--show", file).strip()
    try:
        yield device
    finally:
        host.run("losetup", "--detach", device)
