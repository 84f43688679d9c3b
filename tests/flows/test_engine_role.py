"""The role `engine` on boot servers: registries, proxy, repository, Swarm. Each test stands on those before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import apt_repository
from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab, Play, lab
from tests.lab.certs import Authority
from tests.lab.docker_registry import DockerRegistry, serving
from tests.lab.outgoing_proxy import standing
from tests.lab.site import recorded_packages
from tests.lab.swarms import info, labels, leader, roles, states, tasks
from tests.lab.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.lab, pytest.mark.night, pytest.mark.timeout(900)]

SITE = "playbooks/site.yml"
SECRET = "sw0rdfish"
PULL = "moorage/web:1"


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three hosts with etcd and engines."""
    with lab(3, tmp_path_factory.mktemp("engines")) as made:
        made.play(SITE, "--tags", "base,etcd,engine").good()
        yield made


@pytest.fixture(scope="module")
def registry(boots: Lab, tmp_path_factory: pytest.TempPathFactory, test_image: str) -> Iterator[DockerRegistry]:
    """With TLS of an authority of its own, where the hosts reach it; it has one image."""
    folder = tmp_path_factory.mktemp("registry")
    with serving(folder / "store", folder) as door:
        door.push(test_image, PULL)
    gateway = f"{boots[0].address.rpartition('.')[0]}.1"
    with serving(folder / "store", folder, Authority(folder / "pki"), address=gateway) as registry:
        yield registry


@pytest.fixture(scope="module")
def trusting(registry: DockerRegistry) -> dict[str, Any]:
    """What the site says of its registry."""
    assert registry.authority
    return {"engine_registry_cas": {registry.host: str(registry.authority.path)}}


def engine(boots: Lab, *argv: str, **said: Any) -> Play:
    """The play of the engine, with these variables."""
    return boots.play(SITE, "--tags", "engine", *(("-e", json.dumps(said)) if said else ()), *argv)


def running(host: BootHost, name: str) -> str:
    """Process and start of a container: another one after a restart."""
    return host.run("docker", "inspect", "-f", "{{.State.Pid}} {{.State.StartedAt}} {{.State.Running}}", name)


def daemon(host: BootHost) -> str:
    return host.sh("systemctl show -p MainPID --value docker").strip()


def test_a_registry_of_the_site_is_trusted_by_its_own_authority(
    boots: Lab, registry: DockerRegistry, trusting: dict[str, Any]
) -> None:
    """Nothing is restarted for it; what people put beside it stays, what is not named any more goes."""
    host, image = boots[0], f"{registry.host}/{PULL}"
    assert "certificate signed by unknown authority" in host.run("docker", "pull", "-q", image, check=False)
    host.sh("mkdir -p /etc/docker/certs.d/theirs:5000 && echo theirs > /etc/docker/certs.d/theirs:5000/ca.crt")
    was = daemon(host)
    checked = engine(boots, "--check", "--diff", "--limit", "boot-0", **trusting).good()
    assert checked.changed["boot-0"] == 1
    assert "BEGIN CERTIFICATE" in checked.text
    assert "unknown authority" in host.run("docker", "pull", "-q", image, check=False), "a check changes nothing"
    assert engine(boots, **trusting).good().changed == dict.fromkeys(("boot-0", "boot-1", "boot-2"), 1)
    host.run("docker", "pull", "-q", image)
    host.run("docker", "run", "-d", "--name", "web", "--label", "moorage.test=1", image)
    assert sum(engine(boots, **trusting).good().changed.values()) == 0
    assert daemon(host) == was


def test_mirrors_change_while_engine_and_containers_run(
    boots: Lab, registry: DockerRegistry, trusting: dict[str, Any]
) -> None:
    """The engine takes them up by itself, and pulls from there what has no registry in its name."""
    host, said = boots[0], {**trusting, "engine_registry_mirrors": [f"https://{registry.host}"]}
    was = daemon(host), running(host, "web")
    checked = engine(boots, "--check", "--diff", "--limit", "boot-0", **said).good()
    assert f'+        "https://{registry.host}"' in checked.text
    assert checked.changed["boot-0"] > 0
    assert not info(host)["RegistryConfig"]["Mirrors"]
    engine(boots, "--limit", "boot-0", **said).good()
    host.run("docker", "pull", "-q", PULL)
    assert (daemon(host), running(host, "web")) == was
    assert sum(engine(boots, "--limit", "boot-0", **said).good().changed.values()) == 0


