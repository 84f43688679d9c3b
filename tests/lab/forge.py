"""A git server that is not ours: repositories over https with a token, or over ssh with a key, on this machine."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.lab.certs import Authority
from tests.lab.daemon import free_port
from tests.lab.git import Copy, begin
from tests.lab.wait import wait_until

TOKEN = "glpat-not-a-real-one"


@dataclass(slots=True)
class Forge:
    """`https://127.0.0.1:PORT/<repository>.git`; `/away/…` redirects to `elsewhere`. Requests are counted."""

    folder: Path
    url: str = ""
    ca_file: str = ""
    elsewhere: str = ""
    token: str = ""
    """Asked for when it is set."""
    asked: list[str] = field(default_factory=list)

    def repository(self, name: str) -> Copy:
        """A new one, with a working copy that pushes to it as its owner does: from the disk."""
        bare = self.folder / f"{name}.git"
        subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(bare)], check=True)
        return begin(self.folder / f"{name}-copy", str(bare))

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        request = Request(environ)
        self.asked.append(request.path)
        return self._answer(request)(environ, start)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/away/"):
            return Response("", 302, {"Location": self.elsewhere + request.full_path.removeprefix("/away")})
        given = request.authorization
        if self.token and (given is None or given.password != self.token):
            return Response("who?", 401, {"WWW-Authenticate": "Basic"})
        told = {
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query_string.decode(),
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=request.get_data(), env=told, capture_output=True, check=False
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        return Response(body, int(headers.pop("Status", "200").split()[0]), headers)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    """Over https, asking nobody for a token."""
    with https_forge(tmp_path / "forge") as found:
        yield found


@contextmanager
def https_forge(folder: Path) -> Iterator[Forge]:
    authority = Authority(folder / "pki")
    cert, key = authority.issue("forge")
    forge = Forge(folder)
    server = make_server("127.0.0.1", 0, forge, threaded=True, ssl_context=(str(cert), str(key)))
    forge.url = f"https://127.0.0.1:{server.server_port}"
    forge.ca_file = str(authority.path)
    threading.Thread(target=server.serve_forever, args=(0.05,), name="forge", daemon=True).start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True, slots=True)
class SshForge:
    """`url` leads to `folder`; `key` may log in, `known_hosts` are the server's lines."""

    folder: Path
    url: str
    key: str
    known_hosts: str


def sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def ssh_forge(folder: Path) -> Iterator[SshForge]:
    """A real sshd, of this user, on a port of its own."""
    program = sshd()
    assert program is not None
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    port = free_port()
    config = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "client.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "AcceptEnv": "LANG LC_*",  # as Debian has it
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in config.items()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig=SIGKILL", program, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log
        )
    try:
        wait_until(lambda: b"listening" in (folder / "sshd.log").read_bytes(), "sshd listens")
        public = (folder / "host.pub").read_text()
        yield SshForge(
            folder,
            f"ssh://{getpass.getuser()}@127.0.0.1:{port}",
            (folder / "client").read_text(),
            f"[127.0.0.1]:{port} {public}",
        )
    finally:
        process.terminate()
        process.wait(10)
