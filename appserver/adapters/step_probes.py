"""`ports.Probes`: a container of this host's engine, a URL, a port, the members of etcd, a command."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from appserver.adapters.etcd_endpoint import TLS, member_of
from appserver.core.release import Probe
from appserver.errors import EngineError
from appserver.ports import Engine

_ASK_S = 3.0
_LOOK_S = 0.2
_COMMAND_S = 30.0
_MOST = 4096

Stopped = Callable[[], bool]


class HostProbes:
    """See `ports.Probes`."""

    def __init__(self, engine: Engine, endpoints: Sequence[str], tls: TLS | None) -> None:
        self._engine = engine
        self._members = [member_of(endpoint, tls) for endpoint in endpoints]
        self._tls = tls
        self._kinds: Mapping[str, Callable[[Probe, Stopped], str]] = {
            "container": self._container,
            "http": _url,
            "tcp": _port,
            "etcd": self._etcd,
            "command": _command,
        }

    def ask(self, probe: Probe, stopped: Stopped) -> str:
        return self._kinds[probe.kind](probe, stopped)

    def _container(self, probe: Probe, stopped: Stopped) -> str:
        try:
            found = [one for one in self._engine.running() if one.name == probe.target[0]]
        except EngineError as error:
            return str(error)
        if not found:
            return f"container {probe.target[0]} does not run"
        return "" if found[0].health in ("none", "healthy") else f"container {probe.target[0]} is {found[0].health}"

    def _etcd(self, probe: Probe, stopped: Stopped) -> str:
        """Every member that this agent knows of says that it is healthy: it can write."""
        asked = (member for member in self._members if not stopped())
        wrong = [f"{member.address}: {why}" for member in asked if (why := self._member(member.address))]
        return f"etcd is not healthy: {'; '.join(wrong)}" if wrong else ""

    def _member(self, address: str) -> str:
        host, _, port = address.rpartition(":")
        try:
            connection = self._connection(host.strip("[]"), int(port))
            try:
                connection.request("GET", "/health")
                said = json.loads(connection.getresponse().read(_MOST))
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        return "" if said.get("health") == "true" else str(said.get("reason") or "it says that it is not")[:200]

    def _connection(self, host: str, port: int) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=_ASK_S)
        context = ssl.create_default_context(cafile=str(self._tls.ca))
        if self._tls.cert and self._tls.key:
            context.load_cert_chain(self._tls.cert, self._tls.key)
        return http.client.HTTPSConnection(host, port, timeout=_ASK_S, context=context)


def _url(probe: Probe, stopped: Stopped) -> str:
    """Answers with 2xx or 3xx. No proxy of the environment stands between."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(probe.target[0], timeout=_ASK_S) as answer:
            answer.read(_MOST)
    except urllib.error.HTTPError as error:
        return f"{probe.target[0]} answers {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{probe.target[0]}: {getattr(error, 'reason', error)}"
    return ""


def _port(probe: Probe, stopped: Stopped) -> str:
    host, _, port = probe.target[0].rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_ASK_S):
            return ""
    except (OSError, OverflowError) as error:
        return f"{probe.target[0]}: {error}"


def _command(probe: Probe, stopped: Stopped) -> str:
    """Ended, with all of its group, when it takes too long or is stopped."""
    try:
        process = subprocess.Popen(
            probe.target,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return f"{probe.target[0]}: {error.strerror}"
    until = time.monotonic() + _COMMAND_S
    said = b""
    with process:
        try:
            while process.returncode is None:
                with suppress(subprocess.TimeoutExpired):
                    said = process.communicate(timeout=_LOOK_S)[1]
                if process.returncode is None and (stopped() or time.monotonic() > until):
                    return f"{probe.target[0]} takes longer than {_COMMAND_S:.0f} s"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode == 0:
        return ""
    lines = said.decode(errors="replace").strip().splitlines()
    return f"{probe.target[0]} ends with {process.returncode}" + (f": {lines[-1][:200]}" if lines else "")
