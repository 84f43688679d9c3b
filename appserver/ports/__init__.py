"""What the core and the services ask of the world.

Each protocol is narrow, so that a second implementation is easy; each has one real adapter in
`adapters/` and, for `KV`, one in memory that passes the same contract suite.

What app servers alone ask for is brought in when it is named: an agent has to be small.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    Stacks,
    TimeSources,
)
from appserver.ports.store import KV, Change, Item, Leadership, Lease, Snapshot, Watch

if TYPE_CHECKING:
    from appserver.ports.hosts import Bmc, Boards, Playbooks
    from appserver.ports.proxy import Proxy
    from appserver.ports.repositories import CommitInfo, ConfigRepo, Receiver, Remote, Repositories, Say

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
    "Stacks",
    "TimeSources",
    "Watch",
]

_ASKED_FOR = {
    **dict.fromkeys(("Bmc", "Boards", "Playbooks"), "hosts"),
    **dict.fromkeys(("Proxy",), "proxy"),
    **dict.fromkeys(("CommitInfo", "ConfigRepo", "Receiver", "Remote", "Repositories", "Say"), "repositories"),
}


def __getattr__(name: str) -> Any:
    if name not in _ASKED_FOR:
        raise AttributeError(name)
    return getattr(import_module(f"appserver.ports.{_ASKED_FOR[name]}"), name)
