"""What is installed on a host comes on record, and is compared and found there, with a real dpkg and etcd."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appserver.adapters.clock import SystemClock
from appserver.adapters.dpkg import Dpkg
from appserver.adapters.etcd import Etcd
from appserver.agent.installed import Record
from appserver.core.access import Caller
from appserver.core.boot import Difference
from appserver.core.containers import ContainerState
from appserver.core.events import NODE, Happening
from appserver.core.fleet import Node
from appserver.errors import BackendError, NotFound
from appserver.services.boot_servers import BootServers, Holder
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import below
from tests.fakes import HandClock
from tests.lab.etcd import ClusterFactory

ANN = Caller("ann", "viewer")
PACKAGE = "Package: {name}\nStatus: {status}\nArchitecture: {arch}\nVersion: {version}\nDescription: x\n\n"


class Host:
    """A host's dpkg database in a directory, and its running containers, which only the list is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.containers: list[ContainerState] = []
        (folder / "updates").mkdir()
        (folder / "info").mkdir()
        self.has({})

    def has(self, versions: dict[str, str], status: str = "install ok installed", arch: str = "amd64") -> None:
        rows = (PACKAGE.format(name=n, version=v, status=status, arch=arch) for n, v in versions.items())
        before = Dpkg(self.folder).stamp()
        (self.folder / "status").write_text("".join(rows))
        assert Dpkg(self.folder).stamp() != before

    def runs(self, name: str, image: str, labels: dict[str, str] | None = None) -> None:
        self.containers.append(
            ContainerState(name, name, "", "", "running", image, "sha256:1", "", labels=labels or {})
        )

    def running(self) -> tuple[ContainerState, ...]:
        return tuple(self.containers)


@pytest.fixture
def kv(etcd_cluster: ClusterFactory) -> Iterator[Etcd]:
    with closing(Etcd([etcd_cluster().members[0].endpoint])) as client:
        yield client


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def record(kv: Etcd, host: Host, lrn: int = 1) -> Record:
    return Record(kv, host, Dpkg(host.folder), SystemClock(), f"n{lrn}", lrn)  # type: ignore[arg-type]


def test_the_packages_of_this_machine_are_those_that_dpkg_lists() -> None:
    """Held against dpkg's own listing."""
    listed = subprocess.run(("dpkg", "-l"), capture_output=True, text=True, check=True).stdout.splitlines()
    installed = {line.split()[1].partition(":")[0]: line.split()[2] for line in listed if line.startswith("ii")}
    assert Dpkg().installed().items() >= installed.items()


def test_only_what_is_installed_counts(host: Host) -> None:
    """A removed package whose configuration is left is not installed."""
    host.has({"curl": "8"}, status="deinstall ok config-files")
    assert Dpkg(host.folder).installed() == {}


def test_a_host_without_dpkg_has_no_packages(tmp_path: Path) -> None:
    """No error every five seconds on a host of another kind."""
    assert Dpkg(tmp_path / "none").installed() == {}


def test_a_broken_database_is_an_error_with_dpkgs_own_words(host: Host) -> None:
    """Nothing is taken off the record because it could not be read."""
    (host.folder / "status").write_text("Package: \x00\n\n")
    with pytest.raises(BackendError, match="dpkg-query: "):
        Dpkg(host.folder).installed()


def test_five_hundred_packages_come_on_record_and_then_nothing_is_written(kv: Etcd, host: Host) -> None:
    """First within two seconds; a pass without a change writes nothing and costs little."""
    host.has({f"package-{n}": "1.0-1" for n in range(500)})
    host.runs("web", "caddy:2.8")
    mine = record(kv, host)
    begun = time.monotonic()
    assert len(mine.record()) == 501
    assert time.monotonic() - begun < 2
    written = kv.snapshot("").revision
    cpu = time.process_time()
    assert mine.record() == record(kv, host).record() == ()
    assert time.process_time() - cpu < 0.2
    assert kv.snapshot("").revision == written


def test_what_changes_by_hand_is_told_with_before_and_after(kv: Etcd, host: Host) -> None:
    """On record and on the node's bus; the first record of a host is no news."""
    mine = record(kv, host)
    host.has({"curl": "7", "jq": "1.6"})
    mine.record()
    assert not kv.snapshot("events/").items
    host.has({"curl": "8"})
    host.runs("odd", "busybox:1")
    host.runs("ours", "shop:1", {"moorage.application": "default.shop"})
    assert set(mine.record()) == {
        Difference("container", "odd", "", "busybox:1"),
        Difference("container", "ours", "", "shop:1"),
        Difference("deb", "curl", "7", "8"),
        Difference("deb", "jq", "1.6", ""),
    }
    news = [stored.record for _, stored in below(kv.snapshot("events/"), "events/", Happening)]
    assert [(one.bus, one.subject, one.message) for one in news] == [
        ("bus.cluman.node", "n1", "odd busybox:1 added, curl 7 → 8, jq 1.6 removed")
    ]
    host.containers.clear()
    mine.record()
    assert kv.snapshot("install/1/containers/").items == {}
    messages = [stored.record.message for _, stored in below(kv.snapshot("events/"), "events/", Happening)]
    assert messages[-1] == "odd busybox:1 removed"


def test_what_somebody_else_wrote_of_a_host_is_put_right_within_a_minute(kv: Etcd, host: Host) -> None:
    """The record is read again, and is what the host has."""
    clock = HandClock()
    host.has({"curl": "8"})
    mine = Record(kv, host, Dpkg(host.folder), clock, "n1", 1)  # type: ignore[arg-type]
    mine.record()
    kv.commit({}, {keys.installed_deb(1, "curl"): "7", keys.installed_deb(1, "ghost"): "1"})
    clock.pass_by(seconds=59)
    assert mine.record() == ()
    clock.pass_by(seconds=1)
    assert mine.record() == (Difference("deb", "curl", "7", "8"), Difference("deb", "ghost", "1", ""))
    assert {key: item.value for key, item in kv.snapshot("install/").items.items()} == {"install/1/debs/curl": "8"}


