"""One boot server of the lab, and what can befall it: cut off, slowed down, frozen, killed, made bare again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.hosts import ISOLATED, LABEL, PIP_CACHE, Host, docker, image, trust
from tests.lab.hosts import PACKAGES as BARE
from tests.lab.wait import wait_until

PACKAGES = (*BARE, "openssh-server", "iptables", "python3-apt")
"""A bare Debian host that Ansible can reach, and whose packages it can ask about."""
CHAINS = (("PREROUTING", "-i", "-s", "LAB-IN"), ("POSTROUTING", "-o", "-d", "LAB-OUT"))
"""Where packets of the link pass, whether they are the host's own or its containers'."""


@dataclass(frozen=True)
class BootHost(Host):
    """A container of this machine's engine with systemd, SSH, an address, and an engine's directory of its own."""

    lab: str
    network: str
    address: str
    lrn: int
    directory: Path
    """Of the lab: keys, and what is known of the hosts."""

    @property
    def hostname(self) -> str:
        return f"boot-{self.lrn}"

    def create(self) -> None:
        """Make it, bare, and start it."""
        docker("volume", "create", "--label", LABEL, "--label", f"{LABEL}.of={self.lab}", self._volume)
        key = self.directory / "id_ed25519.pub"
        docker(
            *("run", "-d", "--name", self.name, "--hostname", self.hostname, "--restart", "unless-stopped"),
            *("--network", self.network, "--ip", self.address),
            *("--label", LABEL, "--label", f"{LABEL}.of={self.lab}", "--label", f"{LABEL}.lrn={self.lrn}"),
            *("-v", f"{self._volume}:/var/lib/docker"),
            *("-v", f"{PIP_CACHE}:/mnt/pip", "-e", "PIP_CACHE_DIR=/mnt/pip"),
            *(*ISOLATED, *trust(), image(packages=PACKAGES)),
        )
        # A file of the host's own: playbooks may add to it.
        self.run("install", "-D", "-m", "600", "/dev/stdin", "/root/.ssh/authorized_keys", text=key.read_text())

    def remove(self) -> None:
        """It and everything it held. It may be gone already."""
        self._stop_slowing()
        docker("rm", "-f", "-v", self.name)
        docker("volume", "rm", "-f", self._volume)

    def is_up(self) -> bool:
        """Whether systemd has started everything, and SSH answers."""
        return super().is_up() and bool(self.ssh_key())

    def ssh_key(self) -> str:
        """Its public keys, as lines of `known_hosts`; empty while SSH does not answer."""
        scanned = subprocess.run(
            ("ssh-keyscan", "-T", "2", "-t", "ed25519", self.address), capture_output=True, text=True, check=False
        )
        return scanned.stdout

    def state(self) -> str:
        """As the engine says: running, paused, exited."""
        return docker("inspect", "-f", "{{.State.Status}}", self.name).strip()

    def kill(self) -> None:
        """Power off without warning."""
        docker("kill", "--signal", "KILL", self.name)

    def start(self) -> None:
        """Power on; returns once it answers. Its link is whole again, its disks are as they were."""
        docker("start", self.name)
        wait_until(self.is_up, f"{self.name} has started", timeout_s=60)

    def freeze(self) -> None:
        """It answers nothing, and does not know that time goes by."""
        docker("pause", self.name)

    def thaw(self) -> None:
        docker("unpause", self.name)

    def cut(self, peers: Sequence[str] = ()) -> None:
        """Drop everything on its link, or what comes from and goes to these addresses; its containers' as well."""
        self.heal()
        for hook, link, end, chain in CHAINS:
            for peer in [(end, peer) for peer in peers] or [()]:
                self._iptables("-A", chain, *peer, "-j", "DROP")
            self._iptables("-I", hook, link, "eth0", "-j", chain)

    def slow(self, delay_s: float) -> None:
        """Everything it sends is `delay_s` late."""
        self._stop_slowing()
        delay = str(Path(__file__).with_name("delay.py"))
        inside = ("nsenter", "-t", self._pid(), "-n", sys.executable, delay, "eth0", str(delay_s), str(self._slowed))
        with (self.directory / f"{self.hostname}.slow.log").open("w+") as log:
            if subprocess.run(inside, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode:
                log.seek(0)
                raise AssertionError(f"{self.name} cannot be slowed down: {log.read()}")

    def heal(self) -> None:
        """The link is whole and quick again."""
        self._stop_slowing()
        for hook, link, _, chain in CHAINS:
            self._iptables("-D", hook, link, "eth0", "-j", chain, check=False)
            self._iptables("-N", chain, check=False)
            self._iptables("-F", chain)

    @property
    def _volume(self) -> str:
        return f"{self.name}-docker"

    @property
    def _slowed(self) -> Path:
        return self.directory / f"{self.hostname}.slow.pid"

    def _stop_slowing(self) -> None:
        with suppress(FileNotFoundError):
            pid = int(self._slowed.read_text())
            self._slowed.unlink()
            with suppress(ProcessLookupError):
                if b"delay.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGTERM)

    def _iptables(self, *argv: str, check: bool = True) -> None:
        """With this machine's program, in the host's network."""
        command = ("nsenter", "-t", self._pid(), "-n", "iptables", "-w", "-t", "mangle", *argv)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: iptables {' '.join(argv)}: {done.stderr}")

    def _pid(self) -> str:
        return docker("inspect", "-f", "{{.State.Pid}}", self.name).strip()
