"""Commands that are imported when they are called, each with `--json`: `--help` of the program imports none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, cast

import click

_JSON = "moorage.json"

Table = Mapping[str, tuple[str, str]]
"""Verb to where its command is (`module:attribute`) and the line that helps; empty: for programs, not shown."""


def wants_json() -> bool:
    """Whether `--json` was given, before the verb or after it."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_JSON))


class Command(click.Command):
    """A verb."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), _json_option()]


class Group(click.Group):
    """A noun. Its verbs are functions decorated with `command`, or rows of a table."""

    command_class = Command

    def __init__(self, *args: Any, table: Table | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._table, *(name for name in self.commands if name not in self._table)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._table[cmd_name][0].partition(":")
        return cast(click.Command, getattr(import_module(module), attribute))

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), _json_option()]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest verb where there is no such one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = _nearest(args[0], self.list_commands(ctx)) if args else ""
            if not near:
                raise
            raise click.UsageError(f"{error.message.rstrip('.')}; did you mean {near}?", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, from the table where it has them: nothing is imported."""
        rows = [(name, line) for name in self.list_commands(ctx) if (line := self._line(name))]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def _line(self, name: str) -> str:
        return self._table[name][1] if name in self._table else self.commands[name].get_short_help_str(120)


def _json_option() -> click.Option:
    return click.Option(
        ["--json"], is_flag=True, expose_value=False, callback=_remember, help="Print the API's own JSON."
    )


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_JSON] = True


def _nearest(text: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches  # a slow import, for a caller who mistyped

    return next(iter(get_close_matches(text, list(names), 1)), "")