def test_another_hosts_record_is_never_touched(kv: Etcd, host: Host, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Not even that of a number which begins alike."""
    other = Host(tmp_path_factory.mktemp("other"))
    other.has({"curl": "7"})
    record(kv, other, 10).record()
    host.has({"vim": "9"})
    mine = record(kv, host, 1)
    mine.record()
    host.has({})
    mine.record()
    assert list(kv.snapshot("install/").items) == ["install/10/debs/curl"]


def test_people_see_what_each_has_and_where_they_differ(kv: Etcd) -> None:
    """Numbers sort as numbers; a server that is unknown is not found."""
    for lrn, curl in ((2, "7"), (10, "8")):
        puts = {keys.bootserver(lrn): "", keys.installed_deb(lrn, "curl"): curl}
        kv.commit({}, {**puts, keys.installed_container(lrn, "web-1"): "lan:5000/shop/web:4"})
        kv.commit({}, {keys.node(f"n{lrn}"): encode(Node(f"n{lrn}", f"192.0.2.{lrn}:8443", "default", lrn))})
    with kv.lease(5) as lease:
        kv.commit({}, {keys.alive("n2"): "192.0.2.2:8443"}, lease=lease.id)
        people = BootServers(kv=kv)
        assert [(one.lrn, one.on) for one in people.list(ANN)] == [(2, True), (10, False)]
    assert people.show(ANN, 10)[1].debs == {"curl": "8"}
    assert people.differences(ANN, 2, 10) == (Difference("deb", "curl", "7", "8"),)
    assert people.find(ANN, "deb", "curl", "7") == (Holder(2, "curl", "7"),)
    assert people.find(ANN, "container", "web", "4") == tuple(
        Holder(n, "web-1", "lan:5000/shop/web:4") for n in (2, 10)
    )
    assert people.find(ANN, "deb", "nano") == ()
    with pytest.raises(NotFound, match="no boot server 3"):
        people.show(ANN, 3)


def test_people_see_what_was_changed_by_hand(kv: Etcd, host: Host) -> None:
    """Newest first, with before and after; what a neighbour did, and what else happens to the node, is not among it."""
    host.has({"curl": "7", "jq": "1.6"})
    mine, neighbours = record(kv, host), record(kv, host, 10)
    for number in (1, 10):
        kv.commit(
            {}, {keys.node(f"n{number}"): encode(Node(f"n{number}", f"192.0.2.{number}:8090", "default", number))}
        )
    mine.record()
    people = BootServers(kv=kv)
    assert people.changes(ANN, 1) == ()
    host.has({"curl": "8", "jq": "1.6"})
    mine.record()
    host.has({"curl": "8"})
    host.runs("odd", "busybox:1")
    mine.record()
    neighbours.record()
    told = [(one.kind, one.name, one.before, one.after) for one in people.changes(ANN, 1)]
    assert told == [("container", "odd", "", "busybox:1"), ("deb", "jq", "1.6", ""), ("deb", "curl", "7", "8")]
    assert people.changes(ANN, 10) == ()
    assert len(people.changes(ANN, 1, most=1)) == 1
    with pytest.raises(NotFound, match="no boot server 3"):
        people.changes(ANN, 3)


def test_the_first_look_at_a_host_tells_of_no_changes(kv: Etcd, host: Host) -> None:
    """Roles record what they install before there is an agent: all else was there, and nobody's hand has added it."""
    node = Node("n1", "192.0.2.1:8090", "default", 1)
    kv.commit({}, {keys.installed_deb(1, "etcd-server"): "3.5", keys.node("n1"): encode(node)})
    host.has({"etcd-server": "3.5", "dpkg": "1.21", "curl": "7"})
    mine = record(kv, host)
    mine.record()
    assert BootServers(kv=kv).changes(ANN, 1) == ()
    host.has({"etcd-server": "3.5", "dpkg": "1.21"})
    mine.record()
    assert [one.name for one in BootServers(kv=kv).changes(ANN, 1)] == ["curl"]


def test_the_last_changes_are_found_among_ten_thousand_events(kv: Etcd) -> None:
    """Within a second, as all that people ask of boot servers."""
    other = Happening(NODE, "update", "INFO", "n2", "engine is ok", SystemClock().now())
    events = {keys.event(other.at, f"{number:08x}"): encode(other) for number in range(10_000)}
    for some in parts(list(events)):
        kv.commit({}, {key: events[key] for key in some})
    kv.commit({}, {keys.bootserver(1): ""})
    begun = time.monotonic()
    assert BootServers(kv=kv).changes(ANN, 1) == ()
    assert time.monotonic() - begun < 1


def test_a_thousand_boot_servers_answer_within_a_second(kv: Etcd) -> None:
    """Of 500 packages each: who has this one, who runs that image, and where do two differ."""
    for lrn in range(1000):
        puts = {keys.installed_deb(lrn, f"package-{n}"): "1" for n in range(500)}
        kv.commit({}, {keys.bootserver(lrn): "", **puts})
    people = BootServers(kv=kv)
    for ask in (
        lambda: people.find(ANN, "deb", "package-250"),
        lambda: people.list(ANN),
        lambda: people.differences(ANN, 1, 999),
        lambda: people.find(ANN, "container", "web"),
    ):
        begun = time.monotonic()
        ask()
        assert time.monotonic() - begun < 1
    assert len(people.find(ANN, "deb", "package-250")) == 1000
