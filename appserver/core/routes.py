"""Routes: which requests reach which containers, from what is on record. Pure.

Three records meet here. `routes/` says which application has a host and path: the app servers give them away, each
to one. `serving/` says at which port of a node a container takes requests now: its agent says so. `proxies/` says how
far each proxy is: it says so itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from appserver.core.containers import ContainerState
from appserver.core.expose import Expose

SHORT = 12
"""So many digits of a container's id name it in a proxy."""


@dataclass(frozen=True, slots=True)
class Held:
    """`routes/<host>`: path to the application (`<cluster>.<app>`) that has it."""

    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container that takes requests for `host` and `path`, at `port` of its node."""

    container: str
    host: str
    path: str
    port: int
    node: str = ""
    """Where it is, if not on the node whose agent says so: a manager's tells of a stack's containers."""


@dataclass(frozen=True, slots=True)
class Serving:
    """`serving/<node>/<cluster>.<app>`: absent where nothing of it takes requests there."""

    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """`proxies/<name>`: with the lease of that proxy's program.

    `revision` is the store's, of the newest change below `serving/` that the proxy acts by; `draining` are the ids,
    shortened, of containers that take no more requests and have some to answer yet.
    """

    revision: int
    draining: tuple[str, ...] = ()
    routes: int = 0
    """The same of changes below `routes/`."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a proxy sends requests: `name` is the node, the container and the port."""

    name: str
    address: str
    port: int

    @property
    def container(self) -> str:
        """Its id, shortened."""
        return self.name.split(".")[-2]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table. `upstreams` is empty while nothing of the application takes requests."""

    host: str
    path: str
    application: str
    upstreams: tuple[Upstream, ...] = ()


def endpoints(
    exposes: Iterable[Expose], containers: Sequence[ContainerState], but: Collection[str] = ()
) -> tuple[Endpoint, ...]:
    """Of the containers that are up, and healthy where they have a healthcheck.

    Args:
        but: ids of containers that are about to be stopped.
    """
    up = [c for c in containers if c.state == "running" and c.health in ("none", "healthy") and c.id not in but]
    wanted = sorted({*exposes}, key=lambda one: (one.address, one.service, one.port))
    found = ((c, one, _port(c, one.port)) for one in wanted for c in up if c.service == one.service)
    return tuple(Endpoint(c.id, one.host, one.path, port, c.node) for c, one, port in found if port)


def table(
    held: Mapping[str, Held],
    serving: Mapping[tuple[str, str], Serving],
    wanted: Collection[tuple[str, str]],
    addresses: Mapping[str, str],
    alive: Collection[str],
    handed_on: Collection[tuple[str, str]] = (),
) -> tuple[Route, ...]:
    """Every route that somebody has, in the order of hosts and paths.

    What a node says counts where the app servers want the application there: a node cannot take another's requests.
    A node whose agent is away counts where no other serves: its containers may run on, and may have been placed anew.

    Args:
        serving, wanted: by node and application; `wanted` are those that are to run.
        addresses: node to its IP address.
        handed_on: of `wanted`: stacks that another manager is to look after. What this one said counts until then.
    """
    found: dict[tuple[str, str, str], list[tuple[bool, Upstream]]] = {}
    for (node, application), said in sorted(serving.items()):
        known = node in alive and (node, application) not in handed_on
        for one in said.endpoints if (node, application) in wanted else ():
            if address := addresses.get(there := one.node or node):
                upstream = Upstream(f"{there}.{one.container[:SHORT]}.{one.port}", address, one.port)
                found.setdefault((one.host, one.path, application), []).append((known, upstream))
    return tuple(
        Route(host, path, application, _usable(found.get((host, path, application), ())))
        for host, holder in sorted(held.items())
        for path, application in sorted(holder.paths.items())
    )


def address_of(ip: str, address: str) -> str:
    """A node's IP address: the one it stands under, else that of its live reads; "" where neither is one."""
    for text in (ip, address.rpartition(":")[0].strip("[]")):
        try:
            return str(ip_address(text))
        except ValueError:
            continue
    return ""


def has_left(containers: Collection[str], revision: int, proxies: Iterable[Applied]) -> tuple[bool, bool]:
    """Whether every proxy has read of it, and whether none waits for an answer of these containers.

    Args:
        containers: ids.
        revision: of the commit that said that they leave.
    """
    short = {one[:SHORT] for one in containers}
    seen = tuple(proxies)
    return all(one.revision >= revision for one in seen), not any(short & {*one.draining} for one in seen)


def _port(container: ContainerState, port: int) -> int:
    """The host's port by which other hosts reach a port of the container; 0 for none."""
    if container.in_host_network:
        return port
    return container.published.get(port, 0)


def _usable(found: Iterable[tuple[bool, Upstream]]) -> tuple[Upstream, ...]:
    both = tuple(found)
    chosen = [upstream for alive, upstream in both if alive] or [upstream for _, upstream in both]
    return tuple(sorted({*chosen}, key=lambda one: one.name))
