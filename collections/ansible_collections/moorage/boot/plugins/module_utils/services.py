"""The one place where plugins meet appserver. It runs on the controller, with the project's own Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from appserver.adapters.etcd import TLS, Etcd
from appserver.errors import AppServerError, Conflict, Invalid, StoreError
from appserver.ports import KV
from appserver.store import keys

__all__ = ["AppServerError", "record_installed", "store"]

KEYS = {"containers": keys.installed_container, "debs": keys.installed_deb}


def store(options: Mapping[str, object]) -> KV:
    """The store that a module's `store` options name."""
    scheme = "https" if options["ca"] else "http"
    endpoints = [end if "://" in end else f"{scheme}://{end}" for end in options["endpoints"]]
    paths = [Path(options[name]) if options[name] else None for name in ("ca", "cert", "key")]
    return Etcd(endpoints, prefix=options["prefix"], tls=TLS(*paths) if paths[0] else None)


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
