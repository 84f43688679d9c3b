"""The options that are records of fields: health check, logging, block I/O, deployment."""

from __future__ import annotations

from image_config.attached import by_device
from image_config.kinds import Leaf
from image_config.lists import trees, words
from image_config.model import Value
from image_config.reading import Reading
from image_config.scalars import BOOLEAN, CORES, DURATION, INTEGER, NUMBER, SIZE, TEST, TEXT, integer
from image_config.shapes import Map, Record
from image_config.tree import Node

HEALTHCHECK = Record({
    "test": TEST,
    "interval": DURATION,
    "timeout": DURATION,
    "retries": integer(0),
    "start_period": DURATION,
    "start_interval": DURATION,
    "disable": BOOLEAN,
})  # fmt: skip

LOGGING = Record({"driver": TEXT, "options": Map(from_list=False, syntax="map of text")})

BLKIO = Record({
    "weight": integer(10, 1000),
    "weight_device": by_device("weight", integer(10, 1000), "`{path: /dev/sda, weight: 400}`"),
    "device_read_bps": by_device("rate", SIZE, "`{path: /dev/sda, rate: 12mb}`"),
    "device_write_bps": by_device("rate", SIZE, "`{path: /dev/sda, rate: 12mb}`"),
    "device_read_iops": by_device("rate", SIZE, "`{path: /dev/sda, rate: 120}`"),
    "device_write_iops": by_device("rate", SIZE, "`{path: /dev/sda, rate: 120}`"),
})  # fmt: skip

CREDENTIAL_SPEC = Record({"config": TEXT, "file": TEXT, "registry": TEXT})

_ROLLING = Record({
    "parallelism": integer(0),
    "delay": DURATION,
    "failure_action": TEXT,
    "monitor": DURATION,
    "max_failure_ratio": NUMBER,
    "order": TEXT,
})  # fmt: skip


class Ulimit(Leaf):
    """A number, or soft and hard apart."""

    dotted = True

    def flat(self, below: str, text: Node, said: str, into: Reading) -> Node | None:
        return Node({below: text}, text.line) if below else text


def _ulimit(node: Node) -> Value:
    if not isinstance(node.value, dict):
        return INTEGER.parse(node)
    if set(node.value) != {"soft", "hard"}:
        raise ValueError("takes a number, or soft and hard")
    return {name: INTEGER.parse(node.value[name]) for name in ("hard", "soft")}


ULIMITS = Map(
    Ulimit(_ulimit, "number, or `{soft: n, hard: n}`"),
    "map of limit to number, or to `{soft: n, hard: n}`",
    from_list=False,
    bare=None,
)

DEPLOY = Record({
    "mode": TEXT,
    "endpoint_mode": TEXT,
    "replicas": integer(0),
    "labels": Map(),
    "update_config": _ROLLING,
    "rollback_config": _ROLLING,
    "resources": Record({
        "limits": Record({"cpus": CORES, "memory": SIZE, "pids": INTEGER}),
        "reservations": Record({"cpus": CORES, "memory": SIZE, "generic_resources": trees(), "devices": trees()}),
    }),
    "restart_policy": Record({"condition": TEXT, "delay": DURATION, "max_attempts": integer(0), "window": DURATION}),
    "placement": Record({"constraints": words(), "preferences": trees(), "max_replicas_per_node": integer(0)}),
})  # fmt: skip
