"""What an application reserves on a node while new containers are started beside the old ones."""

from __future__ import annotations

from collections.abc import Mapping

from appserver.core import compose
from appserver.core.beside import why_not
from appserver.core.compose import Project, Service
from appserver.core.placement.request import Claim


def of_both(before: Project, after: Project) -> Claim:
    """Enough until the new ones are up: of a service that is started beside itself both, of any other the greater."""
    old, new = compose.services(before), compose.services(after)
    changed = {name for name, known in compose.hashes(after).items() if compose.hashes(before).get(name) != known}
    both = {name for name in changed & old.keys() & new.keys() if not why_not(new[name])}
    cpus, memory, ports = 0.0, 0, set[tuple[str, str, str]]()
    for name in {*old, *new}:
        one, other = _of(old, name), _of(new, name)
        cpus += one.cpus + other.cpus if name in both else max(one.cpus, other.cpus)
        memory += one.memory + other.memory if name in both else max(one.memory, other.memory)
        ports |= {*one.ports, *other.ports}
    return Claim(round(cpus, 6), memory, tuple(sorted(ports)))


def _of(services: Mapping[str, Service], name: str) -> Claim:
    service = services.get(name)
    if service is None:
        return Claim()
    copies = compose.replicas(service)
    return Claim(compose.cpus(service) * copies, compose.memory(service) * copies, compose.published_ports(service))
