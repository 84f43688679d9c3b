"""What the kernel says, from files as it writes them: of the host, and of containers with either version of cgroups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from appserver.adapters.host_containers import Containers
from appserver.adapters.host_files import HostFiles
from appserver.adapters.host_metrics import KernelHost
from appserver.core.containers import ContainerProcess
from appserver.core.metrics import FIELDS, Subject, Values, field
from appserver.errors import BackendError

ID = "3f2c1a9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b"
WEB = ContainerProcess(ID, "shop-web-1", 77, "default.shop", "web", "shop")
SUBJECT = Subject("container", "shop-web-1", "default.shop", "web")


def lines(*parts: str) -> str:
    return "".join(f"{part}\n" for part in parts)


DEV = lines(
    "Inter-|   Receive                            |  Transmit",
    " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier",
    "    lo: 500 5 0 0 0 0 0 0 500 5 0 0 0 0 0 0",
    "  eth0: {0} 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0",
    "veth12: 900 9 0 0 0 0 0 0 900 9 0 0 0 0 0 0",
)
HOST = {
    "proc/stat": lines(
        "cpu  100 0 50 1000 25 5 5 40 0 0",
        "cpu0 50 0 25 500 0 0 0 0 0 0",
        "cpu1 50 0 25 500 0 0 0 0 0 0",
        "btime 1",
    ),
    "proc/loadavg": "0.50 0.25 0.10 1/300 4321\n",
    "proc/uptime": "1234.56 2000.00\n",
    "proc/meminfo": lines(
        "MemTotal: 1000 kB",
        "MemFree: 10 kB",
        "MemAvailable: 400 kB",
        "SwapTotal: 8 kB",
        "SwapFree: 6 kB",
        "HugePages_Total: 0",
    ),
    "proc/diskstats": lines(
        "254 0 vda 10 0 100 5 20 0 200 7 0 1500 9",
        "254 1 vda1 9 0 90 5 20 0 200 7 0 30 9",
        "7 0 loop0 1 0 1 1 1 1 1 1 1 1 1",
    ),
    "proc/filesystems": lines(
        "nodev\tproc",
        "\text4",
        "\tsquashfs",
    ),
    "proc/1/mounts": lines(
        "/dev/vda1 / ext4 rw 0 0",
        "proc /proc proc rw 0 0",
        "/dev/vdb /srv/a\\040b ext4 rw 0 0",
        "/dev/loop0 /snap squashfs ro 0 0",
    ),
    "proc/1/net/dev": DEV.format(1000),
    "sys/block/vda/size": "1",
    "sys/block/loop0/size": "1",
    "srv/a b/file": "",
}
SECOND = {
    "sys/fs/cgroup/cgroup.controllers": "cpu io memory pids\n",
    "proc/77/cgroup": f"0::/system.slice/docker-{ID}.scope\n",
    "proc/77/net/dev": DEV.format(7000),
    **{
        f"sys/fs/cgroup/system.slice/docker-{ID}.scope/{name}": text
        for name, text in {
            "cpu.stat": lines(
                "usage_usec 2500000",
                "user_usec 1",
                "throttled_usec 500000",
            ),
            "memory.current": "5000\n",
            "memory.stat": lines(
                "anon 1",
                "inactive_file 1000",
            ),
            "memory.max": "max\n",
            "io.stat": lines(
                "254:0 rbytes=10 wbytes=20 rios=1 wios=1",
                "8:0 rbytes=5 wbytes=1 rios=0 wios=0",
            ),
            "pids.current": "3\n",
        }.items()
    },
}
BLOCKS = lines("8:0 Read 10", "8:0 Write 20", "8:0 Total 30", "9:0 Read 5", "9:0 Write 1", "Total 36")
FIRST = {
    "proc/77/cgroup": lines(
        f"4:memory:/docker/{ID}",
        f"3:cpu,cpuacct:/docker/{ID}",
        f"2:blkio:/docker/{ID}",
        f"1:pids:/docker/{ID}",
        "0::/",
    ),
    "proc/77/net/dev": DEV.format(7000),
    **{
        f"sys/fs/cgroup/{controller}/docker/{ID}/{name}": text
        for controller, name, text in (
            ("cpuacct", "cpuacct.usage", "2500000000\n"),
            ("cpu", "cpu.stat", "nr_periods 0\nthrottled_time 500000000\n"),
            ("memory", "memory.usage_in_bytes", "5000\n"),
            ("memory", "memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n"),
            ("memory", "memory.limit_in_bytes", "9223372036854771712\n"),
            (
                "blkio",
                "blkio.throttle.io_service_bytes",
                "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n9:0 Read 5\n9:0 Write 1\nTotal 36\n",
            ),
            ("pids", "pids.current", "3\n"),
        )
    },
}


def host(root: Path, *trees: Mapping[str, str]) -> HostFiles:
    for path, text in (pair for tree in trees for pair in tree.items()):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return HostFiles(root, root / "proc/1")


def told(values: Values, subject: Subject) -> dict[str, float]:
    return {one.name: field(values, subject, one.name) for one in FIELDS[subject.kind]}


def test_the_host_is_read_through_process_1(tmp_path: Path) -> None:
    """Its cpu, memory, load, uptime; its own interfaces and whole disks; its mounts, each file system once."""
    found = KernelHost(host(tmp_path, HOST)).read(()).values
    assert told(found, Subject("node")) == {
        "cpu": 2.0,
        "iowait": 0.25,
        "steal": 0.4,
        "cpus": 2,
        "load1": 0.5,
        "load5": 0.25,
        "load15": 0.1,
        "memory": 600 * 1024,
        "memory_total": 1000 * 1024,
        "swap": 2 * 1024,
        "swap_total": 8 * 1024,
        "uptime": 1234.56,
    }
    assert told(found, Subject("device", "vda")) == {
        "read": 51_200,
        "written": 102_400,
        "reads": 10,
        "writes": 20,
        "busy": 1.5,
    }
    assert told(found, Subject("network", "eth0")) == {"received": 1000, "sent": 2000, "faults": 10}
    assert {(one.kind, one.name) for one in found} == {
        ("node", ""),
        ("device", "vda"),
        ("network", "eth0"),
        ("disk", "/"),
    }, "both mounts are on one file system here"
    disk = told(found, Subject("disk", "/"))
    assert 0 < disk["used"] <= disk["size"] and 0 < disk["inodes_used"] <= disk["inodes"]


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    """A kernel without one of the files is measured by the others."""
    found = KernelHost(host(tmp_path, {"proc/loadavg": "0.5 0.2 0.1 1/2 3\n", "proc/stat": "cpu nonsense\n"})).read(())
    node = told(found.values, Subject("node"))
    assert (node["load1"], math.isnan(node["cpu"]), math.isnan(node["memory"])) == (0.5, True, True)
    with pytest.raises(BackendError, match="cannot be read"):
        KernelHost(HostFiles(tmp_path, tmp_path)).memory()


@pytest.mark.parametrize("tree", [SECOND, FIRST], ids=["version 2", "version 1"])
def test_a_container_is_measured_by_its_control_group(tmp_path: Path, tree: Mapping[str, str]) -> None:
    """The same numbers whichever version; its network by its process, without the loopback."""
    found = told(Containers(host(tmp_path, tree)).read((WEB,)), SUBJECT)
    assert found == {
        "cpu": 2.5,
        "throttled": 0.5,
        "memory": 4000,
        "memory_limit": 0,
        "received": 7900,
        "sent": 2900,
        "read": 15,
        "written": 21,
        "pids": 3,
    }


def test_a_limit_of_memory_is_told(tmp_path: Path) -> None:
    """In bytes."""
    limited = {f"sys/fs/cgroup/system.slice/docker-{ID}.scope/memory.max": "262144\n"}
    assert told(Containers(host(tmp_path, SECOND, limited)).read((WEB,)), SUBJECT)["memory_limit"] == 262_144


def test_the_path_may_begin_above_what_is_mounted(tmp_path: Path) -> None:
    """As for an engine within a container, whose groups are told from the outer root."""
    deeper = {"proc/77/cgroup": f"0::/docker/outer/system.slice/docker-{ID}.scope\n"}
    assert SUBJECT in Containers(host(tmp_path, SECOND, deeper)).read((WEB,))


def test_another_process_with_that_number_is_not_taken_for_it(tmp_path: Path) -> None:
    """Nor is one that is gone."""
    other = {"proc/77/cgroup": "0::/user.slice\n"}
    assert Containers(host(tmp_path, SECOND, other)).read((WEB,)) == {}
    assert Containers(host(tmp_path / "empty", {"proc/x": ""})).read((WEB,)) == {}


def test_a_container_on_the_hosts_network_has_no_traffic_of_its_own(tmp_path: Path) -> None:
    """The host's would be counted for each of them."""
    files = host(tmp_path, SECOND, {"proc/1/ns/x": "", "proc/77/ns/x": ""})
    for process in ("1", "77"):
        (tmp_path / f"proc/{process}/ns/net").symlink_to("net:[4026531840]")
    found = told(Containers(files).read((WEB,)), SUBJECT)
    assert math.isnan(found["received"]) and math.isnan(found["sent"])
    assert found["cpu"] == 2.5


def test_file_systems_are_told_once(tmp_path: Path) -> None:
    """By the first path that is on them; one that is not there says so."""
    files = host(tmp_path, {"a/x": "", "b/x": ""})
    first, gone = KernelHost(files).spaces(("/a", "/b", "/gone"))
    assert (first.path, first.fault, first.size > first.free > 0) == ("/a", "", True)
    assert (gone.path, gone.fault) == ("/gone", "No such file or directory")
