"""The lab: any number of bare boot servers on one network of this machine, and Ansible to reach them.

What is there is asked of the engine, by label, so a lab can be used from one process after another:
`python -m tests.lab` is the same for people. docs/lab.md says how.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.boot_hosts import BootHost
from tests.lab.checkout import ROOT
from tests.lab.hosts import LABEL, PIP_CACHE, docker
from tests.lab.wait import wait_until

NETWORKS = tuple(f"198.18.{number}" for number in range(128, 250))
"""Of RFC 2544, for tests: nobody routes them. A lab takes the first /24 that is free."""
FIRST = 10
"""Last number of the address of the boot server 0."""
AUTHORIZED = ("base", "etcd", "agent", "appserver", "proxy")
"""Roles that ask the site's authority, whose files are the lab's own."""
RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Play:
    """A run of ansible-playbook that ended: its exit code, all it printed, and the changes on each host."""

    code: int
    text: str
    changed: Mapping[str, int]

    def good(self) -> Play:
        """Itself, if it went well."""
        why = "".join(line for line in self.text.splitlines(keepends=True) if line.startswith(("[ERROR]", "fatal:")))
        assert self.code == 0, why or self.text[-8000:]
        return self


class Lab:
    """Boot servers that share a network and a directory with keys and inventory."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory

    @property
    def hosts(self) -> tuple[BootHost, ...]:
        """Every host that is there, running or not, by LRN."""
        names = docker("ps", "-aq", "--filter", f"label={LABEL}.of={self.name}").split()
        found = json.loads(docker("inspect", *names)) if names else []
        hosts = [
            self._host(int(one["Config"]["Labels"][f"{LABEL}.lrn"]), where["IPAMConfig"]["IPv4Address"])
            for one in found
            for where in one["NetworkSettings"]["Networks"].values()
        ]
        return tuple(sorted(hosts, key=lambda host: host.lrn))

    def __getitem__(self, lrn: int) -> BootHost:
        return next(host for host in self.hosts if host.lrn == lrn)

    def of(self, group: str) -> tuple[BootHost, ...]:
        """The hosts of a group of the inventory."""
        hosts = self.hosts
        return tuple(host for host in hosts if host.lrn in self._groups(hosts)[group])

    def grow(self, count: int) -> tuple[BootHost, ...]:
        """Have `count` hosts more, with the LRNs that are free; returns once all of them answer."""
        self.directory.mkdir(parents=True, exist_ok=True)
        key = self.directory / "id_ed25519"
        if not key.exists():
            subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", key), check=True)
        docker("volume", "create", "--label", LABEL, PIP_CACHE)
        base = self._network()
        taken = {host.lrn for host in self.hosts}
        free = [lrn for lrn in range(200) if lrn not in taken][:count]
        return self._started([self._host(lrn, f"{base}.{FIRST + lrn}") for lrn in free])

    def assign(self, **groups: Sequence[int]) -> None:
        """Which hosts, by LRN, are in a group of the inventory: `etcd=(0, 1, 2)`, `appservers=(0, 2)`.

        Unless told otherwise, the first three (or the first) are members of etcd, and the first is the app server.
        """
        told = self._assigned() | {group: list(lrns) for group, lrns in groups.items()}
        (self.directory / "groups.json").write_text(json.dumps(told))
        self._write()

    def reset(self, *lrns: int) -> tuple[BootHost, ...]:
        """Make these hosts, or all of them, bare again: nothing of what they held is left."""
        chosen = [host for host in self.hosts if not lrns or host.lrn in lrns]
        _each(chosen, BootHost.remove)
        return self._started(chosen)

    def shrink(self, *lrns: int) -> None:
        """Take these hosts away."""
        _each([host for host in self.hosts if host.lrn in lrns], BootHost.remove)
        self._write()

    def remove(self) -> None:
        """Take everything away but the directory. Nothing may be there."""
        _each(self.hosts, BootHost.remove)
        for name in docker("network", "ls", "-q", "--filter", f"label={LABEL}.of={self.name}").split():
            docker("network", "rm", name)
        with suppress(OSError):
            (self.directory / "hosts.yml").unlink()

    def play(self, playbook: str, *argv: str, environ: Mapping[str, str] | None = None, timeout_s: float = 900) -> Play:
        """Run one of the project's playbooks over the lab."""
        done = subprocess.run(
            (*self.ansible(), playbook, *argv), cwd=ROOT, env={**self.environment(), **(environ or {})},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        changed = {found[0]: int(found[2]) for found in RECAP.findall(done.stdout)}
        return Play(done.returncode, done.stdout, changed)

    def ansible(self) -> tuple[str, ...]:
        """The command that runs a playbook here."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        return (program, "-i", str(ROOT / "inventory/lab.yml"), "-i", str(self.directory / "hosts.yml"))

    def environment(self) -> dict[str, str]:
        """The environment in which it does."""
        home = self.directory / "ansible"
        ours = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_HOME": str(home), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(home / "cp"), "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),  # a checkout for development is not installed in its own environment
        }  # fmt: skip
        return {**os.environ, **ours}

    def _host(self, lrn: int, address: str) -> BootHost:
        name = f"{self.name}-boot-{lrn}"
        return BootHost(name, self.name, self.name, address, lrn, self.directory)

    def _network(self) -> str:
        """Its first three numbers; made now if there is none."""
        label = f"{LABEL}.of={self.name}"
        for name in docker("network", "ls", "-q", "--filter", f"label={label}").split():
            subnet = json.loads(docker("network", "inspect", name))[0]["IPAM"]["Config"][0]["Subnet"]
            return str(subnet.rpartition(".")[0])
        for base in NETWORKS:
            with suppress(AssertionError):  # somebody else has this one
                labels = ("--label", LABEL, "--label", label)
                docker("network", "create", *labels, "--subnet", f"{base}.0/24", self.name)
                return base
        raise AssertionError(f"no network from {NETWORKS[0]}.0/24 to {NETWORKS[-1]}.0/24 is free")

    def _started(self, hosts: Sequence[BootHost]) -> tuple[BootHost, ...]:
        _each(hosts, BootHost.create)
        _each(hosts, lambda host: wait_until(host.is_up, f"{host.name} has started", timeout_s=90))
        self._write()
        return tuple(hosts)

    def _write(self) -> None:
        """What Ansible and ssh have to know of the hosts."""
        known, hosts = self.directory / "known_hosts", self.hosts
        before = known.read_text().splitlines(keepends=True) if known.exists() else []
        keys = {line.split()[0]: line for line in before}
        keys |= {host.address: key for host in hosts if (key := host.ssh_key())}
        known.write_text("".join(keys.values()))
        common = f"-o UserKnownHostsFile={known} -o ServerAliveInterval=5 -o ConnectTimeout=10"
        told = {
            "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(self.directory / "id_ed25519"),
                "ansible_ssh_common_args": common,
                **{f"{role}_authority_dir": str(self.directory / "authority") for role in AUTHORIZED},
            },
            "hosts": {host.hostname: {"ansible_host": host.address, "lrn": host.lrn} for host in hosts},
            "children": {
                group: {"hosts": {f"boot-{lrn}": {} for lrn in lrns}} for group, lrns in self._groups(hosts).items()
            },
        }
        # JSON is YAML, and quotes what needs it.
        (self.directory / "hosts.yml").write_text(json.dumps({"all": told}, indent=2) + "\n")
        options = {"User": "root", "IdentityFile": self.directory / "id_ed25519", "UserKnownHostsFile": known}
        lines = [f"  {name} {value}" for name, value in options.items()]
        blocks = ["\n".join((f"Host {h.hostname}", f"  HostName {h.address}", *lines)) for h in hosts]
        (self.directory / "ssh_config").write_text("\n".join(blocks) + "\n")

    def _assigned(self) -> dict[str, list[int]]:
        file = self.directory / "groups.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

    def _groups(self, hosts: Sequence[BootHost]) -> dict[str, list[int]]:
        all_of_them = [host.lrn for host in hosts]
        members = all_of_them[:3] if len(all_of_them) >= 3 else all_of_them[:1]
        default = {"bootservers": all_of_them, "etcd": members, "appservers": all_of_them[:1]}
        told = default | self._assigned()
        return {group: [lrn for lrn in lrns if lrn in all_of_them] for group, lrns in told.items()}


@contextmanager
def lab(count: int, directory: Path) -> Iterator[Lab]:
    """A lab of `count` bare hosts, removed with everything they held at the end."""
    made = Lab(f"moorage-lab-{os.getpid()}-{directory.name}"[:40].lower(), directory)
    try:
        made.grow(count)
        yield made
    finally:
        made.remove()


def _each(hosts: Sequence[BootHost], action: Callable[[BootHost], object]) -> None:
    """All at once; the first failure of any is raised."""
    with ThreadPoolExecutor(8) as at_once:
        list(at_once.map(action, hosts))
