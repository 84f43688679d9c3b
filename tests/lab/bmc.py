"""Boards that manage hardware, on this machine: OpenIPMI's simulator, and sushy-tools' Redfish with accounts of ours.

Each is a process on a loopback address of its own, with the user `admin`, password `secret`, in slot 2. What it keeps
outlives a kill. Its host is a container, or a file that says `1` or `0`.
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from appserver.adapters.bmc import HardwareBoards
from appserver.core.bmc import Login, Protocol
from tests.lab.certs import Authority
from tests.lab.daemon import ROOT, environment
from tests.lab.wait import wait_until

ADMIN, PASSWORD = "admin", "secret"
Kind = Literal["ipmi", "post", "slots", "idrac"]
BoardFactory = Callable[..., "SimBoard"]

_EMULATOR = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
_LAN = """\
name "board"
set_working_mc 0x20
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{chassis} board 0x20"
  user 1 false "" "test" user 10 none md2 md5 straight
  user 2 true "admin" "secret" admin 10 none md2 md5 straight
"""
# Called as NAME MC get KEY… or NAME MC set KEY VALUE. Without a guid above, the simulator speaks no RMCP+.
_CHASSIS = """\
#!/bin/sh
cd {folder} || exit 1
container={container}
echo "$*" >> chassis.log
running() {{
  if [ -n "$container" ]; then docker inspect -f '{{{{.State.Running}}}}' "$container"; else cat power; fi
}}
switch() {{
  if [ -z "$container" ]; then
    case $1 in start|restart) echo true > power ;; *) echo false > power ;; esac
  else
    docker "$@" "$container" > switch.log 2>&1 || true
  fi
}}
verb=$3
shift 3
case $verb in
  get)
    for key; do
      case $key in
        power) [ "$(running)" = true ] && echo power:1 || echo power:0 ;;
        boot) echo "boot:$(cat boot)" ;;
      esac
    done ;;
  set)
    case $1=$2 in
      power=0|shutdown=1) switch kill ;;
      power=1) switch start ;;
      reset=1) switch restart -t 0 ;;
      boot=*) echo "$2" > boot ;;
    esac ;;
esac
"""


@dataclass(slots=True)
class SimBoard:
    """One board. `more` is how a Redfish one behaves badly, as `redfish_board` says."""

    kind: Kind
    folder: Path
    address: str
    port: int
    container: str = ""
    authority: Authority | None = None
    more: dict[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def protocol(self) -> Protocol:
        return "ipmi" if self.kind == "ipmi" else "redfish"

    @property
    def ca(self) -> str:
        return self.authority.path.read_text() if self.authority else ""

    @property
    def asked(self) -> list[str]:
        """What the host's switch was told, oldest first."""
        log = self.folder / "chassis.log"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def on(self) -> bool:
        """Of a host that is a file."""
        return (self.folder / "power").read_text().strip() == "true"

    def login(self, *passwords: str, user: str = ADMIN) -> Login:
        return Login(self.address, user, passwords or (PASSWORD,), self.protocol, self.port, self.ca)

    def start(self) -> None:
        argv = self._ipmi() if self.kind == "ipmi" else self._redfish()
        with (self.folder / "board.log").open("ab") as log:
            self.process = subprocess.Popen(
                ("setpriv", "--pdeathsig=SIGKILL", *argv),
                cwd=ROOT,
                env={**environment(), "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            wait_until(self._is_up, f"the board at {self.address} is up", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}: {(self.folder / 'board.log').read_text()[-2000:]}") from None

    def kill(self) -> None:
        """kill -9"""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def keeps(self, user: str) -> None:
        """Wait until a kill does not forget this one: OpenIPMI's simulator writes users down up to a second later."""
        users = self.folder / "state" / "ipmi_sim" / "board" / "users.mc20"
        if self.kind == "ipmi":
            wait_until(lambda: users.exists() and user in users.read_text(errors="replace"), f"{user} is kept", 10)

    def restart(self) -> None:
        self.kill()
        self.start()

    def prepare(self) -> None:
        chassis = self.folder / "chassis"
        chassis.write_text(_CHASSIS.format(folder=self.folder, container=self.container))
        chassis.chmod(0o755)
        (self.folder / "power").write_text("true\n")
        (self.folder / "boot").write_text("none\n")

    def _ipmi(self) -> tuple[str, ...]:
        found = shutil.which("ipmi_sim")
        if found is None:
            raise RuntimeError("boards that speak IPMI are of the package openipmi: install it")
        lan, emulator = self.folder / "lan.conf", self.folder / "sim.emu"
        lan.write_text(_LAN.format(address=self.address, port=self.port, chassis=self.folder / "chassis"))
        emulator.write_text(_EMULATOR)
        return (found, "-c", str(lan), "-f", str(emulator), "-s", str(self.folder / "state"), "-n")

    def _redfish(self) -> tuple[str, ...]:
        assert self.authority is not None
        cert, key = self.authority.issue(f"board-{self.port}", (self.address,))
        config = {
            "kind": self.kind,
            "address": self.address,
            "port": self.port,
            "cert": str(cert),
            "key": str(key),
            "state": str(self.folder / "state.json"),
            "chassis": str(self.folder / "chassis"),
            **self.more,
        }
        file = self.folder / "board.json"
        file.write_text(json.dumps(config))
        return (sys.executable, "-m", "tests.lab.redfish_board", str(file))

    def _is_up(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError("it ended")
        if self.kind == "ipmi":
            return _answers_presence(self.address, self.port)
        try:
            context = ssl.create_default_context(cadata=self.ca)
            with socket.create_connection((self.address, self.port), 1) as made:
                context.wrap_socket(made, server_hostname=self.address).close()
        except OSError:
            return False
        return True


@contextmanager
def boards(folder: Path) -> Iterator[BoardFactory]:
    """A maker of boards that are gone at the end: `make("ipmi")`, `make("slots", lockout=3)`."""
    with ExitStack() as undo:
        authority = Authority(folder / "board-pki")

        def make(kind: Kind, container: str = "", port: int = 0, **more: object) -> SimBoard:
            address = f"127.{random.randrange(10, 250)}.{random.randrange(250)}.{random.randrange(2, 250)}"
            place = folder / f"{kind}-{address}"
            (place / "state").mkdir(parents=True)
            one = authority if kind != "ipmi" else None
            board = SimBoard(kind, place, address, port or _free_port(address), container, one, dict(more))
            board.prepare()
            undo.callback(board.kill)
            board.start()
            return board

        yield make


@pytest.fixture
def make_board(tmp_path: Path) -> Iterator[BoardFactory]:
    """Makes boards for one test."""
    with boards(tmp_path) as make:
        yield make


@pytest.fixture
def hardware() -> Iterator[HardwareBoards]:
    """The real way to boards."""
    made = HardwareBoards()
    yield made
    made.close()


def _answers_presence(address: str, port: int) -> bool:
    """RMCP's ping: Get Channel Authentication Capabilities would count as a log-in begun."""
    ping = bytes.fromhex("0600ff07000000000000000000092018c88100388e04b5")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.1)
        try:
            asking.sendto(ping, (address, port))
            return bool(asking.recv(64))
        except OSError:
            return False


def _free_port(address: str) -> int:
    """Nobody's at this address, for TCP and UDP."""
    while True:
        port = random.randrange(10_000, 32_000)
        try:
            with socket.create_server((address, port)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
                datagrams.bind((address, port))
        except OSError:
            continue
        return port
