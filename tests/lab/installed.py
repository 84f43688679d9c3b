"""What `./up` makes of a lab host, as the tests of it look at it."""

from __future__ import annotations

import json
import re
import urllib.request

from tests.lab.hosts import Host

HOME = "/root/moorage"
STAYS = r"/(proc|sys|dev|run|tmp|var/tmp|var/log|var/cache/(apt|ldconfig)|var/lib/(apt|dpkg|systemd|dbus|docker))(/|$)"
"""Where Debian itself keeps what it did; everything else is to be as it was."""


def up(machine: Host, *arguments: str) -> str:
    return machine.run("sh", "-c", f"cd {HOME} && exec ./up {' '.join(arguments)}", timeout_s=500)


def down(machine: Host) -> str:
    return machine.sh(f"cd {HOME} && exec ./down")


def url(told: str, name: str) -> str:
    """One of the addresses that `./up` printed."""
    found = re.search(rf"^  {name} +(http\S+)$", told, re.MULTILINE)
    assert found, told
    return found[1]


def fetch(address: str) -> str:
    """A page of the host, from outside of it."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(address, timeout=10) as answer:
        return str(answer.read().decode())


def page(machine: Host) -> str:
    """The sample's page, from inside; what went wrong where it does not answer."""
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8081/', timeout=5).read().decode())"
    return machine.run("python3", "-c", ask, check=False)


def guestbook(machine: Host) -> tuple[str, int]:
    """State of the sample, and how many of its containers are up, as the record has them."""
    told = machine.sh(f"{HOME}/.venv/bin/moorage app list --json", check=False)
    items = json.loads(told)["items"] if told.startswith("{") else []
    return next(((str(item["state"]), int(item["up"])) for item in items), ("", 0))


def packages(machine: Host) -> set[str]:
    """Names of what is installed, and of what left its settings behind."""
    return set(machine.sh("dpkg-query -W -f '${Package}\\n'").splitlines())


def files(machine: Host) -> set[str]:
    """Every path that is to be as it was, and users and groups as lines."""
    found = machine.sh("find / -xdev 2>/dev/null; cat /etc/passwd /etc/group", check=False).splitlines()
    return {path for path in found if not re.match(STAYS, path)}
