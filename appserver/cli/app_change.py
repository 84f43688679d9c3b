"""Start, stop, restart, scale, delete; a roll-out held and let go."""

from __future__ import annotations

import click

from appserver.cli import follow, plans, show
from appserver.cli.arguments import App, app_argument, client, confirmed, wait_option, yes_option
from appserver.cli.lazy import Command, wants_json
from appserver.errors import Invalid

_services = click.argument("services", nargs=-1, metavar="[SERVICE]...")


@click.command(cls=Command)
@app_argument
@_services
@wait_option
def start(app: App, services: tuple[str, ...], wait: bool) -> int:
    """Start it. What runs already is left alone."""
    return _change(app, "start", services, wait)


@click.command(cls=Command)
@app_argument
@wait_option
def stop(app: App, wait: bool) -> int:
    """Stop it. Containers and volumes stay, and so does the record: `start` brings it back."""
    return _change(app, "stop", (), wait)


@click.command(cls=Command)
@app_argument
@_services
@wait_option
def restart(app: App, services: tuple[str, ...], wait: bool) -> int:
    """Restart it, or SERVICEs of it."""
    return _change(app, "restart", services, wait)


@click.command(cls=Command)
@app_argument
@click.argument("service", metavar="SERVICE=N")
@wait_option
def scale(app: App, service: str, wait: bool) -> int:
    """So many containers of a service: a new revision, to be seen in the history and to be put back."""
    name, equals, number = service.rpartition("=")
    if not (equals and name and number.isdecimal()):
        raise Invalid("SERVICE=N", f"{service!r} is not of that form, as web=3")
    server = client()
    answer = server.post(*app.path, "scale", body={"service": name, "replicas": int(number)})
    if "state" in answer:
        return follow.conclude(server, answer, wait, f"{app} has {number} of {name}")
    show.as_json(answer) if wants_json() else plans.print_plan(answer)
    return 0


@click.command(cls=Command)
@app_argument
@click.option("--volumes", is_flag=True, help="Remove its named volumes too: their data is lost.")
@yes_option
@wait_option
def delete(app: App, volumes: bool, yes: bool, wait: bool) -> int:
    """Remove its containers, its networks and its record. Named volumes are kept unless --volumes is given."""
    what = "its containers, its history AND THE DATA IN ITS VOLUMES" if volumes else "its containers and its history"
    if not (yes or confirmed(f"Delete {app}: {what}?")):
        raise click.Abort
    server = client()
    return follow.conclude(server, server.delete(*app.path, volumes=volumes), wait, f"{app} is deleted")


@click.command(cls=Command)
@app_argument
@click.option("--reason", default="", help="For those who look at it.")
def pause(app: App, reason: str) -> None:
    """Hold a roll-out over several nodes: no further batch begins."""
    answer = client().post(*app.path, "pause", body={"reason": reason})
    show.as_json(answer) if wants_json() else show.say(f"{app}: {answer['step']}")


@click.command(cls=Command)
@app_argument
@wait_option
def resume(app: App, wait: bool) -> int:
    """Let a roll-out go on, to the end."""
    server = client()
    return follow.conclude(server, server.post(*app.path, "resume", body={}), wait, f"{app} is rolled out")


def _change(app: App, verb: str, services: tuple[str, ...], wait: bool) -> int:
    server = client()
    operation = server.post(*app.path, verb, body={"services": list(services)})
    what = f"{verb} of {', '.join(services) or app}"
    return follow.conclude(server, operation, wait, what)
