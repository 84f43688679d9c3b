"""Lab hosts: fresh Debian machines, as containers of this machine's engine, with or without systemd.

A host has its own PID 1, its own control groups and its own Docker Engine, so roles, units, `kill -9` and a
reboot are tried as on a real machine. The image is made from Debian packages once and named by its content.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.lab.wait import wait_until

Init = Literal["systemd", "none"]
LABEL = "moorage.lab"
PACKAGES = ("systemd-sysv", "dbus", "kmod", "procps", "iproute2", "iputils-ping", "ca-certificates", "python3")
"""What a fresh Debian has, and what being a container asks for; nothing that `./up` is to install."""
OVERLAY = Path(__file__).parent / "image" / "overlay"
PIP_CACHE = "moorage-lab-pip"
"""A volume in which pip keeps what it fetched, between hosts and between runs: by content, and only to save time."""
CA_SETTINGS = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""Environment variables by which this machine may trust a certificate authority of its own."""
ISOLATED = (
    *("--cap-add", "ALL", "--device-cgroup-rule", "a *:* rwm", "--cgroupns", "private"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--security-opt", "systempaths=unconfined"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", "--stop-signal", "SIGRTMIN+3"),
)
"""What an engine and a systemd inside need, without the machine's own control groups."""


@dataclass(frozen=True)
class Host:
    """One running lab host."""

    name: str

    def run(self, *argv: str, text: str = "", check: bool = True, timeout_s: float = 300) -> str:
        """Run a program as root inside; its standard output and error, in order."""
        done = subprocess.run(
            ("docker", "exec", "-i", self.name, *argv),
            input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-6000:]}")
        return done.stdout

    def sh(self, script: str, check: bool = True, timeout_s: float = 300) -> str:
        """Run a script of `sh` inside."""
        return self.run("sh", "-c", script, check=check, timeout_s=timeout_s)

    def put(self, tree: bytes, directory: str) -> None:
        """Unpack a tar archive below a directory that is made for it."""
        self.run("mkdir", "-p", directory)
        subprocess.run(("docker", "cp", "-", f"{self.name}:{directory}"), input=tree, check=True, capture_output=True)

    def is_up(self) -> bool:
        """Whether systemd has started everything it was to start."""
        return "running" in self.sh("systemctl is-system-running", check=False)

    def reboot(self) -> None:
        """Power off without warning, then on: every process is new, the disks are as they were."""
        docker("kill", "--signal", "KILL", self.name)
        docker("start", self.name)


@contextmanager
def host(init: Init = "systemd", suite: str = "bookworm") -> Iterator[Host]:
    """A fresh host, removed with everything it held at the end."""
    name = f"moorage-lab-{uuid.uuid4().hex[:8]}"
    volume = f"{name}-docker"
    command = () if init == "systemd" else ("--init", image(suite), "/usr/local/sbin/boot-init", "sleep", "infinity")
    for made in (volume, PIP_CACHE):
        docker("volume", "create", "--label", LABEL, made)
    try:
        # Not the engine's own bridge: that goes with any second engine that a test starts without one.
        docker("network", "create", "--label", LABEL, name)
        docker(
            *("run", "-d", "--name", name, "--hostname", name, "--network", name, "--label", LABEL),
            *("-v", f"{volume}:/var/lib/docker"),
            *("-v", f"{PIP_CACHE}:/mnt/pip", "-e", "PIP_CACHE_DIR=/mnt/pip"),
            *(*ISOLATED, *trust(), *(command or (image(suite),))),
        )
        started = Host(name)
        if init == "systemd":
            wait_until(started.is_up, f"{name} has started", timeout_s=60)
        yield started
    finally:
        docker("rm", "-f", "-v", name)
        docker("volume", "rm", "-f", volume)
        subprocess.run(("docker", "network", "rm", "-f", name), capture_output=True, check=False)


def image(suite: str = "bookworm", packages: Sequence[str] = PACKAGES) -> str:
    """The name of the host image of a Debian suite, made now if this machine has not got it."""
    files = sorted(path for path in OVERLAY.rglob("*") if path.is_file())
    parts = [suite, *packages, *(f"{path.relative_to(OVERLAY)} {path.read_text()}" for path in files)]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    name = f"moorage-lab-{suite}:{digest[:12]}"
    with (Path(tempfile.gettempdir()) / "moorage-lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker of the run may be making it
        if subprocess.run(("docker", "image", "inspect", name), capture_output=True, check=False).returncode:
            _make(name, suite, packages)
    return name


def debian_sources(suite: str) -> tuple[str, ...]:
    """Sources of a Debian suite at the mirrors that this machine itself uses: lines of `sources.list`."""
    form = "$(RELEASE) $(REPO_URI) $(COMPONENT)"
    told = subprocess.run(
        ("apt-get", "indextargets", "--format", form, "Created-By: Packages"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = [line.split() for line in told.splitlines()]
    parts = {release.partition("-")[2]: uri for release, uri, component in found if component == "main"}
    return tuple(
        f"deb {parts[part]} {suite}{part and '-'}{part} main" for part in ("", "updates", "security") if part in parts
    )


def _make(name: str, suite: str, packages: Sequence[str]) -> None:
    """Bootstrap the image: about 40 s, once."""
    bootstrap = (
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"),
        *("--aptopt=APT::Install-Recommends false", "--dpkgopt=path-exclude=/usr/share/man/*"),
        *("--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*"),
        *(f"--customize-hook=sync-in {OVERLAY} /", '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*'),
        *(suite, "-", *debian_sources(suite)),
    )
    start = ("-c", "ENV container=docker", "-c", f"LABEL {LABEL}=image", "-c", 'CMD ["/usr/local/sbin/boot-init"]')
    with subprocess.Popen(bootstrap, stdout=subprocess.PIPE) as making:
        subprocess.run(("docker", "import", *start, "-", name), stdin=making.stdout, check=True, capture_output=True)
    if making.returncode:
        docker("rmi", "-f", name)
        raise AssertionError(f"mmdebstrap of {suite} ended with {making.returncode}")


def trust() -> Sequence[str]:
    """Let programs inside trust what this machine trusts, where it has a setting for it."""
    found = next((os.environ[name] for name in CA_SETTINGS if os.environ.get(name)), "")
    inside = "/etc/lab-trust.pem"
    return ("-v", f"{found}:{inside}:ro", "-e", f"PIP_CERT={inside}") if found else ()


def docker(*argv: str) -> str:
    """Ask this machine's engine; what it printed."""
    done = subprocess.run(("docker", *argv), capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"docker {' '.join(argv[:2])}: {done.stderr[-2000:]}")
    return done.stdout
