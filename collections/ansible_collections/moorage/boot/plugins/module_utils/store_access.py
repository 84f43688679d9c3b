"""Who may do what in the store, as the roles ask for it. On the controller, with the project's own Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from appserver.adapters.etcd_access import EtcdAccess
from appserver.adapters.etcd_endpoint import TLS
from appserver.errors import AppServerError, StoreError
from appserver.store import rights

__all__ = ["AppServerError", "apply"]


def apply(options: Mapping[str, Any], check_mode: bool) -> Sequence[str]:
    """Bring one component's rights to what they are to be; what changed, or would, a line each.

    Raises:
        Invalid: a name that no key can be made of.
        StoreError: the store did not answer. Not in check mode, in which it may not be there yet.
    """
    tls = TLS(*(Path(options[name]) for name in ("ca", "cert", "key")))
    endpoints = [f"https://{end}" for end in options["endpoints"]]
    access = EtcdAccess(endpoints, options["prefix"], tls, check=check_mode)
    try:
        return [change.text for change in _COMPONENTS[options["component"]](access, options)]
    except StoreError as error:
        if not check_mode:
            raise
        return [f"the store does not answer yet: {error}"]
    finally:
        access.close()


def _store(access: EtcdAccess, _: Mapping[str, Any]) -> Sequence[Any]:
    """Members and people with the site's authority, first; then the store asks everybody."""
    changes = [*access.role(rights.ROOT, ()), *access.user(rights.ROOT, rights.ROOT)]
    return [*changes, *access.user(rights.MEMBER, rights.ROOT), *access.enable()]


def _serve(access: EtcdAccess, _: Mapping[str, Any]) -> Sequence[Any]:
    return [*access.role(rights.SERVE, rights.serve_grants()), *access.user(rights.SERVE, rights.SERVE)]


def _agent(access: EtcdAccess, options: Mapping[str, Any]) -> Sequence[Any]:
    name = rights.agent_user(options["node"])
    if options["state"] == "absent":
        return access.forget(name)
    lrn = -1 if options["lrn"] is None else options["lrn"]
    grants = rights.agent_grants(options["node"], options["cluster"], lrn, options["address"] or "")
    return [*access.role(name, grants), *access.user(name, name)]


def _proxy(access: EtcdAccess, options: Mapping[str, Any]) -> Sequence[Any]:
    name = rights.proxy_user(options["node"])
    if options["state"] == "absent":
        return access.forget(name)
    return [*access.role(name, rights.proxy_grants(options["node"])), *access.user(name, name)]


_COMPONENTS = {"store": _store, "serve": _serve, "agent": _agent, "proxy": _proxy}
