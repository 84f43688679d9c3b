"""The sample application on a lab whose boot servers run Moorage, as a user would deploy it."""

from __future__ import annotations

import io
import subprocess
import tarfile

from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab
from tests.lab.checkout import ROOT

SAMPLE = ROOT / "samples" / "guestbook"
IMAGES = ("moorage/guestbook-web:1", "moorage/guestbook-store:1")
NAME = "guestbook"


def give_images(lab: Lab) -> None:
    """Every host's engine holds the sample's images, as this machine's does."""
    for host in lab.hosts:
        if host.run("docker", "image", "inspect", *IMAGES, check=False).startswith("[]"):
            _load(host)


def deploy(lab: Lab) -> str:
    """By the command line of the first app server's host; the node that it runs on. Twice is once."""
    server = lab.of("appservers")[0]
    server.run("moorage", "setup", "profile")
    compose = io.BytesIO()
    with tarfile.open(fileobj=compose, mode="w") as tar:
        tar.add(SAMPLE / "compose.yaml", f"{NAME}/compose.yaml")
    server.put(compose.getvalue(), "/root")
    server.run("moorage", "app", "deploy", NAME, "-f", f"/root/{NAME}/compose.yaml", "--yes")
    containers = {
        host.hostname: host.sh(f"docker ps -q --filter label=com.docker.compose.project={NAME}") for host in lab.hosts
    }
    return next(name for name, found in containers.items() if found)


def _load(host: BootHost) -> None:
    with subprocess.Popen(("docker", "save", *IMAGES), stdout=subprocess.PIPE) as saving:
        subprocess.run(
            ("docker", "exec", "-i", host.name, "docker", "load", "-q"),
            stdin=saving.stdout, check=True, capture_output=True,
        )  # fmt: skip
