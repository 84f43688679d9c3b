"""Boot servers: what each has installed, who has what, and where two differ."""

from __future__ import annotations

from flask import render_template, request

from appserver.core.boot import Kind
from appserver.services.boot_servers import Holder
from appserver.web.context import caller, services


def servers() -> str:
    """All of them, or, when something is searched, who has it."""
    kind: Kind = "container" if request.args.get("kind") == "container" else "deb"
    name, version = (request.args.get(field, "").strip() for field in ("name", "version"))
    me = caller()
    holders: tuple[Holder, ...] = services().boot.find(me, kind, name, version) if name else ()
    shown = services().boot.list(me)
    return render_template("boot/servers.html", servers=shown, holders=holders, kind=kind, name=name, version=version)


def server(lrn: int) -> str:
    me = caller()
    shown, installed = services().boot.show(me, lrn)
    others = [one.lrn for one in services().boot.list(me) if one.lrn != lrn]
    board = services().bmc.show(me, lrn)
    changes = services().boot.changes(me, lrn)
    return render_template(
        "boot/server.html", server=shown, installed=installed, others=others, board=board, changes=changes
    )


def differing(lrn: int) -> str:
    me = caller()
    other = request.args.get("with", lrn, type=int)
    found = services().boot.differences(me, lrn, other)
    others = [one.lrn for one in services().boot.list(me) if one.lrn != lrn]
    return render_template("boot/differences.html", lrn=lrn, other=other, others=others, found=found)