def test_an_interrupted_play_is_finished_by_the_next(boots: Lab, trusting: dict[str, Any]) -> None:
    """The file was written and the engine not told: the next run tells it, though the file is as it is to be."""
    host, file = boots[0], "/etc/docker/daemon.json"
    settings = json.loads(host.run("cat", file)) | {"registry-mirrors": []}
    host.run("tee", file, text=json.dumps(settings, indent=4, sort_keys=True) + "\n")
    assert info(host)["RegistryConfig"]["Mirrors"]
    assert engine(boots, "--limit", "boot-0", **trusting).good().changed["boot-0"] == 2
    assert not info(host)["RegistryConfig"]["Mirrors"]
    host.run("docker", "rmi", PULL)
    host.run("docker", "rm", "-f", "web")


def test_settings_that_the_engine_would_not_start_with_are_refused(boots: Lab, trusting: dict[str, Any]) -> None:
    """The engine says so before its file is touched."""
    host = boots[0]
    was = daemon(host), host.run("cat", "/etc/docker/daemon.json")
    refused = engine(boots, "--limit", "boot-0", **trusting, engine_settings={"no-such-setting": 1})
    assert refused.code != 0
    assert "no-such-setting" in refused.text
    assert (daemon(host), host.run("cat", "/etc/docker/daemon.json")) == was


def test_settings_of_people_are_kept_and_what_they_lack_is_told(boots: Lab, trusting: dict[str, Any]) -> None:
    """A daemon.json that was here before is neither changed nor passed over in silence."""
    host, mark = boots[1], "/var/lib/moorage/made/daemon.json"
    host.sh(f"rm {mark} && cp /etc/docker/daemon.json /root/was")
    refused = engine(boots, "--limit", "boot-1", **trusting, engine_insecure_registries=["10.9.9.9:5000"])
    assert refused.code != 0
    assert "not of this role's making and stay as they are" in refused.text
    engine(boots, "--limit", "boot-1", **trusting).good()
    assert host.sh("cmp /etc/docker/daemon.json /root/was; echo $?").strip() == "0"
    host.sh(f"echo moorage.boot.engine > {mark}")


def test_the_site_has_a_proxy_and_then_none(
    boots: Lab, registry: DockerRegistry, trusting: dict[str, Any], tmp_path: Path
) -> None:
    """From config/proxy: containers live through the restart, the engine asks it, and its password is root's alone."""
    host = boots[0]
    host.run("docker", "run", "-d", "--name", "web", "--label", "moorage.test=1", f"{registry.host}/{PULL}")
    was, container = daemon(host), running(host, "web")
    with standing(registry.address) as (url, asked):
        configured(boots, tmp_path, url.replace("//", f"//ann:{SECRET}@"))
        played = engine(boots, "--diff", "--limit", "boot-0", "-vvv", **trusting).good()
        assert SECRET not in played.text
        assert running(host, "web") == container
        assert daemon(host) != was
        host.run("docker", "pull", "-q", "registry.invalid/some/image", check=False)
        assert ("registry.invalid:443", f"ann:{SECRET}") in asked
        host.run("docker", "pull", "-q", f"{registry.host}/{PULL}")
    assert host.sh("stat -c '%a %U' /etc/moorage/engine.env").strip() == "600 root"
    assert SECRET not in host.sh(
        "systemctl show docker; systemctl cat docker; cat /etc/docker/daemon.json; docker info"
    )
    assert sum(engine(boots, "--limit", "boot-0", **trusting).good().changed.values()) == 0
    without = engine(boots, "--check", "--diff", "--limit", "boot-0", **trusting, engine_proxy={"http": ""}).good()
    assert without.changed["boot-0"] > 0
    assert info(host)["HttpProxy"]
    configured(boots, tmp_path, "")
    engine(boots, "--limit", "boot-0", **trusting).good()
    assert not info(host)["HttpProxy"]
    assert host.sh("ls /etc/moorage/engine.env", check=False).startswith("ls: cannot access")
    assert running(host, "web") == container
    host.run("docker", "rm", "-f", "web")


def test_an_even_number_of_managers_is_refused(boots: Lab, tmp_path: Path) -> None:
    """It bears no more losses than one less; nothing is begun."""
    refused = swarm(boots, tmp_path, "manager", "manager", "worker")
    assert refused.code != 0
    assert "is to have 2 managers" in refused.text
    assert states(boots) == ["inactive"] * 3


def test_no_swarm_is_founded_while_a_host_cannot_be_asked(boots: Lab, trusting: dict[str, Any], tmp_path: Path) -> None:
    """It might be in one already: there would be two."""
    boots[2].freeze()
    try:
        refused = swarm(boots, tmp_path, "manager", "worker", "worker", "--limit", "boot-0", **trusting)
    finally:
        boots[2].thaw()
    assert refused.code != 0
    assert "boot-0 founds no swarm while boot-2 cannot be asked" in refused.text
    assert states(boots) == ["inactive"] * 3


