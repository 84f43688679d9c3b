"""HAProxy, changed by its runtime API: no reload, and no connection ends, when containers come and go.

Servers come and go in backends that are there from the start, and hosts and paths are lines of a map. The same is in
two files besides, which it begins with when it is started anew. Measured against others in docs/decisions.
"""

from __future__ import annotations

import csv
import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from appserver.core.proxying import Act, ProxyState, Server
from appserver.core.routes import Upstream
from appserver.errors import ProxyError

_TIMEOUT_S = 5.0
_LOOK_S = 0.3
_CLOSED_AT_ONCE_S = 0.03
"""So soon an engine's own relay hangs up when nothing listens behind it."""
_BACKEND = "route"
_CHECK = "check inter 1s fastinter 250ms fall 2 rise 1 on-marked-down shutdown-sessions"
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_PREFIX = re.compile(r"[A-Za-z0-9_.~/-]{1,500}")
_FORCED_MAINTENANCE, _FORCED_DRAIN = 0x01, 0x08
_SERVERS = "show servers state;show stat -1 4 -1"


class HAProxy:
    def __init__(self, admin: Path, master: Path, folder: Path, idle_s: int = 3600, backends: int = 200) -> None:
        """
        Args:
            admin, master: sockets of its runtime API, and of the process above it.
            folder: has the files that it begins with.
            idle_s: a connection without a byte is given up after so long.
            backends: so many hosts and paths without a reload.
        """
        self._admin = admin
        self._master = master
        self._map = folder / "routes.map"
        self._config = folder / "routes.cfg"
        self._idle_s = idle_s
        self._backends = backends
        self._prefixes: frozenset[str] = frozenset()

    def prepare(self) -> bool:
        """Files without a route, where there are none. Whether they were written."""
        if self._map.exists() and self._config.exists():
            return False
        self.keep(ProxyState({}, {f"{_BACKEND}{number:04}": {} for number in range(self._backends)}))
        return True

    def state(self) -> ProxyState:
        prefixes = dict(line.split()[1:3] for line in self._say(f"show map {self._map}").splitlines() if line)
        self._prefixes = frozenset(prefixes)
        told, _, statistics = self._say(_SERVERS).partition("\n\n")
        rows = csv.DictReader(statistics.removeprefix("# ").splitlines())
        sessions = {(row["pxname"], row["svname"]): row for row in rows}
        backends: dict[str, dict[str, Server]] = {name: {} for name in self._names()}
        for line in told.splitlines()[2:]:
            field = line.split()
            backend, name = field[1], field[3]
            if backend in backends and (row := sessions.get((backend, name))):
                backends[backend][name] = _server(field, row)
        return ProxyState(prefixes, backends)

    def apply(self, acts: Iterable[Act]) -> None:
        for act in acts:
            for command in self._commands(act):
                _check(act, self._say(command))

    def keep(self, state: ProxyState) -> None:
        lines = [f"{_safe(p, _PREFIX)} {_safe(backend, _NAME)}" for p, backend in sorted(state.prefixes.items())]
        _write(self._map, "".join(f"{line}\n" for line in lines))
        _write(self._config, _text(state, self._idle_s))

    def grow(self, state: ProxyState, backends: int) -> None:
        first = len(state.backends)
        more: Mapping[str, Mapping[str, Server]] = {f"{_BACKEND}{first + n:04}": {} for n in range(backends)}
        self.keep(ProxyState(state.prefixes, {**state.backends, **more}))
        _ask(self._master, "reload")

    def answers(self, upstream: Upstream) -> bool:
        """An engine that relays takes every connection, and ends it at once where nothing listens behind it."""
        try:
            with socket.create_connection((upstream.address, upstream.port), _LOOK_S) as probe:
                return _stays_open(probe)
        except OSError:
            return False

    def _names(self) -> tuple[str, ...]:
        found = self._say("show backend").split()
        return tuple(name for name in found if re.fullmatch(rf"{_BACKEND}[0-9]+", name))

    def _commands(self, act: Act) -> tuple[str, ...]:
        if act.do == "unpoint":
            return (f"del map {self._map} {_safe(act.prefix, _PREFIX)}",)
        backend = _safe(act.backend, _NAME)
        if act.do == "point":
            verb = "set" if act.prefix in self._prefixes else "add"
            return (f"{verb} map {self._map} {_safe(act.prefix, _PREFIX)} {backend}",)
        server = f"{backend}/{_safe(act.upstream.name, _NAME)}"
        if act.do == "add":
            where = _address(act.upstream.address, act.upstream.port)
            return (f"add server {server} {where} {_CHECK}", f"enable health {server}", f"enable server {server}")
        if act.do == "remove":
            return (f"set server {server} state maint", f"del server {server}")
        return (f"set server {server} state {'ready' if act.do == 'ready' else 'drain'}",)

    def _say(self, command: str) -> str:
        return _ask(self._admin, command)


