"""A whole site on the lab: three boot servers, bare at first, then with all of Moorage, shared by a run's tests.

Tests that use it stand on those before them, and a file leaves the site healthy for the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.lab import checkout
from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab, lab
from tests.lab.wait import wait_until

SITE = "playbooks/site.yml"
PKI = "/etc/moorage/pki"


@pytest.fixture(scope="session")
def release() -> str:
    """The release that the playbook installs, made of this checkout."""
    return checkout.release()


@pytest.fixture(scope="session")
def boot_lab(tmp_path_factory: pytest.TempPathFactory, release: str) -> Iterator[Lab]:
    """Three bare boot servers, for the whole session."""
    assert release
    with lab(3, tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="session")
def whole_site(boot_lab: Lab) -> Lab:
    """All of Moorage on them."""
    if "running" not in boot_lab[0].sh("systemctl is-active moorage-serve && echo running", check=False):
        boot_lab.play(SITE).good()
        boot_lab[0].run("moorage", "setup", "profile")
    return boot_lab


def etcdctl(host: BootHost, *argv: str, check: bool = True) -> str:
    """As a member's own operator, on it."""
    tls = ("--cacert", f"{PKI}/ca.crt", "--cert", f"{PKI}/etcd.crt", "--key", f"{PKI}/etcd.key")
    return host.run("etcdctl", "--endpoints=https://127.0.0.1:2379", *tls, *argv, check=check)


def members(host: BootHost) -> dict[str, bool]:
    """Name of each member to whether it votes."""
    listed = json.loads(etcdctl(host, "member", "list", "-w", "json"))["members"]
    return {one.get("name", ""): not one.get("isLearner", False) for one in listed}


def below(host: BootHost, prefix: str) -> dict[str, str]:
    """Keys under `/moorage/<prefix>` with their values."""
    lines = etcdctl(host, "get", "--prefix", f"/moorage/{prefix}").splitlines()
    return dict(zip(lines[::2], lines[1::2], strict=True))


def moorage(host: BootHost, *argv: str) -> Mapping[str, object]:
    """What the command line says there, as JSON."""
    told: Mapping[str, object] = json.loads(host.run("moorage", *argv, "--json"))
    return told


def recorded_packages(host: BootHost, of: BootHost) -> dict[str, str]:
    """Packages of a boot server as they are on record."""
    prefix = f"install/{of.lrn}/debs/"
    return {key.removeprefix(f"/moorage/{prefix}"): version for key, version in below(host, prefix).items()}


def installed_packages(host: BootHost) -> dict[str, str]:
    """Packages as the host itself has them."""
    told = host.sh("dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\\n'")
    return dict(line.split()[1:] for line in told.splitlines() if line.startswith("installed "))


def recorded_containers(host: BootHost, of: BootHost) -> set[str]:
    """Names of the containers of a boot server that are on record, each with an image."""
    prefix = f"install/{of.lrn}/containers/"
    return {key.removeprefix(f"/moorage/{prefix}") for key, image in below(host, prefix).items() if image}


def running_containers(host: BootHost) -> set[str]:
    return set(host.run("docker", "ps", "--format", "{{.Names}}").split())


def record_equals_hosts(site: Lab, lrns: Sequence[int]) -> bool:
    """Key by key, for each of these boot servers."""
    asked = site.of("etcd")[0]
    return all(
        recorded_packages(asked, site[lrn]) == installed_packages(site[lrn])
        and recorded_containers(asked, site[lrn]) == running_containers(site[lrn])
        for lrn in lrns
    )


def wait_for_record(site: Lab, *lrns: int, timeout_s: float = 30) -> None:
    wait_until(lambda: record_equals_hosts(site, lrns), f"the record equals the hosts {lrns}", timeout_s)


def wait_for_nodes(site: Lab, *names: str, timeout_s: float = 60) -> None:
    """All of these nodes are on and healthy."""
    server = site.of("appservers")[0]

    def healthy() -> bool:
        items = moorage(server, "node", "list")["items"]
        assert isinstance(items, list)
        return set(names) <= {item["name"] for item in items if item["on"] and item["healthy"]}

    wait_until(healthy, f"{names} are on and healthy", timeout_s)
