"""What verbs take: an application's name, a confirmation, the client behind them all."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import click

from appserver.cli import show
from appserver.cli.client import Client
from appserver.cli.profile import load
from appserver.errors import Invalid

DEFAULT_CLUSTER = "default"


@dataclass(frozen=True, slots=True)
class App:
    """`NAME`, or `CLUSTER/NAME`."""

    cluster: str
    name: str

    @property
    def path(self) -> tuple[str, str, str]:
        """Where the API holds it."""
        return ("applications", self.cluster, self.name)

    def __str__(self) -> str:
        return self.name if self.cluster == DEFAULT_CLUSTER else f"{self.cluster}/{self.name}"


class AppType(click.ParamType[App]):
    """Shape only: which names may be is for the server to say, by one rule for every door."""

    name = "app"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> App:
        cluster, slash, name = str(value).rpartition("/")
        if not name or (slash and not cluster) or "/" in cluster:
            self.fail(f"{value!r} is not NAME or CLUSTER/NAME", param, ctx)
        return App(cluster or DEFAULT_CLUSTER, name)


app_argument = click.argument("app", type=AppType(), metavar="[CLUSTER/]NAME")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
wait_option = click.option(
    "--wait/--no-wait", default=True, help="Follow it to its end (the default), or return at once."
)
reason_option = click.option("--reason", default="", help="Why; kept in the history.")


def client(timeout_s: float = 60.0) -> Client:
    """Of the profile and the environment."""
    return Client(load(os.environ), timeout_s)


def confirmed(question: str) -> bool:
    """What a person at the terminal says.

    Raises:
        Invalid: nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        raise Invalid("", f"{question} Nobody is here to answer: say it with --yes")
    return click.confirm(show.clean(question), err=True)


def person_is_here() -> bool:
    """Whether a question would be seen and could be answered."""
    return sys.stdin.isatty() and sys.stderr.isatty()
