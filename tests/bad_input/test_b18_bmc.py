"""B18: boards that lead elsewhere, cannot be trusted, drip or lie: a reason, in bounded time, and nothing is lost."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from appserver.adapters.bmc import HardwareBoards
from appserver.adapters.memory import MemoryKV
from appserver.adapters.sealer import KeySealer
from appserver.core.bmc import BmcUser, Board, Login
from appserver.errors import BmcError, LoginRefused
from appserver.services.bmc_users import BmcUsers, Wish, opened
from appserver.store import keys
from appserver.store.codec import decode
from tests.lab.bmc import BoardFactory
from tests.lab.certs import Authority

SEALER = KeySealer(bytes(32))
OPS = BmcUser("ops", "operator", password="pw-ops-1")
ROOT = b'{"RedfishVersion": "1.5.0", "AccountService": {"@odata.id": "/a"}, "Systems": {"@odata.id": "/s"}}'
Answer = Callable[[BaseHTTPRequestHandler], None]


def answers(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(64):
        request.wfile.write(b" " * (1 << 16))


def dripping(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.1)


@contextmanager
def board(folder: Path, after: Answer) -> Iterator[tuple[Login, list[str]]]:
    """A root as boards have it, and then `after`; and what every request was for, with whether it bore a password."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {'with' if self.headers['Authorization'] else 'without'}")
            (answers(ROOT) if self.path == "/redfish/v1/" else after)(self)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    authority = Authority(folder / "pki")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("board"))

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Whoever asks hangs up in the middle."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            ca = authority.path.read_text()
            yield Login("127.0.0.1", "admin", ("s3cret",), "redfish", server.server_address[1], ca), asked
        finally:
            server.shutdown()
            thread.join()


BAD: Mapping[str, tuple[Answer, str]] = {
    "leads elsewhere": (answers(b"", 307, {"Location": "https://127.0.0.1:1/"}), "redirects to elsewhere"),
    "no JSON": (answers(b"<html>log in</html>"), "no JSON"),
    "no object": (answers(b"[]"), "no object"),
    "nested without end": (answers(b"[" * 500_000), "no JSON"),
    "too much": (endless, "more than"),
    "drips": (dripping, "did not tell all within"),
    "an error of its own": (answers(b"\xff\xfe", 500), "cannot say whether"),
    "no members": (answers(b"{}"), "has no"),
    "links out": (answers(b'{"Accounts": {"@odata.id": "accounts"}}'), "no path of its own"),
    "too many": (answers(b'{"Accounts": {"@odata.id": "/a"}, "Members": [' + b"{}," * 200 + b"{}]}"), "over 128"),
}


@pytest.mark.parametrize("what", sorted(BAD))
def test_what_a_board_answers_is_not_believed(what: str, tmp_path: Path) -> None:
    """One sentence says what is wrong with it, within the time that there is for a board, and without the password."""
    hardware = HardwareBoards(limit_s=3.0)
    began = time.monotonic()
    with board(tmp_path, BAD[what][0]) as (login, _):
        with pytest.raises(BmcError, match=BAD[what][1]) as caught, hardware.open(login) as bmc:
            bmc.accounts()
        assert time.monotonic() - began < 8
    assert "s3cret" not in str(caught.value)


def test_passwords_go_to_nobody_who_cannot_be_trusted(tmp_path: Path) -> None:
    """Another authority, another name; a redirect is not followed with them either."""
    with board(tmp_path, answers(b"{}")) as (login, asked):
        stranger = Authority(tmp_path / "other").path.read_text()
        for wrong in (replace(login, ca=""), replace(login, ca=stranger), replace(login, address="localhost")):
            with pytest.raises(BmcError, match="cannot be trusted"), HardwareBoards().open(wrong):
                pass
        assert asked == []
        with pytest.raises(BmcError, match="no certificate in PEM"), HardwareBoards().open(replace(login, ca="x")):
            pass


def test_a_redirect_is_not_followed(make_board: BoardFactory, tmp_path: Path) -> None:
    """Not even to a server that could be trusted."""
    with board(tmp_path, answers(b"{}")) as (login, asked):
        leads = make_board("post", redirects=f"https://127.0.0.1:{login.port}")
        with pytest.raises(BmcError, match="redirects to elsewhere"), HardwareBoards().open(leads.login()):
            pass
        assert asked == []


def test_a_board_that_refuses_us_after_a_change_is_told_as_such(make_board: BoardFactory) -> None:
    """401 in the middle: what was proven last stays on record, and the next run goes on from it."""
    real = make_board("slots")
    kv = MemoryKV()
    hardware = HardwareBoards()
    users = BmcUsers(hardware, kv, SEALER)
    users.bring(Wish(real.login(), (OPS,), 1))
    with hardware.open(real.login()) as ours, hardware.open(real.login()) as theirs:
        admin = next(one for one in theirs.accounts().found if one.name == "admin")
        theirs.password(admin, "by-hand-99")
        with pytest.raises(LoginRefused, match="does not take the log-in of admin any more"):
            ours.accounts()
    with pytest.raises(LoginRefused):
        users.bring(Wish(real.login(), (OPS,), 1))
    kept = decode(kv.snapshot(keys.bmc_board(1)).items[keys.bmc_board(1)].value, Board)
    assert opened(SEALER, 1, kept) == {"admin": "secret", "ops": "pw-ops-1"}
    users.bring(Wish(real.login("by-hand-99"), (OPS,), 1))


def test_names_of_accounts_are_a_strangers_text(make_board: BoardFactory) -> None:
    """Whatever somebody called one on the board: it reaches into no other key, and is told as it is."""
    real = make_board("post")
    kv = MemoryKV()
    odd = "../../users/root <script>"
    (state := real.folder / "state.json").write_text(
        state.read_text().replace('"admin"', '"admin"', 1).replace('{"accounts": {', _account(odd), 1)
    )
    real.restart()
    done = BmcUsers(HardwareBoards(), kv, SEALER).bring(Wish(real.login(), (OPS,), 1))
    assert done.after[odd] == "user, disabled"
    assert keys.installed_bmc(1, odd) in kv.snapshot("install/1/bmc/").items
    assert not kv.snapshot("users/").items


def _account(name: str) -> str:
    fields = f'"UserName": "{name}", "Password": "x", "RoleId": "ReadOnly", "Enabled": false, "Locked": false'
    return f'{{"accounts": {{"9": {{{fields}}}, '