def test_three_managers_make_a_swarm(boots: Lab, trusting: dict[str, Any], tmp_path: Path) -> None:
    """Checked, made, and then left alone; the token to join with is nowhere to be read."""
    checked = swarm(boots, tmp_path, "manager", "manager", "manager", "--check", "--diff", **trusting).good()
    assert "found: there is no swarm yet" in checked.text
    assert states(boots) == ["inactive"] * 3
    played = swarm(boots, tmp_path, "manager", "manager", "manager", "--diff", "-vvv", **trusting).good()
    assert "SWMTKN-1-" not in played.text
    assert roles(boots) == {"boot-0": "manager", "boot-1": "manager", "boot-2": "manager"}
    assert labels(boots[0], "boot-1")["rack"] == "1"
    boots[0].run("docker", "node", "update", "--label-add", "theirs=1", "boot-1")
    assert sum(swarm(boots, tmp_path, "manager", "manager", "manager", **trusting).good().changed.values()) == 0
    assert labels(boots[0], "boot-1")["theirs"] == "1"


def test_a_restart_of_engines_keeps_the_majority(boots: Lab, trusting: dict[str, Any], tmp_path: Path) -> None:
    """A setting that takes one: one manager after the other, each reachable before the next."""
    was = [daemon(host) for host in boots.hosts]
    three = ("manager", "manager", "manager")
    swarm(boots, tmp_path, *three, **trusting, engine_settings={"max-concurrent-downloads": 4, "mtu": 1400}).good()
    assert all(daemon(host) != pid for host, pid in zip(boots.hosts, was, strict=True))
    assert set(roles(boots).values()) == {"manager"}
    boots[2].sh("systemctl stop docker.socket docker")
    refused = swarm(boots, tmp_path, *three, "--limit", "boot-1", **trusting)
    assert "the engine of boot-1 is not restarted: too few managers are reachable" in refused.text
    wait_until(lambda: leader(boots[1]), "the two that are left have a leader", 60)


def test_nobody_is_demoted_at_the_cost_of_the_majority(boots: Lab, trusting: dict[str, Any], tmp_path: Path) -> None:
    """With one of three away, none of the others; with all there, all but one."""
    settings = {"engine_settings": {"max-concurrent-downloads": 4, "mtu": 1400}}
    refused = swarm(boots, tmp_path, "manager", "worker", "worker", "--limit", "boot-1", **trusting, **settings)
    assert refused.code != 0
    assert "boot-1 stays a manager: without it too few managers are reachable" in refused.text
    boots[2].sh("systemctl start docker")
    wait_until(lambda: leader(boots[2]), "boot-2 is back", 60)
    swarm(boots, tmp_path, "manager", "worker", "worker", **trusting).good()
    assert roles(boots) == {"boot-0": "manager", "boot-1": "worker", "boot-2": "worker"}


def test_a_node_that_lost_everything_takes_its_own_place(boots: Lab, trusting: dict[str, Any], tmp_path: Path) -> None:
    """What it was is struck off the list; --limit to it alone is enough."""
    wiped = "systemctl stop docker.socket docker && rm -rf /var/lib/docker/swarm /var/lib/moorage/made/swarm"
    boots[1].sh(f"{wiped} && systemctl start docker")
    old = boots[0].run("docker", "node", "inspect", "-f", "{{.ID}}", "boot-1")
    wait_until(lambda: "down" in boots[0].run("docker", "node", "inspect", "-f", "{{.Status.State}}", "boot-1"),
               "the swarm knows that it is gone", 60)  # fmt: skip
    swarm(boots, tmp_path, "manager", "worker", "worker", "--limit", "boot-1", **trusting).good()
    assert roles(boots) == {"boot-0": "manager", "boot-1": "worker", "boot-2": "worker"}
    assert boots[0].run("docker", "node", "inspect", "-f", "{{.ID}}", "boot-1") != old


def test_a_node_leaves_once_its_tasks_are_elsewhere(
    boots: Lab, registry: DockerRegistry, trusting: dict[str, Any], tmp_path: Path
) -> None:
    """Drained, gone, struck off the list; a service goes on with all of its replicas."""
    boots[0].run(
        *("docker", "service", "create", "-q", "--name", "web", "--replicas", "3", "--endpoint-mode", "dnsrr"),
        *("--with-registry-auth", f"{registry.host}/{PULL}"),
    )
    assert {"boot-0", "boot-1", "boot-2"} == set(tasks(boots[0]))
    swarm(boots, tmp_path, "manager", "worker", "", **trusting).good()
    assert roles(boots) == {"boot-0": "manager", "boot-1": "worker"}
    wait_until(lambda: len(tasks(boots[0])) == 3, "three replicas run", 60)
    assert states(boots)[2] == "inactive"
    assert info(boots[2])["LiveRestoreEnabled"]
    assert sum(swarm(boots, tmp_path, "manager", "worker", "", **trusting).good().changed.values()) == 0


