"""`moorage app`: the verbs of applications, each in the module of its kind."""

from __future__ import annotations

import click

from appserver.cli import lazy

VERBS: lazy.Table = {
    "plan": ("appserver.cli.app_deploy:plan", "What a deployment would do, and why; exit 3 when there is something."),
    "deploy": ("appserver.cli.app_deploy:deploy", "Bring an application to what its compose files say."),
    "list": ("appserver.cli.app_read:list_", "All applications and how they are."),
    "show": ("appserver.cli.app_read:show_", "One application: services, health, ports, drift."),
    "explain": ("appserver.cli.app_read:explain", "Every value: who says so, and what it hides."),
    "history": ("appserver.cli.app_read:history", "Its revisions; one of them in full."),
    "rollback": ("appserver.cli.app_deploy:rollback", "Put a revision back: images, configuration, environment."),
    "usage": ("appserver.cli.app_read:usage", "What its containers ask for, beside what such containers used."),
    "drift": ("appserver.cli.app_read:drift", "What is there against what is wanted; exit 3 when they differ."),
    "logs": ("appserver.cli.app_read:logs", "Lines from its containers."),
    "start": ("appserver.cli.app_change:start", "Start it, or some of its services."),
    "stop": ("appserver.cli.app_change:stop", "Stop it; containers and volumes stay."),
    "restart": ("appserver.cli.app_change:restart", "Restart it, or some of its services."),
    "pause": ("appserver.cli.app_change:pause", "Hold a roll-out over several nodes."),
    "resume": ("appserver.cli.app_change:resume", "Let a roll-out go on."),
    "scale": ("appserver.cli.app_change:scale", "So many containers of a service."),
    "move": ("appserver.cli.app_move:move", "To another cluster, of either kind: plan first; exit 3 with --dry-run."),
    "delete": ("appserver.cli.app_change:delete", "Remove it; named volumes are kept unless told otherwise."),
    "export": ("appserver.cli.app_files:export", "A directory that `docker compose up` runs without Moorage."),
    "import": ("appserver.cli.app_files:import_", "Adopt a compose project that runs on a node already."),
}


@click.group(cls=lazy.Group, table=VERBS)
def app() -> None:
    """Applications: plan, deploy, look, change, remove.

    NAME means the application of that name in the cluster `default`; CLUSTER/NAME one of another cluster.
    """
