"""`moorage config clone` and `update clone`, and how git then knows who pushes: by the profile alone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click

from appserver.cli import lazy, profile, show
from appserver.cli.arguments import client
from appserver.cli.client import Client
from appserver.core.release import HOSTED
from appserver.errors import BackendError, Invalid


@click.command(cls=lazy.Command)
@click.argument("source", default="config")
@click.argument("directory", type=click.Path(path_type=Path), required=False)
def clone(source: str, directory: Path | None) -> None:
    """Clone a source that people push to; afterwards plain `git push` works, known by the token of your profile."""
    server = client()
    url = server.get("sources", source)["push_url"]
    if not url:
        raise Invalid("source", f"{source} is kept elsewhere: it is changed there")
    where = directory or Path(source)
    cloned(server, url, where)
    show.done(f"{where}: change a value, commit it, git push", path=str(where), push_url=url)


@click.command("clone", cls=lazy.Command)
@click.argument("directory", type=click.Path(path_type=Path), default="releases")
def clone_releases(directory: Path) -> None:
    """Clone the site's releases; afterwards plain `git push` works, known by the token of your profile."""
    server = client()
    source = server.get("releases")["search"]["source"]
    if source != HOSTED:
        raise Invalid("releases", f"are kept elsewhere: git clone {source}")
    url = f"{server.server}/git/releases.git"
    cloned(server, url, directory)
    show.done(f"{directory}: commit, tag, git push origin HEAD:main TAG", path=str(directory), push_url=url)


def cloned(server: Client, url: str, where: Path) -> None:
    """
    Raises:
        BackendError: git says why on standard error.
    """
    name = server.get("me")["name"]
    told = {
        "credential.helper": helper(lasting(sys.executable)),
        **_identity(name, urlsplit(url).hostname or "localhost"),
    }
    argv = ["git", "clone", *(part for key, value in told.items() for part in ("-c", f"{key}={value}"))]
    done = subprocess.run((*argv, "--", url, str(where)), stdout=sys.stderr, check=False)
    if done.returncode:
        raise BackendError(f"git clone ended with {done.returncode}")


@click.command("git-credential", cls=lazy.Command, hidden=True)
@click.argument("action")
def git_credential(action: str) -> None:
    """Answer git, which asks for name and password of a server. Only that of the profile is answered for."""
    asked = fields(sys.stdin)
    known = profile.load(os.environ)
    if action == "get" and known.token and is_for(asked, known.server):
        click.echo(f"username={Client(known, timeout_s=10).get('me')['name']}\npassword={known.token}")


def helper(python: str) -> str:
    """What git is to run; its shell reads it. `-P`: nothing is imported from the clone it is run in."""
    return f"{shlex.quote(python)} -P -m appserver.cli git-credential"


def lasting(python: str) -> str:
    """A release is deleted once newer ones came; `current` beside them leads to the one in use."""
    path = Path(python)
    if len(path.parents) < 4 or path.parents[2].name != "releases":
        return python
    current = path.parents[3] / "current" / "bin" / path.name
    return str(current) if current.exists() else python


def fields(lines: Iterable[str]) -> Mapping[str, str]:
    """`protocol=http`, `host=boot1:8080` as git writes them."""
    return {name: value for name, _, value in (line.rstrip("\n").partition("=") for line in lines) if name}


def is_for(asked: Mapping[str, str], server: str) -> bool:
    """Whether git asks for this server: the token goes nowhere else."""
    told = urlsplit(server)
    return (asked.get("protocol"), asked.get("host")) == (told.scheme, told.netloc)


def _identity(name: str, host: str) -> Mapping[str, str]:
    """Who commits, where git has not been told."""
    found = subprocess.run(("git", "config", "--get", "user.email"), capture_output=True, text=True, check=False)
    return {} if found.stdout.strip() else {"user.name": name, "user.email": f"{name}@{host}"}