def test_somebody_elses_swarm_is_refused_and_left_alone(boots: Lab, trusting: dict[str, Any], tmp_path: Path) -> None:
    """The engine is neither taken out of it nor restarted into ours."""
    host = boots[2]
    host.sh('sed -i \'s/"live-restore": true/"live-restore": false/\' /etc/docker/daemon.json; systemctl reload docker')
    wait_until(lambda: not info(host)["LiveRestoreEnabled"], "live-restore is off")
    host.run("docker", "swarm", "init", "--advertise-addr", host.address)
    theirs = info(host)["Swarm"]["NodeID"]
    refused = swarm(boots, tmp_path, "manager", "worker", "worker", "--limit", "boot-2", **trusting)
    assert refused.code != 0
    assert "is in a swarm that is not this site's" in refused.text
    assert info(host)["Swarm"]["NodeID"] == theirs
    host.run("docker", "swarm", "leave", "--force")


def test_a_swarm_goes_with_its_last_node_once_it_holds_nothing(
    boots: Lab, trusting: dict[str, Any], tmp_path: Path
) -> None:
    """While there is a service, nobody leaves; then all of them do."""
    refused = swarm(boots, tmp_path, "", "", "", **trusting)
    assert refused.code != 0
    assert "which holds service web" in refused.text
    boots[0].run("docker", "service", "rm", "web")
    swarm(boots, tmp_path, "", "", "", **trusting).good()
    assert states(boots) == ["inactive"] * 3
    assert all("swarm" not in host.sh("ls /var/lib/moorage/made") for host in boots.hosts)
    assert sum(swarm(boots, tmp_path, "", "", "", **trusting).good().changed.values()) == 0


def test_what_is_not_named_any_more_goes(boots: Lab) -> None:
    """Certificates of ours; those of people stay."""
    engine(boots).good()
    assert boots[0].sh("ls /etc/docker/certs.d").split() == ["theirs:5000"]
    assert sum(engine(boots).good().changed.values()) == 0


def test_an_engine_comes_from_the_repository_of_the_site(boots: Lab, tmp_path: Path) -> None:
    """Signed by the site's key alone, under the names of its packages, and so on record."""
    packages = apt_repository.serve(boots[0], tmp_path)
    host = boots.grow(1)[0]
    said = {"uris": packages.uri, "suites": packages.suite, "signed_by": str(packages.key)}
    play = boots.play(
        SITE, "--tags", "base,engine", "--limit", host.hostname, "-e", json.dumps({"engine_repository": said})
    ).good()
    assert play.changed[host.hostname] > 0
    found = host.sh("dpkg-query -W -f '${Package}\\n' 'docker*' 'containerd*'").split()
    ours = {"docker-ce", "docker-ce-cli", "containerd.io", "docker-compose-plugin"}
    assert {name for name in found if "cgroup" not in name} >= ours
    assert "docker.io" not in host.sh("dpkg-query -W -f '${db:Status-Status} ${Package}\\n' | grep ^installed")
    assert ours <= set(recorded_packages(boots[0], host))
    assert host.run("docker", "compose", "version", "--short").removeprefix("v").startswith("2.")
    again = engine(boots, "--limit", host.hostname, engine_repository=said).good()
    assert again.changed[host.hostname] == 0


def swarm(boots: Lab, folder: Path, *words: str, **said: Any) -> Play:
    """The play of the engine; the first three words say what each host is of the Swarm."""
    hosts: dict[str, dict[str, Any]] = {f"boot-{lrn}": {"engine_swarm": role} for lrn, role in enumerate(words[:3])}
    hosts["boot-1"] |= {"engine_swarm_labels": {"rack": "1"}} if words[1] else {}
    more = folder / "swarm.yml"
    more.write_text(json.dumps({"all": {"hosts": hosts}}))
    return engine(boots, "-i", str(more), *words[3:], **said)


def configured(boots: Lab, folder: Path, proxy: str) -> None:
    """`config/proxy` of the site, or none."""
    pki = boots.directory / "authority"
    task = {
        "moorage.boot.config_key": {
            "name": "config/proxy",
            **({"value": proxy} if proxy else {"state": "absent"}),
            "seal_key": str(pki / "seal.key"),
            "endpoints": [f"{boots[0].address}:2379"],
            "ca": str(pki / "ca.crt"),
            "cert": str(pki / "controller.crt"),
            "key": str(pki / "controller.key"),
        },
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
    }
    book = folder / "configured.yml"
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    boots.play(str(book), "-c", "local").good()
