"""`moorage`: a table of nouns, imported when they are called; errors of the one tree to words and exit codes."""

from __future__ import annotations

import os
import sys

import click

from appserver.cli import lazy
from appserver.cli.problems import exit_code
from appserver.errors import AppServerError
from image_config.errors import ConfigError

COMMANDS: lazy.Table = {
    "serve": ("appserver.cli.serve:serve", "Run an app server: web, API, git."),
    "agent": ("appserver.cli.agent:agent", "Run the agent of this node."),
    "setup": ("appserver.cli.setup:setup", "First steps on the app server's host, for root."),
}


@click.group(cls=lazy.Group, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="moorage", message="%(version)s")
def moorage() -> None:
    """Bare hosts to running applications, and one record of all of it."""


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 done, 3 changes pending, 2 the caller's mistake, 1 something we stand on failed."""
    try:
        code = moorage.main(argv, prog_name="moorage", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        click.echo("given up", err=True)
        return 2
    except (AppServerError, ConfigError) as error:
        click.echo(f"moorage: {error}", err=True)
        return exit_code(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: no second error at exit
        return 0
    return code if isinstance(code, int) else 0
