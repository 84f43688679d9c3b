"""`moorage doctor`: what everything stands on, checked from here, each fault with the way to mend it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from appserver.cli import lazy, profile, show
from appserver.cli.client import Client
from appserver.cli.problems import Refused
from appserver.errors import AppServerError
from appserver.settings import ServeSettings, load

MOST_SKEW_S = 5.0
SERVE_FILE = Path("/etc/moorage/serve.toml")
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `hint` says how to mend it, where it is not `ok`."""

    check: str
    ok: bool
    detail: str
    hint: str = ""


@click.command(cls=lazy.Command)
def doctor() -> int:
    """Check server, store, agents, clock, seal key, Compose and sources; exit 1 when something is wrong."""
    found = tuple(examine(os.environ, datetime.now(UTC)))
    if lazy.wants_json():
        names = ("check", "ok", "detail", "hint")
        show.as_json({"items": [{name: getattr(one, name) for name in names} for one in found]})
    else:
        for one in found:
            mark = click.style("ok ", fg="green") if one.ok else click.style("BAD", fg="red")
            click.echo(f"{mark}  {show.clean(f'{one.check}: {one.detail}')}")
            if one.hint and not one.ok:
                click.echo(f"     {show.clean(one.hint)}")
    return 0 if all(one.ok for one in found) else 1


def examine(environ: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    """Every finding, in the order in which things stand on each other; what cannot be looked at is left out."""
    yield from seal_key(SERVE_FILE, environ)
    try:
        client = Client(profile.load(environ), timeout_s=10)
    except AppServerError as error:
        yield Finding("profile", False, str(error), "run `moorage login http://HOST:8080`")
        return
    yield Finding("profile", True, client.server)
    try:
        status, headers, _ = client.probe("/healthz")
        ready, _, why = client.probe("/readyz")
    except AppServerError as error:
        yield Finding("server", False, str(error), _SUPERVISED.format("moorage-serve", "serve"))
        return
    yield Finding("server", status == 200, f"/healthz answers {status}", _SUPERVISED.format("moorage-serve", "serve"))
    text = "answers" if ready == 200 else why.decode(errors="replace").strip()[:500]
    yield Finding("store", ready == 200, text, _STORE.format(_SUPERVISED.format("etcd", "etcd")))
    yield clock(headers.get("Date", ""), now)
    for look in _LOOKS:
        try:
            yield from look(client)
        except AppServerError as error:
            yield Finding(look.__name__.strip("_"), False, str(error).splitlines()[0], "see the first fault above")


def seal_key(config: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The key that seals secrets, where this is the app server's host and we may look."""
    if not os.access(config, os.R_OK):
        return
    try:
        path = Path(load(ServeSettings, str(config), environ).seal_key)
        mode = path.stat().st_mode & 0o777
        size = len(base64.b64decode(path.read_text(encoding="ascii"), validate=False))
    except (AppServerError, OSError, ValueError) as error:
        yield Finding("seal key", False, str(error), "put the key back from its backup: without it no secret opens")
        return
    if mode & 0o007:
        yield Finding("seal key", False, f"{path} may be read by everybody", f"chmod 0640 {path}, or 0600")
    elif size != KEY_BYTES:
        yield Finding("seal key", False, f"{path} holds {size} bytes, not {KEY_BYTES}", "put it back from its backup")
    else:
        yield Finding("seal key", True, str(path))


def clock(date: str, now: datetime) -> Finding:
    """This machine's clock against the server's `Date`."""
    from email.utils import parsedate_to_datetime

    try:
        skew_s = abs((now - parsedate_to_datetime(date)).total_seconds())
    except (ValueError, TypeError):
        return Finding("clock", False, f"the server's Date is {date[:60]!r}", "is Moorage there?")
    hint = "let both machines keep time: apt-get install chrony"
    return Finding("clock", skew_s <= MOST_SKEW_S, f"{skew_s:.0f} s from the server's", hint)


def _access(client: Client) -> Iterator[Finding]:
    try:
        me = client.get("me")
    except Refused as error:
        yield Finding("access", False, str(error).splitlines()[0], "run `moorage login` again")
        return
    yield Finding("access", True, f"{me['name']} ({me['role']})")


def _nodes(client: Client) -> Iterator[Finding]:
    found = client.items("nodes")
    if not found:
        yield Finding("nodes", False, "no agent has joined", "run `moorage agent` on a host, or ./up on this one")
    for node in found:
        yield from node_findings(node)


def node_findings(node: Mapping[str, Any]) -> Iterator[Finding]:
    """A node as the API shows it: its agent, its conditions, its Compose."""
    name = f"node {node['name']}"
    if not node["on"]:
        yield Finding(name, False, "its agent is away", f"on that host: {_SUPERVISED.format('moorage-agent', 'agent')}")
        return
    bad = [c for c in node["conditions"] if not c["ok"]]
    for condition in bad:
        hint = _CONDITIONS.get(condition["name"], "")
        yield Finding(name, False, f"{condition['name']}: {condition['reason']}", hint)
    engine = node["engine"] or {}
    version = str(engine.get("compose_version", ""))
    if not bad:
        yield Finding(name, True, f"on and healthy, engine {engine.get('version', '?')}")
    major = version.lstrip("v").split(".")[0]
    new_enough = major.isdecimal() and int(major) >= 2
    told = version or "not found"
    yield Finding(f"{name} compose", new_enough, told, "install Docker Compose v2 there: docker-compose of Debian 13")


def _sources(client: Client) -> Iterator[Finding]:
    for source in client.items("sources"):
        error = source.get("last_error")
        hint = f"moorage config source show {source['name']}"
        yield Finding(f"source {source['name']}", not error, show.text(error) or "no error", hint)


_LOOKS: tuple[Callable[[Client], Iterator[Finding]], ...] = (_access, _nodes, _sources)
_SUPERVISED = "see `systemctl status {0}`, or `sv status /etc/moorage/service/{1}` where there is no systemd"
_STORE = "is etcd up, on more than half of its hosts? {}"
_CONDITIONS: Mapping[str, str] = {
    "engine": "is Docker Engine up there? `docker version` on that host tells",
    "disk": "make room on that host: `docker system df`, `docker image prune`",
    "memory": "free memory on that host, or move applications to another",
    "certificates": "run playbooks/site.yml: it renews what ends within 60 days",
    "clock": "let that host keep time: apt-get install chrony",
}
