"""Webhooks of remote repositories: `/hooks/<name>`. Proved by their signature, taken at once, worked on elsewhere."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from appserver.errors import TooLarge
from appserver.services.bundle import Services
from appserver.services.flood import Flood
from appserver.web.context import address

MAX_BODY = 1 << 20
PER_SECOND, AT_ONCE = 2.0, 30
"""Of one source from one address; whoever sends more is not heard, and a poll comes anyway."""
ALL_PER_SECOND, ALL_AT_ONCE = 5.0, 60
"""Of all names together from one address: there is no end of names that no source has."""


def blueprint(services: Services) -> Blueprint:
    hooks = Blueprint("hooks", __name__, url_prefix="/hooks")
    flood, every = Flood(PER_SECOND, AT_ONCE), Flood(ALL_PER_SECOND, ALL_AT_ONCE)

    @hooks.post("/<name>")
    def take(name: str) -> tuple[Response, int]:
        every.enter(address())
        flood.enter(f"{name[:64]} {address()}")
        signature = request.headers.get("X-Hub-Signature-256", "")
        done = services.sources.deliver(name, signature, _body(), address())
        return jsonify({"done": done}), 202

    return hooks


def _body() -> bytes:
    """All of it, or none: a stream that only stops at a limit would hand us a part."""
    read, length = [], request.content_length or 0
    while length <= MAX_BODY and (piece := request.stream.read(1 << 16)):
        read.append(piece)
        length = max(length, sum(map(len, read)))
    if length > MAX_BODY:
        raise TooLarge(f"a delivery is at most {MAX_BODY >> 20} MiB")
    return b"".join(read)
