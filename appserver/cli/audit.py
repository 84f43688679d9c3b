"""`moorage audit`: who did what to what."""

from __future__ import annotations

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client


@click.command(cls=lazy.Command)
@click.option("--user", default="", help="By this user alone.")
@click.option("--subject", default="", help="To this alone, as application:default.shop.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most.")
def audit(user: str, subject: str, limit: int) -> None:
    """Every write and every refusal, newest first."""
    show.listing(client().items("audit", limit=limit, user=user, subject=subject), _COLUMNS, "nothing yet")


_COLUMNS = {
    "at": "at",
    "user": "user",
    "action": "action",
    "subject": "subject",
    "result": "result",
    "from": "address",
    "detail": "detail",
}
