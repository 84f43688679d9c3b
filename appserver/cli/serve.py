"""`moorage serve`: an app server, until it is told to stop."""

from __future__ import annotations

import os
from threading import Event
from typing import Any

import click

from appserver.settings import ServeSettings, check_files, load

CONFIG = "/etc/moorage/serve.toml"


@click.command()
@click.option("--config", default=CONFIG, show_default=True, help="TOML file; MOORAGE_<NAME> in the environment wins")
def serve(config: str) -> None:
    """Run an app server: web, API, git."""
    from appserver.cli.logs import begin  # here and below: `setup` needs the settings alone, and quickly
    from appserver.web import server

    settings = settings_of(config)
    check_files(settings)
    begin(settings.log_level)

    def make(closing: Event) -> Any:
        """In the worker, after the fork: what talks gRPC does not survive one."""
        from appserver.web.app import create_app
        from appserver.wiring import services as wiring

        services = wiring.build(settings)
        wiring.duties(services, settings).start(closing)
        services.play_runner.start(closing)
        return create_app(services, settings, wiring.cookie_key(settings), closing)

    server.run(settings, make)


def settings_of(config: str) -> ServeSettings:
    return load(ServeSettings, config, os.environ)
