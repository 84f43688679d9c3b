"""`moorage login`: a name and its password for a token, kept in the profile."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from appserver.cli import profile, show
from appserver.cli.client import Client
from appserver.cli.lazy import Command, wants_json
from appserver.errors import Invalid

LOCAL = "http://127.0.0.1:8080"
_DAYS = 30


@click.command(cls=Command)
@click.argument("url", required=False)
@click.option("--user", default="", help="Your name there; asked for when left out.")
@click.option("--token", "by_token", is_flag=True, help="Log in by a token instead, which is asked for.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the password or token from standard input.")
@click.option("--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="CA of the server, PEM file.")
@click.option("--days", type=click.IntRange(1, 3650), default=_DAYS, show_default=True, help="How long it lasts.")
def login(url: str | None, user: str, by_token: bool, from_stdin: bool, ca: Path | None, days: int) -> None:
    """Be known to the app server at URL from now on. The password is asked for, never an argument."""
    path = profile.path(os.environ)
    before = profile.read(path) if path.exists() else profile.Profile("")
    server = (url or before.server or LOCAL).rstrip("/")
    trust = str(ca.absolute()) if ca else (before.ca if server == before.server else "")
    stranger = profile.Profile(server, ca=trust)
    client = Client(stranger)
    if not _is_private(server):
        show.note(f"note: {server} is plain HTTP: others on the way can read the password")
    if by_token:
        token = _secret("Token", from_stdin)
    else:
        told = {"username": user or click.prompt("Name", err=True), "password": _secret("Password", from_stdin)}
        title = f"moorage login on {socket.gethostname()}"[:100]
        token = client.post("login", body={**told, "title": title, "expires_in_days": days})["token"]
    known = profile.Profile(server, token, trust)
    me = Client(known).get("me")
    profile.save(known, path)
    if wants_json():
        show.as_json({"server": server, "profile": str(path), **me})
    else:
        show.say(f"{me['name']} ({me['role']}) at {server}; kept in {path}")


def _secret(what: str, from_stdin: bool) -> str:
    given = sys.stdin.readline().rstrip("\r\n") if from_stdin else click.prompt(what, hide_input=True, err=True)
    if not given:
        raise Invalid(what.lower(), "is empty")
    return str(given)


def _is_private(server: str) -> bool:
    """Whether nobody on the way can listen."""
    told = urlsplit(server)
    host = told.hostname or ""
    return told.scheme == "https" or host in ("localhost", "::1") or host.startswith("127.")