def _server(field: list[str], row: Mapping[str, str]) -> Server:
    """A line of the servers' state, and of the statistics."""
    admin = int(field[6])
    leaving = admin & (_FORCED_MAINTENANCE | _FORCED_DRAIN)
    up = field[5] != "0"
    return Server(field[4], int(field[18]), "draining" if leaving else "ready", int(row["scur"] or 0), up)


def _text(state: ProxyState, idle_s: int) -> str:
    parts = [_DEFAULTS.format(idle_s=idle_s)]
    for backend, servers in sorted(state.backends.items()):
        parts.append(f"backend {_safe(backend, _NAME)} from routes\n")
        for name, one in sorted(servers.items()):
            if one.state == "ready":
                parts.append(f"  server {_safe(name, _NAME)} {_address(one.address, one.port)} {_CHECK}\n")
    return "".join(parts)


def _stays_open(probe: socket.socket) -> bool:
    """Silence is an answer: nothing was asked."""
    probe.settimeout(_CLOSED_AT_ONCE_S)
    try:
        return probe.recv(1) != b""
    except TimeoutError:
        return True


def _check(act: Act, said: str) -> None:
    """
    Raises:
        ProxyError
    """
    if not said or any(word in said for word in _WELL):
        return
    raise ProxyError(f"HAProxy refused to {act.do} {act.upstream.name or act.prefix}: {said[:200]}")


def _address(address: str, port: int) -> str:
    return f"{_safe(address, _NAME)}:{int(port)}"


def _safe(text: str, grammar: re.Pattern[str]) -> str:
    """What is no name can be no part of a command.

    Raises:
        ProxyError
    """
    if not grammar.fullmatch(text):
        raise ProxyError(f"{text[:80]!r} cannot stand in the settings of a proxy")
    return text


def _ask(where: Path, command: str) -> str:
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(_TIMEOUT_S)
            door.connect(str(where))
            door.sendall(f"{command}\n".encode())
            parts: list[bytes] = []
            while part := door.recv(65_536):
                parts.append(part)
    except OSError as error:
        raise ProxyError(f"HAProxy does not answer at {where}: {error}") from error
    return b"".join(parts).decode(errors="replace").strip()


def _write(path: Path, text: str) -> None:
    try:
        if path.exists() and path.read_text() == text:
            return
        making = path.with_name(f"{path.name}.new")
        making.write_text(text)
        making.chmod(0o644)
        making.rename(path)
    except OSError as error:
        raise ProxyError(f"{path} cannot be written: {error.strerror}") from error


_WELL = ("New server registered", "Server deleted", "still has", "entry not found", "No such server")
"""In answers that need nothing done: a server with connections is asked to go again."""
_DEFAULTS = """# Written by `moorage proxy`, which changes the running proxy alike.
defaults routes
  mode http
  log global
  balance leastconn
  option redispatch 1
  # A connection for each request: none is sent into one that its container is just closing.
  option http-server-close
  retries 3
  retry-on conn-failure empty-response
  timeout connect 2s
  timeout queue 10s
  timeout server {idle_s}s
  timeout tunnel {idle_s}s

"""
