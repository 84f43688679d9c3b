"""The one place where plugins meet appserver. It runs on the controller, with the project's own Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from appserver.adapters.etcd import TLS, Etcd
from appserver.core.access import Caller
from appserver.core.fleet import host_of
from appserver.errors import AppServerError, BadRecord, Conflict, Invalid, StoreError
from appserver.ports import KV
from appserver.services.nodes import NodeList
from appserver.store import keys
from appserver.store.records import skipped

__all__ = ["AppServerError", "boot_hosts", "record_installed", "store", "values"]

READER = Caller("ansible", "viewer", via="system")
"""Whoever may read the store itself."""

CONTROLLER = ("localhost", "127.0.0.1", "::1")
"""A host of such a name is what tasks are delegated to that are the controller's own."""

KEYS = {"containers": keys.installed_container, "debs": keys.installed_deb}


def store(options: Mapping[str, object]) -> KV:
    """The store that a module's `store` options name."""
    scheme = "https" if options["ca"] else "http"
    endpoints = [end if "://" in end else f"{scheme}://{end}" for end in options["endpoints"]]
    paths = [Path(options[name]) if options[name] else None for name in ("ca", "cert", "key")]
    return Etcd(endpoints, prefix=options["prefix"], tls=TLS(*paths) if paths[0] else None)


def boot_hosts(kv: KV, cluster: str) -> list[dict[str, object]]:
    """Name and variables of each node on record, of `cluster` alone unless it is empty.

    Its agent wrote them. Left out, and logged, is what gives no address, or would take the place of the controller.

    Raises:
        StoreError: the store did not answer.
    """
    kept = ("lrn", "cluster", "labels", "on", "healthy", "conditions", "engine")
    found = []
    for view in NodeList(kv=kv).list(READER, cluster):
        node, told = view.node, view.to_json()
        try:
            if node.name in CONTROLLER:
                raise Invalid("name", f"{node.name} is the controller itself to Ansible")
            host = host_of(node)
        except Invalid as error:
            skipped(keys.node(node.name), BadRecord(str(error)))
            continue
        variables = {"ansible_host": host, **{name: told[name] for name in kept}}
        found.append({"name": node.name, "variables": variables})
    return found


def values(kv: KV, wanted: Sequence[str]) -> list[str | dict[str, str] | None]:
    """The text under each key, None where there is none; of a key that ends in a slash, name to text of all below.

    Raises:
        StoreError: the store did not answer.
    """
    items = kv.snapshot(*wanted).items if wanted else {}
    below = {key: {n.removeprefix(key): i.value for n, i in items.items() if n.startswith(key)} for key in wanted}
    return [below[key] if key.endswith("/") else items[key].value if key in items else None for key in wanted]


def record_installed(
    kv: KV, lrn: int, kind: str, versions: Mapping[str, str], check_mode: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Put versions on record under `install/<lrn>/<kind>/`, and the boot server itself; what was and what is there.

    Raises:
        Invalid: a name that no key can be made of, or an empty version.
        Conflict: somebody else wrote one of them at the same moment.
        StoreError: the store did not answer. Not in check mode, in which a store that is not there yet is empty.
    """
    wanted = {KEYS[kind](lrn, name): version for name, version in versions.items()} | {keys.bootserver(lrn): ""}
    for name, version in versions.items():
        if not version:
            raise Invalid(name, "what is installed has a version")
    try:
        items = kv.snapshot(*wanted).items
    except StoreError:
        if not check_mode:
            raise
        items = {}
    before = {key: items[key].value for key in wanted if key in items}
    differs = {key: version for key, version in wanted.items() if before.get(key) != version}
    expect = {key: items[key].revision if key in items else 0 for key in differs}
    if differs and not check_mode and not kv.commit(expect, differs):
        raise Conflict(f"{', '.join(differs)} changed while it was being written; run again")
    return before, wanted
