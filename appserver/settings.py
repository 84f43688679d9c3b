"""File and environment to settings. `docs/settings.md` is generated from the classes here.

A setting is looked for in the environment as `MOORAGE_<NAME>`, then in the TOML file, then its default holds.
In the environment a list is parted by commas and a map is `name=value,name=value`.
"""

from __future__ import annotations

import difflib
import inspect
import socket
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, TypeVar, get_type_hints

from appserver.errors import Invalid

Strings = tuple[str, ...]
Table = Mapping[str, str]
S = TypeVar("S", bound="StoreSettings")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What every program that goes by the store is told."""

    etcd_endpoints: Annotated[Strings, "members of the etcd cluster, host:port"] = ("127.0.0.1:2379",)
    etcd_ca: Annotated[str, "CA certificate of etcd, PEM file; empty: no TLS"] = ""
    etcd_cert: Annotated[str, "client certificate for etcd, PEM file"] = ""
    etcd_key: Annotated[str, "key of `etcd_cert`, PEM file"] = ""
    etcd_user: Annotated[str, "user of etcd, where it asks for one"] = ""
    etcd_password_file: Annotated[str, "file that holds the password of `etcd_user`"] = ""
    prefix: Annotated[str, "every key in etcd begins with it"] = "/moorage/"
    log_level: Annotated[str, "debug, info, warning or error"] = "info"


@dataclass(frozen=True, slots=True)
class CommonSettings(StoreSettings):
    """What app server and agent are both told."""

    seal_key: Annotated[str, "file of the key that seals secrets: 32 bytes, base64"] = "/etc/moorage/seal.key"
    compose: Annotated[str, "Docker Compose v2 program; empty: looked for in the usual places"] = ""
    cluster: Annotated[str, "cluster made at the first start, or that the node joins"] = "default"
    shared_dir: Annotated[
        str, "root of the file system that all hosts share, proven by its file `token`; empty: this site has none"
    ] = ""


@dataclass(frozen=True, slots=True)
class ServeSettings(CommonSettings):
    """`moorage serve`, by default from `/etc/moorage/serve.toml`."""

    listen: Annotated[str, "address and port of web, API, git and hooks"] = "0.0.0.0:8080"
    public_url: Annotated[str, "how people reach it; empty: scheme, host name and port of `listen`"] = ""
    state_dir: Annotated[str, "git repositories and the socket of their hooks"] = "/var/lib/moorage/serve"
    node_ca: Annotated[str, "CA certificate of the agents, PEM file"] = "/etc/moorage/pki/ca.crt"
    node_cert: Annotated[str, "client certificate for the agents' live reads"] = "/etc/moorage/pki/serve.crt"
    node_key: Annotated[str, "key of `node_cert`"] = "/etc/moorage/pki/serve.key"
    tls_cert: Annotated[str, "certificate of `listen`, PEM file; empty: plain HTTP"] = ""
    tls_key: Annotated[str, "key of `tls_cert`, PEM file"] = ""
    bind_roots: Annotated[Strings, "directories of the nodes that an operator's project may bind"] = ()
    registries: Annotated[
        Strings, "registries inside the private network that may be read, host:port; `http://` before it: without TLS"
    ] = ()
    networks: Annotated[
        Strings, "private networks that remote git sources, and receivers of notices, may be in, such as `10.0.0.0/8`"
    ] = ()
    git_ca: Annotated[str, "CA certificates of remote git sources, PEM file; empty: those of the system"] = ""
    threads: Annotated[int, "requests served at once; each open event stream holds one"] = 256
    streams_per_user: Annotated[int, "event streams that one user may hold open"] = 16
    bmc_interval_s: Annotated[int, "seconds between two looks at the boards (BMC) that are on record"] = 30
    session_hours: Annotated[int, "a session ends after this long without a request"] = 12
    revisions_kept: Annotated[
        int, "newest revisions of an application that stay on record, with those in force, wanted or restored"
    ] = 100
    playbooks_dir: Annotated[str, "directory of the playbooks that may be run; empty: those of the release"] = ""
    inventory: Annotated[str, "their inventory, a file or directory; empty: the boot servers on record"] = ""
    ssh_key: Annotated[str, "private key by which playbooks reach hosts"] = "/etc/moorage/ssh/id_ed25519"
    ssh_user: Annotated[str, "whom they log in as, where the inventory does not say"] = "root"
    ssh_known_hosts: Annotated[str, "keys that hosts are known by; no other host is reached"] = (
        "/etc/moorage/ssh/known_hosts"
    )
    plays_at_once: Annotated[int, "playbooks that this app server runs side by side, each on hosts of its own"] = 2
    plays_kept: Annotated[int, "newest runs of playbooks that stay on record, with their output"] = 100
    play_hours: Annotated[int, "a run that takes longer is stopped"] = 12
    max_request_mib: Annotated[int, "size limit of a request's body, in MiB; git pushes have their own"] = 8
    trusted_proxies: Annotated[int, "reverse proxies before us whose X-Forwarded-For and -Proto count"] = 0

    @property
    def reached_at(self) -> str:
        """host:port of this very app server, whatever stands before it."""
        return _reached_at(self.listen)

    @property
    def url(self) -> str:
        """How people reach the app server, without a slash at the end."""
        scheme = "https" if self.tls_cert else "http"
        return (self.public_url or f"{scheme}://{_reached_at(self.listen)}").rstrip("/")


@dataclass(frozen=True, slots=True)
class AgentSettings(CommonSettings):
    """`moorage agent`, by default from `/etc/moorage/agent.toml`."""

    name: Annotated[str, "name of the node; empty: the host's own, short and in lower case"] = ""
    address: Annotated[str, "host:port where app servers reach the live reads; empty: host name, port of `listen`"] = ""
    ip: Annotated[
        str, "IP address under which the node is in `machines/`, of which it has one; empty: that of `address`"
    ] = ""
    labels: Annotated[Table, "labels of the node, for placement constraints"] = field(default_factory=dict)
    lrn: Annotated[int, "logical rack number of the boot server; -1: none"] = -1
    listen: Annotated[str, "address and port of the live reads"] = "0.0.0.0:8090"
    state_dir: Annotated[str, "what outlives a restart"] = "/var/lib/moorage/agent"
    run_dir: Annotated[str, "project files of a running compose, for root alone"] = "/run/moorage"
    ca: Annotated[str, "CA certificate of the app servers, PEM file"] = "/etc/moorage/pki/ca.crt"
    cert: Annotated[str, "certificate of the live reads, PEM file"] = "/etc/moorage/pki/agent.crt"
    key: Annotated[str, "key of `cert`, PEM file"] = "/etc/moorage/pki/agent.key"
    engine: Annotated[str, "socket of the Docker Engine"] = "/var/run/docker.sock"
    metrics_interval_s: Annotated[int, "seconds between two measurements of node and containers; 0: none are made"] = 10
    metrics_hours: Annotated[int, "hours for which measurements are kept as they were made"] = 12
    metrics_minute_days: Annotated[int, "days for which averages and peaks of each minute are kept"] = 7
    metrics_days: Annotated[int, "days for which averages and peaks of each ten minutes are kept"] = 90
    metrics_mib: Annotated[int, "MiB that all of these may have in `state_dir`; the oldest go first"] = 64
    disk_free_percent: Annotated[int, "condition `disk`: space to be free where engine, agent and `/` have theirs"] = 5
    disk_free_mib: Annotated[int, "condition `disk`: MiB to be free besides, or half of a smaller file system"] = 1024
    inodes_free_percent: Annotated[int, "condition `disk`: inodes to be free"] = 5
    memory_free_percent: Annotated[int, "condition `memory`: memory to be available without swapping"] = 3
    clock_apart_ms: Annotated[int, "condition `clock`: milliseconds that it may differ from those of etcd"] = 2000
    conditions_margin_percent: Annotated[
        int, "how much more than a threshold is asked of a condition that is bad, before it is good again"
    ] = 20

    @property
    def node_name(self) -> str:
        return self.name or socket.gethostname().split(".")[0].lower()

    @property
    def reached_at(self) -> str:
        """host:port of the live reads, as app servers are told."""
        return self.address or _reached_at(self.listen)


@dataclass(frozen=True, slots=True)
class ProxySettings(StoreSettings):
    """`moorage proxy`, by default from `/etc/moorage/proxy.toml`."""

    name: Annotated[str, "under which it tells how far it is; empty: the host's own, short and in lower case"] = ""
    admin_socket: Annotated[str, "runtime API of HAProxy"] = "/run/moorage-proxy/admin.sock"
    master_socket: Annotated[str, "of the process above it, by which it is reloaded"] = "/run/moorage-proxy/master.sock"
    state_dir: Annotated[str, "what HAProxy begins with: `routes.cfg`, `routes.map`"] = "/var/lib/moorage/proxy"
    idle_s: Annotated[int, "seconds after which a connection to a container without a byte is given up"] = 3600
    routes: Annotated[int, "hosts and paths at first; more are made by a reload"] = 200

    @property
    def proxy_name(self) -> str:
        return self.name or socket.gethostname().split(".")[0].lower()


def load(kind: type[S], path: str, environ: Mapping[str, str]) -> S:
    """Settings from the file (none if `path` is empty) and the environment.

    Raises:
        Invalid: the file is missing or not TOML, a key is unknown, or a value has the wrong type.
    """
    hints = get_type_hints(kind)
    values = {
        name: _checked(f"{path}: {name}", found, hints[name]) for name, found in _file(path, tuple(hints)).items()
    }
    for name, hint in hints.items():
        variable = f"MOORAGE_{name.upper()}"
        if variable in environ:
            values[name] = _from_text(variable, environ[variable], hint)
    address(str(values.get("listen", ":0")), "listen")
    return kind(**values)  # type: ignore[arg-type]  # each value was checked against its field's own hint


def check_files(settings: StoreSettings) -> None:
    """That what is read once at the start can be read.

    Raises:
        Invalid: the setting, and why its file cannot be.
    """
    for name in _READ_ONCE:
        path = getattr(settings, name, "")
        try:
            if path:
                Path(path).open("rb").close()
        except OSError as error:
            raise Invalid(name, f"{path} cannot be read: {error.strerror}") from error


def address(text: str, where: str) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or `:port` to host and port."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise Invalid(where, f"{text!r} is not host:port")
    return host.strip("[]"), int(port)


def document() -> str:
    """`docs/settings.md`."""
    parts = [f"# Settings\n\n{_ABOUT}\n\nGenerated by `python -m appserver.settings`.\n"]
    for kind in (ServeSettings, AgentSettings, ProxySettings):
        told = get_type_hints(kind, include_extras=True)
        parts.append(f"\n## {inspect.getdoc(kind)}\n\n| setting | default | meaning |\n|---|---|---|\n")
        parts += [f"| `{f.name}` | {_shown(f.default)} | {told[f.name].__metadata__[0]} |\n" for f in fields(kind)]
    return "".join(parts)


def _file(path: str, names: tuple[str, ...]) -> dict[str, object]:
    if not path:
        return {}
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(path, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(path, f"is not TOML: {error}") from error
    for name in found:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            raise Invalid(f"{path}: {name}", "no such setting" + (f"; did you mean {near[0]}?" if near else ""))
    return found


def _checked(where: str, value: object, hint: object) -> object:
    if hint in (str, int) and type(value) is hint:
        return value
    if hint == Strings and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if hint == Table and isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    raise Invalid(where, f"is to be {_WORDS[str(hint)]}")


def _from_text(where: str, text: str, hint: object) -> object:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if hint == Strings:
        return tuple(parts)
    if hint == Table:
        return {name: value for name, _, value in (part.partition("=") for part in parts)}
    if hint is int:
        if not text.strip().lstrip("-").isdecimal():
            raise Invalid(where, f"is to be {_WORDS[str(hint)]}")
        return int(text)
    return text


def _reached_at(listen: str) -> str:
    host, port = address(listen, "listen")
    return f"{socket.gethostname() if host in _EVERYWHERE else host}:{port}"


def _shown(default: object) -> str:
    text = ", ".join(default) if isinstance(default, tuple) else default
    return f"`{text}`" if isinstance(text, int) or (isinstance(text, str) and text) else "empty"


_EVERYWHERE = ("", "::", "0.0.0.0")  # noqa: S104  # compared with, not bound to
_READ_ONCE = (
    "seal_key",
    "etcd_ca",
    "etcd_cert",
    "etcd_key",
    "etcd_password_file",
    "tls_cert",
    "tls_key",
    "git_ca",
)
_ABOUT = "\n".join((__doc__ or "").splitlines()[2:]).strip()
_WORDS = {str(str): "text", str(int): "a whole number", str(Strings): "a list of texts", str(Table): "a table of texts"}

if __name__ == "__main__":
    sys.stdout.write(document())
