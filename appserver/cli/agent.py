"""`moorage agent`: the agent of this node, until it is told to stop."""

from __future__ import annotations

import os
from threading import Event

import click

from appserver.cli import notify
from appserver.cli.logs import begin
from appserver.cli.signals import set_on_signals
from appserver.settings import AgentSettings, check_files, load
from appserver.wiring import agent as wiring

CONFIG = "/etc/moorage/agent.toml"


@click.command()
@click.option("--config", default=CONFIG, show_default=True, help="TOML file; MOORAGE_<NAME> in the environment wins")
def agent(config: str) -> None:
    """Run the agent of this node."""
    settings = load(AgentSettings, config, os.environ)
    check_files(settings)
    begin(settings.log_level)
    stop = Event()
    set_on_signals(stop)
    made = wiring.build(settings)
    notify.ready()
    made.run(stop)
