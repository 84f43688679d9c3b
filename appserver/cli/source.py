"""`moorage config source`: the git repositories that configuration comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from appserver.cli import lazy, show
from appserver.cli.arguments import client, confirmed, yes_option
from appserver.cli.reading import read_text


@click.group(cls=lazy.Group, invoke_without_command=True)
@click.pass_context
def source(ctx: click.Context) -> None:
    """Sources of configuration: repositories pushed to here, or kept elsewhere. Without a verb: list them."""
    if ctx.invoked_subcommand is None:
        _list()


@source.command("list")
def list_() -> None:
    """Each with where to push, its last good commit and its last error."""
    _list()


@source.command("show")
@click.argument("name")
def show_(name: str) -> None:
    """One source."""
    found = client().get("sources", name)
    if lazy.wants_json():
        show.as_json(found)
        return
    good, bad = found["last_good"] or {}, found["last_error"] or {}
    show.facts(
        [
            ("source", found["name"]),
            ("kind", found["kind"]),
            ("branch", found["branch"]),
            ("push to", found["push_url"]),
            ("fetched from", found["url"]),
            ("every", f"{found['interval_s']:g} s" if found["url"] else ""),
            ("webhook", found["webhook_url"]),
            ("looked at", found["checked_at"]),
            ("in force", f"{good['commit']} since {show.text(good['at'])}" if good else ""),
            ("last error", f"{bad['message']} ({bad['commit'] or 'no commit'}, {show.text(bad['at'])})" if bad else ""),
            *(("waiting", f"{one['application']}: {one['why']}") for one in found["pending"]),
        ]
    )


_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@source.command()
@click.argument("name")
@click.option("--url", default="", help="Of a repository elsewhere, https or ssh; without it people push here.")
@click.option("--branch", default="main", show_default=True, help="The one that is rolled out.")
@click.option("--interval", type=float, default=60.0, show_default=True, help="Seconds between two looks at it.")
@click.option("--username", default="", help="For https.")
@click.option("--credential-file", type=_FILE, help="File that holds the token (https) or private key (ssh).")
@click.option("--known-hosts", type=_FILE, help="For ssh: lines of ssh-keyscan, once verified.")
@click.option("--webhook-secret-file", type=_FILE, help="File with the secret of its webhook.")
def add(
    name: str,
    url: str,
    branch: str,
    interval: float,
    username: str,
    credential_file: Path | None,
    known_hosts: Path | None,
    webhook_secret_file: Path | None,
) -> None:
    """Make NAME a source. Secrets are read from files, never from the command line."""
    body: dict[str, object] = {"name": name, "kind": "remote" if url else "hosted", "branch": branch}
    if url:
        body |= {"url": url, "interval_s": interval, "username": username}
    for field, path in (("credential", credential_file), ("webhook_secret", webhook_secret_file)):
        if path:
            text = read_text(path, str(path))
            body[field] = text if "\n" in text.strip() else text.strip()  # a private key keeps the end of its last line
    if known_hosts:
        body["known_hosts"] = read_text(known_hosts, str(known_hosts))
    made = client().post("sources", body=body)
    if lazy.wants_json():
        show.as_json(made)
        return
    show.say(f"source {name}: {made.get('push_url') or url}")
    if made.get("webhook_secret"):
        show.say(f"webhook {made['webhook_url']}, secret {made['webhook_secret']} (it is not shown again)")


@source.command()
@click.argument("name")
@yes_option
def remove(name: str, yes: bool) -> None:
    """Forget it. What it configured stays as it is until the next deployment."""
    if not (yes or confirmed(f"Remove source {name}?")):
        raise click.Abort
    client().delete("sources", name)
    show.done(f"source {name} is removed", name=name)


@source.command()
@click.argument("name")
def sync(name: str) -> None:
    """Look at a repository elsewhere now."""
    answer = client().post("sources", name, "sync")
    if lazy.wants_json():
        show.as_json(answer)
    elif answer["last_error"]:
        show.say(f"source {name}: {answer['last_error']['message']}", "yellow")
    else:
        show.say(f"source {name}: {_short(answer) or 'no commit yet'} is in force")


def _list() -> None:
    found = client().items("sources")
    if not lazy.wants_json():
        found = [{**one, "from": one["push_url"] or one["url"], "commit": _short(one)} for one in found]
    show.listing(found, _COLUMNS, "no sources")


def _short(source: Mapping[str, Any]) -> str:
    return str(show.field(source, "last_good.commit") or "")[:12]


_COLUMNS = {
    "name": "name",
    "kind": "kind",
    "branch": "branch",
    "repository": "from",
    "in force": "commit",
    "since": "last_good.at",
    "last error": "last_error.message",
}
