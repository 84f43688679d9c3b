"""`moorage agent`: the agent of this node, until it is told to stop."""

from __future__ import annotations

import os

import click

from appserver.cli import daemon
from appserver.settings import AgentSettings, load
from appserver.wiring import agent as wiring

CONFIG = "/etc/moorage/agent.toml"


@click.command()
@click.option("--config", default=CONFIG, show_default=True, help="TOML file; MOORAGE_<NAME> in the environment wins")
def agent(config: str) -> None:
    """Run the agent of this node."""
    daemon.run(load(AgentSettings, config, os.environ), wiring.build)
