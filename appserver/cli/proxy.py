"""`moorage proxy`: keeps the routes of this host's proxy, until it is told to stop."""

from __future__ import annotations

import os

import click

from appserver.cli import daemon
from appserver.settings import ProxySettings, load
from appserver.wiring import proxy as wiring

CONFIG = "/etc/moorage/proxy.toml"


@click.command()
@click.option("--config", default=CONFIG, show_default=True, help="TOML file; MOORAGE_<NAME> in the environment wins")
@click.option("--prepare", is_flag=True, help="Write the files that HAProxy begins with, where there are none, and end")
def proxy(config: str, prepare: bool) -> None:
    """Keep the routes of this host's proxy."""
    settings = load(ProxySettings, config, os.environ)
    if prepare:
        written = wiring.haproxy(settings).prepare()
        click.echo("written" if written else "there already")
        return
    daemon.run(settings, wiring.build)
