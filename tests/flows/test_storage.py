"""`playbooks/storage.yml` over three hosts, from bare to replaced. Each test stands on those before it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from tests.lab.boot_lab import Lab, Play, lab
from tests.lab.checkout import ROOT
from tests.lab.disks import disk, with_disks
from tests.lab.etcd import Cluster, etcd_members
from tests.lab.groups import in_group
from tests.lab.hosts import Host
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(400)]

NAMES = ("boot-0", "boot-1", "boot-2")
TREE = "/opt/moorage-data"
BRICK = f"{TREE}/local/gluster/brick"
LIMITS = {"storage_container_quotas": {"bob-1-0": "20M"}, "storage_user_quotas": {"bob": "16M"}}
Storage = Callable[..., Play]


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(3, tmp_path_factory.mktemp("storage")) as made:
        with_disks(*made.hosts)
        yield made


@pytest.fixture(scope="module")
def store() -> Iterator[Cluster]:
    with etcd_members() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def storage(hosts: Lab, store: Cluster) -> Storage:
    """The playbook with these variables; `serial` hosts at a time, all of them if it is 0."""

    def play(*argv: str, serial: int = 0, **variables: object) -> Play:
        ours = {"etcd_endpoints": [store.endpoints[0].removeprefix("http://")], "storage_size": "900M", **variables}
        plays = yaml.safe_load((ROOT / "playbooks/storage.yml").read_text())
        book = hosts.directory / "storage-book.yml"
        book.write_text(json.dumps([{**one, "serial": serial} for one in plays]))
        return hosts.play(str(book), *in_group(hosts, "storage"), "-e", json.dumps(ours), *argv)

    return play


def test_a_check_of_bare_hosts_changes_nothing(hosts: Lab, storage: Storage) -> None:
    """It tells each step and its cause, and leaves neither a file nor a package."""
    play = storage("--check", "--diff").good()
    assert f"+format {TREE}/local.pool: there is none; btrfs, 900 MiB" in play.text
    assert "+volume create moorage replica 3" in play.text
    assert min(play.changed.values()) > 5
    assert "No such file" in hosts[0].sh(f"ls {TREE}", check=False)
    assert "glusterfs" not in hosts[0].sh("dpkg-query -W")


def test_bare_hosts_get_pools_and_share_one_tree(hosts: Lab, storage: Storage, store: Cluster) -> None:
    """What one host writes another reads; the tree has the token that is on record, and so have the packages."""
    with ThreadPoolExecutor(3) as at_once:
        list(at_once.map(lambda host: host.run("apt-get", "update"), hosts.hosts))  # the role base does it at a site
    storage().good()
    hosts[0].sh(f"echo ahoy > {TREE}/global/hello")
    assert hosts[2].sh(f"cat {TREE}/global/hello") == "ahoy\n"
    token = on_record(store, "token")["token"]
    assert re.fullmatch(r"\d{5}-\d{5}", token)
    assert hosts[1].sh(f"cat {TREE}/global/token") == token
    recorded = on_record(store, "install/2/debs/")
    assert recorded.keys() >= {"btrfs-progs", "glusterfs-server"}
    assert ".moorage-probe" not in hosts[0].sh(f"ls -A {TREE}/global")


def test_a_second_run_and_a_check_change_nothing(storage: Storage) -> None:
    assert storage().good().changed == dict.fromkeys(NAMES, 0)
    assert storage("--check", "--diff").good().changed == dict.fromkeys(NAMES, 0)


def test_pools_grow_in_use_and_limits_hold(hosts: Lab, storage: Storage) -> None:
    """Random bytes, which no compression makes small, end at the limit; of a user from whichever host they come."""
    storage(storage_size="1200M", **LIMITS).good()
    for host in hosts.hosts:
        assert room(host, f"{TREE}/local") == 1200 << 20
    assert fill(hosts[0], f"{TREE}/local/volume/bob-1-0", 60) <= 20 << 20
    assert fill(hosts[1], f"{TREE}/global/users/bob/data", 60) < 25 << 20
    assert "Disk quota exceeded" in hosts[2].sh(f"echo more > {TREE}/global/users/bob/data/more", check=False)
    assert hosts[2].sh(f"echo all well > {TREE}/global/elsewhere") == ""
    assert sum(storage(storage_size="1200M", **LIMITS).good().changed.values()) == 0


def test_a_pool_does_not_shrink(storage: Storage) -> None:
    play = storage(storage_size="600M")
    assert play.code != 0
    assert "1200 MiB; a pool can grow, not shrink to 600 MiB" in play.text


def test_a_disk_with_data_is_refused_and_a_blank_one_is_taken(hosts: Lab, storage: Storage) -> None:
    """To the byte it is as it was; and one host by itself has its shared tree in its own pool, with limits."""
    alone = {"storage_prefix": "/srv/alone", "storage_hosts": ["boot-0"], "storage_user_quotas": {"eve": "16M"}}
    host = hosts[0]
    with disk(host, "300M", "mkfs.ext4 -q {}") as photos:
        before = host.run("sha256sum", photos)
        play = storage("--limit", "boot-0", storage_disk=photos, **alone)
        assert play.code != 0
        assert f"{photos} may hold data and is not formatted" in play.text
        assert "it holds ext4" in play.text
        assert host.run("sha256sum", photos) == before
    with disk(host, "400M", "dd status=none if=/dev/urandom bs=1M seek=0 count=1 conv=notrunc of={}") as raw:
        assert "it is not blank" in storage("--limit", "boot-0", storage_disk=raw, **alone).text
    with disk(host, "400M") as blank:
        storage("--limit", "boot-0", storage_disk=blank, **alone).good()
        assert fill(host, "/srv/alone/global/users/eve/data", 40) <= 16 << 20
        assert storage("--limit", "boot-0", storage_disk=blank, **alone).good().changed == {"boot-0": 0}
        host.sh("umount /srv/alone/global /srv/alone/local && sed -i '\\|/srv/alone|d' /etc/fstab")


def test_hosts_that_do_not_share_are_found_out(storage: Storage) -> None:
    """Two hosts, each with a directory of its own, are not taken for one cluster; nothing is written into the trees."""
    apart = {"storage_prefix": "/srv/apart", "storage_global": "directory", "storage_driver": "directory"}
    play = storage("--limit", "boot-0,boot-1", **apart)
    assert play.code != 0
    assert "these hosts do not share one tree" in play.text


def test_a_tree_that_hangs_fails_in_time(hosts: Lab, storage: Storage) -> None:
    """The play goes to its end and says which directory did not answer."""
    client = "pgrep -f 'glusterfs --process-name fus[e]'"
    hosts[1].sh(f"kill -STOP $({client})")
    try:
        play = storage(storage_timeout=3, storage_size="1200M")
    finally:
        hosts[1].sh(f"kill -CONT $({client})")
    assert play.code != 0
    assert f"{TREE}/global did not answer in 3 s" in play.text


def test_a_host_may_die_and_come_back(hosts: Lab, storage: Storage) -> None:
    """Writes go on without it; when it is back its mounts are there, and its copy has all that it missed."""
    hosts[2].kill()
    hosts[0].sh(f"cd {TREE}/global && for n in $(seq 30); do echo $n > missed-$n; done", timeout_s=30)
    hosts[2].start()
    wait_until(lambda: mounted(hosts[2]), "the tree is mounted", 60)
    assert "no limit" not in hosts[2].sh(f"btrfs qgroup show -r {TREE}/local")
    wait_until(lambda: copies(hosts[2], "missed-") == 30, "the copy is healed", 120)
    assert storage(storage_size="1200M").good().changed == dict.fromkeys(NAMES, 0)


def test_a_new_machine_takes_the_place_of_a_dead_one(hosts: Lab, storage: Storage) -> None:
    """Under the same address, by a play over it alone: it joins the volume, makes no second one, and gets its copy."""
    hosts.reset(2)
    with_disks(hosts[2])
    hosts[2].run("apt-get", "update")
    play = storage("--limit", "boot-2", "--diff", storage_size="1200M").good()
    assert "a new machine has this address" in play.text
    wait_until(lambda: copies(hosts[2], "missed-") == 30, "the copy is whole", 120)
    assert storage(storage_size="1200M").good().changed == dict.fromkeys(NAMES, 0)


def test_a_host_that_left_the_inventory_gives_its_copy_up(hosts: Lab, storage: Storage) -> None:
    """The others go on with two."""
    hosts.shrink(2)
    storage(storage_size="1200M").good()
    assert "1 x 2 = 2" in hosts[1].run("gluster", "volume", "info", "moorage")
    assert hosts[1].sh(f"cat {TREE}/global/missed-30") == "30\n"


def test_bare_hosts_come_one_at_a_time(hosts: Lab, storage: Storage) -> None:
    """With `serial`: those whose turn has not come are not taken for hosts that keep something back."""
    hosts.reset()
    with_disks(*hosts.hosts)
    for host in hosts.hosts:
        host.run("apt-get", "update")
    storage(serial=1).good()
    assert "1 x 2 = 2" in hosts[0].run("gluster", "volume", "info", "moorage")
    hosts[0].sh(f"echo ahoy > {TREE}/global/hello")
    assert hosts[1].sh(f"cat {TREE}/global/hello") == "ahoy\n"
    assert sum(storage(serial=1).good().changed.values()) == 0


def on_record(store: Cluster, prefix: str) -> Mapping[str, str]:
    told = store.etcdctl("get", "--prefix", f"/moorage/{prefix}").splitlines()
    return {key.rpartition("/")[2]: value for key, value in zip(told[::2], told[1::2], strict=True)}


def room(host: Host, path: str) -> int:
    """Bytes of a file system."""
    return int(host.sh(f"df --block-size=1 --output=size {path} | tail -1"))


def fill(host: Host, directory: str, megabytes: int) -> int:
    """Bytes that got into a file before the limit stopped it."""
    told = host.sh(f"dd if=/dev/urandom of={directory}/big bs=1M count={megabytes} 2>&1", check=False, timeout_s=60)
    assert "Disk quota exceeded" in told, told
    return int(host.sh(f"stat -c %s {directory}/big"))


def mounted(host: Host) -> bool:
    return "fuse.glusterfs" in host.sh(f"findmnt -n -o FSTYPE {TREE}/global", check=False)


def copies(host: Host, prefix: str) -> int:
    return int(host.sh(f"ls {BRICK} | grep -c ^{prefix}", check=False) or 0)
