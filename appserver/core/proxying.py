"""From what a proxy has to the table it is to have. Pure.

A proxy has a fixed number of backends. Each host and path gets one, for as long as somebody has it; servers come and go
in them while the proxy runs. A server that leaves gets no new requests, and goes when its last connection ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from appserver.core.routes import Route, Upstream

_NOBODY = Upstream("", "", 0)


@dataclass(frozen=True, slots=True)
class Server:
    """Of a backend. `sessions` are requests and tunnels that it has now; `up` is what the proxy's own checks say."""

    address: str
    port: int
    state: Literal["ready", "draining"] = "ready"
    sessions: int = 0
    up: bool = True


@dataclass(frozen=True, slots=True)
class ProxyState:
    """`prefixes`: what a request's host and path begin with, to backend; `backends`: to servers by their names."""

    prefixes: Mapping[str, str] = field(default_factory=dict)
    backends: Mapping[str, Mapping[str, Server]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """One change of a running proxy. `prefix` is that of `point` and `unpoint`, `upstream` that of the others."""

    do: Literal["add", "ready", "point", "unpoint", "drain", "remove"]
    backend: str = ""
    prefix: str = ""
    upstream: Upstream = _NOBODY


def prefix_of(route: Route) -> str:
    """With a slash at the end, so that `/api` is not the beginning of `/apis`: requests are given one too."""
    return f"{route.host}{route.path}".rstrip("/") + "/"


def short_of(state: ProxyState, table: Sequence[Route]) -> int:
    """So many more backends it would take."""
    return len(table) - len(assigned(state, table))


def assigned(state: ProxyState, table: Sequence[Route]) -> Mapping[str, str]:
    """Prefix to backend: where it is already, else one that nobody has. Those for which there is none are left out."""
    wanted = [prefix_of(route) for route in table]
    kept = {prefix: state.prefixes[prefix] for prefix in wanted if state.prefixes.get(prefix) in state.backends}
    taken = {*state.prefixes.values()}
    free = iter(sorted(name for name, servers in state.backends.items() if name not in taken and not servers))
    return {**kept, **dict(zip([prefix for prefix in wanted if prefix not in kept], free, strict=False))}


def acts(state: ProxyState, table: Sequence[Route], not_yet: Collection[str] = ()) -> Iterator[Act]:
    """What is new comes first, so that no request meets a gap.

    Args:
        not_yet: names of upstreams that do not answer yet. Where none of a route does, those it has stay.
    """
    backends = assigned(state, table)
    stays: set[tuple[str, str]] = set()
    for route in table:
        backend = backends.get(prefix_of(route), "")
        there = state.backends.get(backend, {})
        usable = [one for one in route.upstreams if one.name not in not_yet or _is_same(there.get(one.name), one)]
        if backend:
            yield from _adds(backend, there, usable)
        stays |= {(backend, one.name) for one in usable if _is_same(there.get(one.name), one)}
        if route.upstreams and not usable:
            stays |= {(backend, name) for name, server in there.items() if server.state == "ready"}
    yield from (Act("point", backend, p) for p, backend in backends.items() if state.prefixes.get(p) != backend)
    yield from (Act("unpoint", prefix=prefix) for prefix in state.prefixes if prefix not in backends)
    yield from _leaves(state, stays)


def draining(state: ProxyState, table: Sequence[Route]) -> tuple[str, ...]:
    """Containers, shortened, that take no more requests: they have some to answer, or get some for want of others."""
    wanted = {one.name for route in table for one in route.upstreams}
    found = (
        _upstream(name, server)
        for servers in state.backends.values()
        for name, server in servers.items()
        if name not in wanted and (server.state == "ready" or server.sessions)
    )
    return tuple(sorted({one.container for one in found}))


def unknown(state: ProxyState, table: Sequence[Route]) -> tuple[Upstream, ...]:
    """Upstreams that the proxy does not have."""
    backends = assigned(state, table)
    found = {
        one
        for route in table
        for one in route.upstreams
        if not _is_same(state.backends.get(backends.get(prefix_of(route), ""), {}).get(one.name), one)
    }
    return tuple(sorted(found, key=lambda one: one.name))


def _adds(backend: str, there: Mapping[str, Server], usable: Sequence[Upstream]) -> Iterator[Act]:
    for one in usable:
        server = there.get(one.name)
        if server is None:
            yield Act("add", backend, upstream=one)
        elif server.state != "ready" and _is_same(server, one):
            yield Act("ready", backend, upstream=one)


def _leaves(state: ProxyState, stays: Collection[tuple[str, str]]) -> Iterator[Act]:
    for backend, servers in state.backends.items():
        for name, server in servers.items():
            if (backend, name) in stays:
                continue
            if server.state == "ready":
                yield Act("drain", backend, upstream=_upstream(name, server))
            if server.sessions == 0:
                yield Act("remove", backend, upstream=_upstream(name, server))


def _is_same(server: Server | None, upstream: Upstream) -> bool:
    return server is not None and (server.address, server.port) == (upstream.address, upstream.port)


def _upstream(name: str, server: Server) -> Upstream:
    return Upstream(name, server.address, server.port)
