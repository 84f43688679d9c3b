"""Smart HTTP of git: `/git/<name>.git`, for clone, fetch and push. Users and rights are those of the API."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import cast

from flask import Blueprint, Response, g, request

from appserver.core.access import Caller
from appserver.core.release_refs import REPOSITORY
from appserver.errors import Invalid, TooLarge, Unauthenticated
from appserver.services.bundle import Services
from appserver.services.push import Push
from appserver.services.release_push import ReleasePush
from appserver.web.context import address

SERVICES = ("git-upload-pack", "git-receive-pack")
MAX_BODY = 256 << 20
"""Of one request, as sent and as unpacked. A push is refused by git long before, in words its client shows."""
_CHUNK = 1 << 16
_FRESH = {"Cache-Control": "no-cache, max-age=0, must-revalidate", "Pragma": "no-cache"}


def blueprint(services: Services) -> Blueprint:
    git = Blueprint("git", __name__, url_prefix="/git")

    @git.before_request
    def own_limit() -> None:
        """A push may be larger than another request. None would be the application's limit, not the absence of one."""
        request.max_content_length = MAX_BODY

    @git.errorhandler(Unauthenticated)
    def ask_who(error: Unauthenticated) -> Response:
        """git asks its user for name and password when it is told this."""
        asked = {"WWW-Authenticate": 'Basic realm="moorage", charset="UTF-8"'}
        return Response(f"{error}\n", 401, asked, mimetype="text/plain")

    @git.get("/<name>.git/info/refs")
    def refs(name: str) -> Response:
        service = request.args.get("service", "")
        if service not in SERVICES:
            raise Invalid("service", "only smart HTTP is spoken here: git-upload-pack or git-receive-pack")
        caller = _caller(services)
        found = _door(services, name).advertise(caller, name, service, _protocol())
        return _streamed(found, f"{service}-advertisement")

    @git.post("/<name>.git/git-upload-pack")
    def upload(name: str) -> Response:
        found = _door(services, name).upload(_caller(services), name, _body("git-upload-pack"), _protocol())
        return _streamed(found, "git-upload-pack-result")

    @git.post("/<name>.git/git-receive-pack")
    def receive(name: str) -> Response:
        found = _door(services, name).receive(_caller(services), name, _body("git-receive-pack"), _protocol())
        return _streamed(found, "git-receive-pack-result")

    return git


def _door(services: Services, name: str) -> Push | ReleasePush:
    """Of container configuration, or of releases."""
    return services.release_push if name == REPOSITORY else services.push


def _caller(services: Services) -> Caller:
    given = request.authorization
    if given is None or given.type != "basic" or given.password is None:
        raise Unauthenticated("give your user name, and your password or a token")
    g.caller = services.access.basic(given.username or "", given.password, address())
    return cast(Caller, g.caller)


def _protocol() -> str:
    return request.headers.get("Git-Protocol", "")


def _body(service: str) -> Iterator[bytes]:
    """The request's body in pieces, unpacked where the client packed it.

    Raises:
        Invalid: another content type, or a broken packing. TooLarge.
    """
    if request.mimetype != f"application/x-{service}-request":
        raise Invalid("Content-Type", f"is to be application/x-{service}-request")
    if (request.content_length or 0) > MAX_BODY:
        raise TooLarge(f"a request is at most {MAX_BODY >> 20} MiB")
    packing = request.headers.get("Content-Encoding", "identity").lower()
    if packing not in ("identity", "gzip", "x-gzip"):
        raise Invalid("Content-Encoding", "is to be gzip, or none")
    pieces = iter(lambda: request.stream.read(_CHUNK), b"")
    return _bounded(pieces if packing == "identity" else _unpacked(pieces))


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A piece at a time, so that a small body cannot become a large one in memory."""
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            while piece:
                yield unpack.decompress(piece, _CHUNK)
                piece = unpack.unconsumed_tail
    except zlib.error as error:
        raise Invalid("body", "is not gzip, as its header says") from error


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BODY:
            raise TooLarge(f"a request is at most {MAX_BODY >> 20} MiB")
        yield piece


def _streamed(found: Iterator[bytes], kind: str) -> Response:
    """Begun here, so that an error before git's first word becomes a status and not a broken stream."""
    first = next(found, b"")
    return Response(_chain(first, found), 200, _FRESH, mimetype=f"application/x-{kind}")


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
