"""The messages and methods of etcd's API as protobuf classes, made at run time.

Source: the installed `etcd3` package carries etcd's file descriptors as text inside its generated
modules. They are read as data: its modules were generated for a protobuf that no longer exists
and do not import. A private pool keeps them from meeting other etcd stubs of the same process.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from google.protobuf.descriptor_pool import DescriptorPool  # type: ignore[import-untyped]
from google.protobuf.message_factory import GetMessageClass  # type: ignore[import-untyped]

from appserver.errors import StoreError

_FILES = ("kv", "auth", "rpc")
"""In the order in which each needs the one before."""

_one_at_a_time = Lock()
"""A cache lets two threads make two pools at once, and classes of two pools do not mix."""

_DESCRIPTOR = re.compile(r"^ *serialized_pb=_b\((?P<literal>'.*')\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Method:
    """One remote call: its path on the wire and the classes of what goes out and comes back."""

    path: str
    request: Any
    response: Any


def message(name: str) -> Any:
    """The class of a message of `etcdserverpb`, such as `RangeRequest`."""
    with _one_at_a_time:
        return _message(name)


def method(service: str, name: str) -> Method:
    """A method of a service of `etcdserverpb`, such as `KV`, `Txn`."""
    with _one_at_a_time:
        return _method(service, name)


@cache
def _message(name: str) -> Any:
    return GetMessageClass(_pool().FindMessageTypeByName(f"etcdserverpb.{name}"))


@cache
def _method(service: str, name: str) -> Method:
    found = _pool().FindServiceByName(f"etcdserverpb.{service}").methods_by_name[name]
    return Method(
        f"/etcdserverpb.{service}/{name}", GetMessageClass(found.input_type), GetMessageClass(found.output_type)
    )


@cache
def _pool() -> Any:
    spec = find_spec("etcd3")
    if spec is None or spec.origin is None:
        raise StoreError("the Python package etcd3, whose message descriptors the etcd client reads, is not installed")
    folder = Path(spec.origin).parent / "etcdrpc"
    pool = DescriptorPool()
    for name in _FILES:
        pool.AddSerializedFile(_descriptor(folder / f"{name}_pb2.py"))
    return pool


def _descriptor(generated: Path) -> bytes:
    """The serialized file descriptor inside a generated module; the text is latin-1 for bytes."""
    found = _DESCRIPTOR.search(generated.read_text(encoding="utf-8"))
    if found is None:
        raise StoreError(f"{generated.name} of the Python package etcd3 holds no descriptor; version 0.12.0 does")
    text = ast.literal_eval(found["literal"])
    return bytes(text, "latin-1")
