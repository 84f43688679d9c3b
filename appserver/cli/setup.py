"""`moorage setup`: what root of the app server's host does once, straight to etcd with the app server's settings."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import click

from appserver.cli import lazy, profile, show
from appserver.cli.serve import CONFIG, settings_of
from appserver.wiring import services as wiring


@click.group(cls=lazy.Group)
def setup() -> None:
    """First steps on the app server's host, for root."""


@setup.command()
@click.option("--config", default=CONFIG, show_default=True, help="settings of the app server")
def link(config: str) -> None:
    """Print a one-time link by which the first administrator chooses name and password.

    None is printed once there is an administrator; standard error says so.
    """
    settings = settings_of(config)
    with wiring.setup(settings) as steps:
        secret = steps.link(socket.gethostname())
    if secret:
        click.echo(f"{settings.url}/setup/{secret}")
    else:
        show.note(f"there is an administrator, who logs in at {settings.url}/")


@setup.command("profile")
@click.option("--config", default=CONFIG, show_default=True, help="settings of the app server")
@click.option("--file", "where", default="", help="the profile; by default that of who runs this")
@click.option("--server", default="", help="how this host reaches the app server; by default its `public_url`")
def write_profile(config: str, where: str, server: str) -> None:
    """Write the profile by which root's `moorage` is known. A token that is still good stays."""
    settings = settings_of(config)
    path = Path(where) if where else profile.path(os.environ)
    before = profile.read(path) if path.exists() else profile.Profile("")
    with wiring.setup(settings) as steps:
        token = steps.token(socket.gethostname(), before.token)
    wanted = profile.Profile(server.rstrip("/") or settings.url, token, settings.node_ca if settings.tls_cert else "")
    if wanted != before:
        profile.save(wanted, path)
    click.echo(f"{path}: {'unchanged' if wanted == before else 'written'}")
