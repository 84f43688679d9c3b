"""What each component may do in etcd: the roles that the store itself holds it to. Pure.

etcd grants keys and prefixes, no more: what many agents write under one prefix (`containers/<cluster>/`, `events/`)
each of them may write. What an agent may not: wish for anything, or write what another node says of itself.
"""

from __future__ import annotations

from appserver.core.grants import Grant
from appserver.store import keys, releases, rollout
from appserver.store.names import check_name
from appserver.store.routes import PREFIXES

ROOT = "root"
MEMBER = "etcd"
"""Users of the role `root`: people with the site's authority, and the members themselves."""
SERVE = "serve"
WORKERS = "leader/worker/"
UPDATED_READ = ("status/", "update/", releases.FILES)
"""By the agents of boot servers, beside what all agents read."""
AGENTS_READ = (
    "token",
    "service/",
    "machines/allnodes/",
    "machines/agents/",
    "revisions/",
    "clusters/",
    "placements/",
    "config/",
    "info/",
    keys.PROXIES,
    "nodes/",
    keys.CORDONS,
)
"""The last two for Swarm, which is told by a manager's agent."""


def serve_grants() -> frozenset[Grant]:
    """An app server keeps the whole record."""
    return frozenset({Grant("")})


def agent_user(node: str) -> str:
    """The user, and the role, of a node's agent: the common name of its certificate."""
    return f"agent:{check_name(node, 'node')}"


def agent_grants(node: str, cluster: str, lrn: int, address: str) -> frozenset[Grant]:
    """An agent reads what is wished of it, and writes what its own node is and did.

    Args:
        lrn: under which it records what is installed; below 0: it is no boot server.
        address: its IP address, under which it tells that it runs; empty: it does not.
    """
    own = [
        Grant(keys.node(node)),
        Grant(keys.alive(node)),
        Grant(keys.agent(node)),
        Grant(f"{keys.RIVALS}{node}/"),
        Grant(keys.observed_of(node)),
        Grant(keys.serving_of(node)),
        Grant(keys.learned_of(node)),
        Grant(keys.containers(cluster)),
        Grant("events/", "write"),
    ]
    if lrn >= 0:
        own += [Grant(f"install/{lrn}/"), Grant(keys.bootserver(lrn))]
        own += [Grant(rollout.status(lrn)), Grant(f"{rollout.STEPS}{lrn}/"), Grant(rollout.busy(lrn))]
        own += [Grant(rollout.CONTENTS), Grant(WORKERS)]
    if address:
        own.append(Grant(keys.runnode(address)))
    read = [Grant(keys.desired_of(node), "read"), *(Grant(prefix, "read") for prefix in AGENTS_READ)]
    if lrn >= 0:
        read += [Grant(prefix, "read") for prefix in UPDATED_READ]
    return frozenset([*own, *read])


def proxy_user(name: str) -> str:
    """The user, and the role, of the program that tells a proxy its routes: the common name of its certificate."""
    return f"proxy:{check_name(name, 'proxy')}"


def proxy_grants(name: str) -> frozenset[Grant]:
    """It reads who has which route and where that is served, and writes how far it is."""
    return frozenset({Grant(keys.proxy(name)), *(Grant(prefix, "read") for prefix in PREFIXES)})
