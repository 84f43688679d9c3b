"""What a run of Ansible is given: a directory for its user alone, an environment, a way to its hosts, and an end.

It runs in a process namespace of its own, whose first process dies with the thread that started it. So
nothing of it outlives the app server on this host, whatever Ansible has detached itself from.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from appserver.errors import PlaybookError

_NO_UNSHARE = "setpriv and unshare are needed to run playbooks: install the package util-linux"


@dataclass(frozen=True, slots=True)
class Site:
    """Where playbooks, inventory and keys are.

    `inventory` empty: the boot servers on record, read with `store` (the options of `moorage.boot.store`).
    """

    playbooks: Path
    inventory: str
    collections: tuple[str, ...]
    store: Mapping[str, object]
    ssh_key: str
    ssh_user: str
    known_hosts: str
    rooms: Path


@dataclass(frozen=True, slots=True)
class Room:
    """One run's directory, gone with its end. `sockets` is elsewhere: the path of a socket has 108 characters."""

    site: Site
    path: Path
    sockets: Path
    sent: tuple[str, ...]
    """`NAME=value` for whatever is started on the hosts, this one too."""

    @property
    def inventory(self) -> str:
        return self.site.inventory or str(self.path / "bootservers.yml")

    def environment(self) -> dict[str, str]:
        """All of it: nothing is inherited. `ansible.cfg` beside the playbooks holds where this says nothing."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.path),
            "LC_ALL": "C.UTF-8",
            **library(),
            **dict(one.split("=", 1) for one in self.sent),
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_HOME": str(self.path / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(self.path / "ansible" / "tmp"),
            "ANSIBLE_COLLECTIONS_PATH": ":".join(self.site.collections),
            # The role etcd tells the modules that write the record to do so as this app server.
            "MOORAGE_PLAY_STORE": json.dumps(
                {name: self.site.store.get(name, "") for name in ("endpoints", "ca", "cert", "key")}
            ),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
            "ANSIBLE_PIPELINING": "True",
            # Not in ssh's own settings: whoever logs in as root needs no sudo, and Ansible has to know.
            "ANSIBLE_REMOTE_USER": self.site.ssh_user,
            "ANSIBLE_SSH_ARGS": f"-F {self.path / 'ssh_config'} -o ControlMaster=auto -o ControlPersist=60s",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.sockets),
        }

    def variables(self, given: Mapping[str, object]) -> str:
        """The word that brings extra variables; they are in a file for this user alone."""
        private(self.path / "vars.json", json.dumps(dict(given)))
        return f"@{self.path / 'vars.json'}"

    def limit_to(self, hosts: Sequence[str]) -> str:
        """The words that keep a run to these hosts, however many they are."""
        (self.path / "hosts").write_text("".join(f"{host}\n" for host in hosts))
        return f"--limit @{self.path / 'hosts'}"


@contextmanager
def room(site: Site, *sent: str) -> Iterator[Room]:
    """
    Args:
        sent: `NAME=value` for the environment of whatever is started on the hosts.
    Raises:
        PlaybookError: there is no place for it.
    """
    try:
        site.rooms.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, sockets = tempfile.mkdtemp(prefix="play-", dir=site.rooms), tempfile.mkdtemp(prefix="play-")
    except OSError as error:
        raise PlaybookError(f"no room can be made for Ansible: {error}") from error
    made = Room(site, Path(path), Path(sockets), sent)
    try:
        (made.path / "ssh_config").write_text(_ssh_config(site, sent))
        (made.path / "bootservers.yml").write_text(_from_record(site))
        yield made
    finally:
        shutil.rmtree(made.path, ignore_errors=True)
        shutil.rmtree(made.sockets, ignore_errors=True)


def library() -> Mapping[str, str]:
    """What a process of ours needs in its environment to find us: nothing, but for one that runs from a checkout."""
    ours = Path(find_spec("appserver").origin or "").parents[1]  # type: ignore[union-attr]
    return {} if ours.is_relative_to(sys.prefix) else {"PYTHONPATH": str(ours)}


def tidy(site: Site) -> None:
    """Remove what a killed app server left; none of it runs any more."""
    shutil.rmtree(site.rooms, ignore_errors=True)


def private(path: Path, text: str) -> None:
    """A file for this user alone from its first byte."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)


def contained(argv: Sequence[str]) -> list[str]:
    """The command in a process namespace that ends with whoever starts it.

    It shares the host's mounts, and with them /proc: bubblewrap mounts every mount anew, and fails when a container
    that ends takes one away meanwhile; and under systemd's protections no new /proc can be mounted.

    Raises:
        PlaybookError: the programs for it are not installed.
    """
    setpriv, unshare = shutil.which("setpriv"), shutil.which("unshare")
    if setpriv is None or unshare is None:
        raise PlaybookError(_NO_UNSHARE)
    user = () if os.geteuid() == 0 else ("--user", "--map-current-user")
    return [setpriv, "--pdeathsig=KILL", unshare, *user, "--pid", "--fork", "--kill-child=KILL", "--", *argv]


def _ssh_config(site: Site, sent: Sequence[str]) -> str:
    """A host is who its key in the known hosts says it is; nothing is asked, nothing is learnt, no agent helps."""
    settings = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "GlobalKnownHostsFile": "/dev/null",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": f'"{site.ssh_key}"',
        "PasswordAuthentication": "no",
        "ServerAliveCountMax": "3",
        "ServerAliveInterval": "15",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "UserKnownHostsFile": f'"{site.known_hosts}"',
        **({"SetEnv": " ".join(sent)} if sent else {}),
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _from_record(site: Site) -> str:
    """An inventory of the boot servers on record. JSON is YAML."""
    return json.dumps({"plugin": "moorage.boot.bootservers", **site.store})
