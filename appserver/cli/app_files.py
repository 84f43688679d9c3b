"""Out of Moorage and into it: export, import."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import click

from appserver.cli import follow, plans, show
from appserver.cli.arguments import DEFAULT_CLUSTER, App, AppType, app_argument, client, wait_option
from appserver.cli.client import Client
from appserver.cli.lazy import Command, wants_json
from appserver.cli.reading import inside
from appserver.errors import Invalid

MOST = 64 << 20
"""Bytes of an export, unpacked."""


@click.command(cls=Command)
@app_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Directory, or FILE.zip; by default ./NAME.")
def export(app: App, output: Path | None) -> None:
    """Write a directory that `docker compose up` runs without Moorage.

    It holds the application's secrets in the clear: its files are readable by you alone.
    """
    where = output or Path(app.name)
    if where.exists() and not (where.is_dir() and not any(where.iterdir())):
        raise Invalid(str(where), "is there already: name another place with -o")
    packed = client().download(*app.path, "export")
    names = _save(packed, where) if where.suffix == ".zip" else _unpack(packed, where)
    if wants_json():
        show.as_json({"path": str(where), "files": names})
    else:
        show.say(f"{where}: {', '.join(names)}")


@click.command("import", cls=Command)
@click.argument("project", required=False)
@click.argument("app", type=AppType(), required=False, metavar="[[CLUSTER/]NAME]")
@click.option("--node", default="", help="Where it runs; may be left out where there is one node.")
@wait_option
def import_(project: str | None, app: App | None, node: str, wait: bool) -> int:
    """Adopt the compose PROJECT that runs on a node, without a restart. Without PROJECT: list what could be adopted."""
    server = client()
    node = node or _only_node(server)
    if project is None:
        found = server.items("nodes", node, "projects")
        show.listing(found, _STRAY, f"no compose project on {node} but Moorage's own")
        return 0
    app = app or App(DEFAULT_CLUSTER, project)
    body = {"node": node, "project": project, "cluster": app.cluster, "name": app.name}
    answer: Any = server.post("applications", "import", body=body)
    if "state" not in answer:
        show.as_json(answer) if wants_json() else plans.print_plan(answer)
        return 0
    return follow.conclude(server, answer, wait, f"{app} is Moorage's now; nothing was restarted")


_STRAY = {"project": "name", "services": "services", "directory": "working_dir", "readable": "readable"}


def _only_node(server: Client) -> str:
    names = [node["name"] for node in server.items("nodes")]
    if len(names) != 1:
        raise Invalid("--node", f"name one of {', '.join(names)}" if names else "there is no node yet")
    return str(names[0])


def _save(packed: bytes, where: Path) -> list[str]:
    with os.fdopen(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(packed)
    return zipfile.ZipFile(io.BytesIO(packed)).namelist()


def _unpack(packed: bytes, where: Path) -> list[str]:
    """The archive's one directory becomes `where`; nothing leaves it."""
    names = []
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST:
            raise Invalid(str(where), f"the export is over {MOST} bytes")
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        for entry in archive.infolist():
            path = entry.filename.partition("/")[2]
            target = inside(where, path, entry.filename)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(archive.read(entry))
            names.append(path)
    return names
