"""`moorage user`: who may log in."""

from __future__ import annotations

import sys

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client, confirmed, yes_option
from appserver.cli.token import ROLES


@click.group(cls=lazy.Group)
def user() -> None:
    """Users. Everybody chooses their own password, over a link that works once."""


@user.command("list")
def list_() -> None:
    """All users."""
    show.listing(client().items("users"), _COLUMNS, "no users")


@user.command()
@click.argument("name")
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What the user may do.")
def create(name: str, role: str) -> None:
    """Invite NAME: prints a link that works once, for a day. For a NAME there is already, it renews the password."""
    made = client().post("users", body={"name": name, "role": role})
    if lazy.wants_json():
        show.as_json(made)
        return
    click.echo(made["url"])
    show.note(f"send this link to {made['name']} ({made['role']}); it works once, for a day")


@user.command()
@click.argument("name")
@yes_option
def delete(name: str, yes: bool) -> None:
    """The account with its sessions and tokens."""
    if not (yes or confirmed(f"Delete user {name}, with sessions and tokens?")):
        raise click.Abort
    client().delete("users", name)
    show.done(f"user {name} is deleted", name=name)


@user.command()
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the present and the new password, a line each.")
def passwd(from_stdin: bool) -> None:
    """Change your own password. It ends your browser sessions; tokens live on."""
    if from_stdin:
        current, fresh = (sys.stdin.readline().rstrip("\r\n") for _ in range(2))
    else:
        current = click.prompt("Present password", hide_input=True, err=True)
        fresh = click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
    client().post("me", "password", body={"current": current, "password": fresh})
    show.done("the password is changed")


_COLUMNS = {"name": "name", "role": "role", "closed": "disabled", "system": "system", "created": "created_at"}
