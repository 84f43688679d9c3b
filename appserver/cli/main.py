"""`moorage`: a table of nouns, imported when they are called; errors of the one tree to words and exit codes."""

from __future__ import annotations

import os
import sys

import click

from appserver.cli import lazy
from appserver.cli.problems import exit_code
from appserver.errors import AppServerError

COMMANDS: lazy.Table = {
    "serve": ("appserver.cli.serve:serve", "Run an app server: web, API, git."),
    "agent": ("appserver.cli.agent:agent", "Run the agent of this node."),
    "proxy": ("appserver.cli.proxy:proxy", "Keep the routes of this host's proxy."),
    "login": ("appserver.cli.login:login", "Be known to an app server from now on."),
    "app": ("appserver.cli.app:app", "Applications: plan, deploy, look, change, remove."),
    "config": ("appserver.cli.config:config", "Configuration of the site, and of containers."),
    "boot": ("appserver.cli.boot:boot", "Boot servers: what has each, where do they differ, who still has what."),
    "update": ("appserver.cli.update:update", "Boot servers, brought to a release in lock-step."),
    "node": ("appserver.cli.node:node", "Nodes: who is on, how healthy, what is promised there."),
    "cluster": ("appserver.cli.cluster:cluster", "Groups of nodes that applications are placed on."),
    "place": ("appserver.cli.place:place", "Find a container a node, and keep its room there."),
    "placement": ("appserver.cli.place:placement", "Containers that have a place."),
    "image": ("appserver.cli.image:image", "Images, and what their containers use."),
    "route": ("appserver.cli.route:route", "Routes: what applications expose, and where it leads."),
    "notice": ("appserver.cli.notice:notice", "Notices of updates: which arrived, and whether they would."),
    "token": ("appserver.cli.token:token", "What programs are known by."),
    "user": ("appserver.cli.user:user", "Who may log in."),
    "audit": ("appserver.cli.audit:audit", "Who did what to what."),
    "event": ("appserver.cli.event:event", "What happened, and what happens."),
    "doctor": ("appserver.cli.doctor:doctor", "What everything stands on, checked; each fault with its remedy."),
    "git-credential": ("appserver.cli.clone:git_credential", ""),
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
    except AppServerError as error:
        click.echo(f"moorage: {error}", err=True)
        return exit_code(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: no second error at exit
        return 0
    return code if isinstance(code, int) else 0
