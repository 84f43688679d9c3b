"""`./up --inventory`: from a controller on which nothing is, over hosts that are bare."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab.boot_lab import Lab, lab
from tests.lab.checkout import checkout
from tests.lab.hosts import Host, docker, host
from tests.lab.installed import HOME, fetch, packages, url
from tests.lab.site import wait_for_nodes

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(900)]
NAMES = ("boot-0", "boot-1", "boot-2")
AUTHORITY = "/root/.config/moorage/authority/ca.key"
UP = f"cd {HOME} && ./up --inventory /root/hosts.yml"


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three bare boot servers."""
    with lab(3, tmp_path_factory.mktemp("up-site")) as made:
        yield made


@pytest.fixture(scope="module")
def controller(boots: Lab) -> Iterator[Host]:
    """Another machine on their network, with a key that they take and an inventory as the README shows it."""
    with host("none") as fresh:
        docker("network", "connect", boots.name, fresh.name)
        fresh.put(checkout(), HOME)
        for name in ("id_ed25519", "known_hosts"):
            text = (boots.directory / name).read_text()
            fresh.run("sh", "-c", f"umask 077; mkdir -p /root/.ssh; cat > /root/.ssh/{name}", text=text)
        fresh.run("sh", "-c", "cat > /root/hosts.yml", text=json.dumps(inventory(boots)))
        yield fresh


def inventory(boots: Lab) -> dict[str, object]:
    names = {one.hostname: {} for one in boots.hosts}
    servers = {one.hostname: {"ansible_host": one.address, "lrn": one.lrn} for one in boots.hosts}
    children = {"etcd": {"hosts": names}, "bootservers": {"hosts": servers}, "appservers": {"hosts": {"boot-0": {}}}}
    return {"all": {"vars": {"ansible_user": "root"}, "children": children}}


def test_one_command_makes_a_site_of_bare_hosts(controller: Host, boots: Lab) -> None:
    """And says where its page is, and how to be its first administrator."""
    told = controller.sh(UP, timeout_s=900)
    assert "Sign in" in fetch(url(told, "Web page")) or "/setup/" in url(told, "First visit")
    assert "administrator" in fetch(url(told, "First visit")).lower()
    wait_for_nodes(boots, *NAMES)


def test_a_second_run_changes_nothing(controller: Host) -> None:
    """On any of the hosts, nor here."""
    assert "Playbook: changed=0." in controller.sh(UP, timeout_s=900)


def test_down_on_the_controller_leaves_the_site_and_what_opens_it(controller: Host, boots: Lab) -> None:
    """What `./up` installed here goes; the authority and the hosts stay as they are."""
    before = controller.sh(f"sha256sum {AUTHORITY}")
    controller.sh(f"cd {HOME} && ./down")
    assert controller.sh(f"sha256sum {AUTHORITY}") == before
    assert "openssh-client" not in packages(controller)
    wait_for_nodes(boots, *NAMES)
