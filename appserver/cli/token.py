"""`moorage token`: what programs are known by."""

from __future__ import annotations

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client

ROLES = click.Choice(["viewer", "operator", "admin"])


@click.group(cls=lazy.Group)
def token() -> None:
    """Tokens: make one for each program, and revoke it when the program goes."""


@token.command()
@click.argument("title")
@click.option("--scope", type=ROLES, help="At most your own role; by default the same.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it lasts; by default until it is revoked.")
def create(title: str, scope: str | None, days: int | None) -> None:
    """Make a token of your own. TITLE is what it is for. It is printed this once."""
    made = client().post("tokens", body={"title": title, "scope": scope, "expires_in_days": days})
    if lazy.wants_json():
        show.as_json(made)
        return
    click.echo(made["token"])
    show.note(f"token {made['id']} of {made['user']}, {made['scope']}; it is not shown again")


@token.command("list")
def list_() -> None:
    """Your own; an administrator sees everybody's."""
    show.listing(client().items("tokens"), _COLUMNS, "no tokens")


@token.command()
@click.argument("token_id", metavar="ID")
def revoke(token_id: str) -> None:
    """It, and those that were made with it."""
    client().delete("tokens", token_id)
    show.done(f"token {token_id} is revoked", id=token_id)


_COLUMNS = {
    "id": "id",
    "user": "user",
    "scope": "scope",
    "title": "title",
    "created": "created_at",
    "expires": "expires_at",
}
