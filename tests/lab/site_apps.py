"""Small applications on a site's nodes, one where it is wanted, deployed as a user would."""

from __future__ import annotations

import json
import subprocess

from tests.lab.boot_hosts import BootHost
from tests.lab.boot_lab import Lab
from tests.lab.images import busybox
from tests.lab.site import moorage


def load(host: BootHost, image: str) -> None:
    """An image of this machine, into the engine of a host."""
    with subprocess.Popen(("docker", "save", image), stdout=subprocess.PIPE) as saving:
        subprocess.run(
            ("docker", "exec", "-i", host.name, "docker", "load", "-q"),
            stdin=saving.stdout, check=True, capture_output=True,
        )  # fmt: skip


def deploy_on(site: Lab, host: BootHost) -> str:
    """The name of an application of one container that the node of this host runs; deployed now unless it is."""
    image, name = busybox(), f"on-{host.hostname}"
    load(host, image)
    service = {"image": image, "restart": "always", "environment": [f"constraint:node=={host.hostname}"]}
    server = site.of("appservers")[0]
    server.run("sh", "-c", f"cat > /root/{name}.yml", text=json.dumps({"services": {"main": service}}))
    server.run("moorage", "app", "deploy", name, "-f", f"/root/{name}.yml", "--yes")
    return name


def starts(host: BootHost, name: str) -> str:
    """Id and start of each container of an application, as the engine of a host tells; empty when none runs there."""
    found = host.sh(f"docker ps -q --no-trunc --filter label=com.docker.compose.project={name}").split()
    return (
        host.run("docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}", *found) if found else ""
    )


def state(site: Lab, name: str) -> str:
    """What the record says of an application; empty when there is none."""
    items = moorage(site.of("appservers")[0], "app", "list")["items"]
    assert isinstance(items, list)
    return next((str(one["state"]) for one in items if one["name"] == name), "")
