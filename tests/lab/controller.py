"""A controller beside the lab's hosts: a Debian of another suite, with a Python and an Ansible of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab.boot_lab import RECAP, Lab, Play
from tests.lab.checkout import ROOT, checkout
from tests.lab.hosts import LABEL, PACKAGES, PIP_CACHE, Host, docker, image, trust

HOME = "/root/moorage"
BIN = f"{HOME}/.venv/bin"


@dataclass(frozen=True)
class Controller(Host):
    """It has this checkout in `HOME` with an empty environment, and sees the lab's directory and the releases here."""

    lab: Lab

    def pip(self, *argv: str) -> str:
        return self.run("env", "-C", HOME, f"{BIN}/pip", *argv, timeout_s=900)

    def ansible(self, program: str, *argv: str) -> str:
        """What one of Ansible's programs says, in the checkout.

        Raises:
            AssertionError: it failed.
        """
        home = f"{HOME}/build/ansible"
        environ = {"ANSIBLE_HOME": home, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8", "PYTHONPATH": HOME}
        words = [f"{name}={text}" for name, text in environ.items()]
        return self.run("env", "-C", HOME, *words, f"{BIN}/{program}", *argv, timeout_s=900)

    def play(self, playbook: str, *argv: str) -> Play:
        """Run one of the project's playbooks over the lab from there; as `ansible`."""
        where = ("-i", "inventory/lab.yml", "-i", f"{self.lab.directory}/hosts.yml")
        told = self.ansible("ansible-playbook", *where, playbook, *argv)
        return Play(0, told, {found[0]: int(found[2]) for found in RECAP.findall(told)})


@contextmanager
def controller(lab: Lab, suite: str = "trixie") -> Iterator[Controller]:
    """One on the lab's network; gone at the end."""
    made = Controller(f"{lab.name}-controller", lab)
    build = ROOT / "build"
    try:
        docker(
            *("run", "-d", "--init", "--name", made.name, "--label", LABEL, "--network", lab.name),
            *("-v", f"{lab.directory}:{lab.directory}", "-v", f"{build}:{build}:ro"),
            *("-v", f"{PIP_CACHE}:/mnt/pip", "-e", "PIP_CACHE_DIR=/mnt/pip", *trust()),
            *(image(suite, (*PACKAGES, "git", "openssh-client", "python3-venv")), "sleep", "infinity"),
        )
        made.put(checkout(), HOME)
        made.run("python3", "-m", "venv", f"{HOME}/.venv")
        yield made
    finally:
        docker("rm", "-f", "-v", made.name)
