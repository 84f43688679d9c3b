"""What the core and the services ask of the world.

Each protocol is narrow, so that a second implementation is easy; each has one real adapter in
`adapters/` and, for `KV`, one in memory that passes the same contract suite.
"""

from appserver.ports.hosts import Bmc, Boards, Playbooks
from appserver.ports.local import Clock, Passwords, Sealer
from appserver.ports.node import (
    Compose,
    Disks,
    Engine,
    Host,
    MetricHistory,
    Nodes,
    Packages,
    Registry,
    SharedTree,
    TimeSources,
)
from appserver.ports.proxy import Proxy
from appserver.ports.repositories import CommitInfo, ConfigRepo, Receiver, Remote, Repositories, Say
from appserver.ports.store import KV, Change, Item, Leadership, Lease, Snapshot, Watch

__all__ = [
    "KV",
    "Bmc",
    "Boards",
    "Change",
    "Clock",
    "CommitInfo",
    "Compose",
    "ConfigRepo",
    "Disks",
    "Engine",
    "Host",
    "Item",
    "Leadership",
    "Lease",
    "MetricHistory",
    "Nodes",
    "Packages",
    "Passwords",
    "Playbooks",
    "Proxy",
    "Receiver",
    "Registry",
    "Remote",
    "Repositories",
    "Say",
    "Sealer",
    "SharedTree",
    "Snapshot",
    "TimeSources",
    "Watch",
]
