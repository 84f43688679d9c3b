"""Users and roles of etcd itself: who is let in, and to which keys. For whoever may act as etcd's `root`."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from appserver.adapters.etcd_channel import Channel
from appserver.adapters.etcd_endpoint import TLS
from appserver.adapters.etcd_errors import AuthIsOff
from appserver.adapters.etcd_messages import message, method
from appserver.core.grants import Grant, Kind
from appserver.errors import StoreError

_KINDS: dict[Kind, int] = {"read": 0, "write": 1, "readwrite": 2}
"""Numbers of `authpb.Permission.Type`."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differed, as people read it: `agent:boot-0 may readwrite nodes/boot-0`."""

    text: str


class EtcdAccess:
    """Brings users and roles to what is wanted; only looks where `check` is set. Users have no password that is known:
    they prove who they are by the common name of their certificate."""

    def __init__(self, endpoints: Sequence[str], prefix: str, tls: TLS, check: bool = False) -> None:
        self._channel = Channel(endpoints, tls, None, None, timeout_s=10.0)
        self._prefix = prefix
        self._check = check

    def user(self, name: str, role: str) -> list[Change]:
        """`name` is known and has that role.

        Raises:
            StoreError: the store did not answer, or we may not.
        """
        changes = []
        if name not in self._call("UserList", "AuthUserListRequest").users:
            self._do("UserAdd", "AuthUserAddRequest", name=name, password=secrets.token_hex(32))
            changes.append(Change(f"{name} is known"))
        had = () if changes else self._call("UserGet", "AuthUserGetRequest", name=name).roles
        if role not in had:
            self._do("UserGrantRole", "AuthUserGrantRoleRequest", user=name, role=role)
            changes.append(Change(f"{name} has the role {role}"))
        return changes

    def role(self, name: str, grants: Iterable[Grant]) -> list[Change]:
        """`name` is a role that may do just that: more is granted, what is too much is taken away."""
        wanted = {self._span(grant): grant.kind for grant in grants}
        if name not in self._call("RoleList", "AuthRoleListRequest").roles:
            self._do("RoleAdd", "AuthRoleAddRequest", name=name)
            had: dict[tuple[bytes, bytes], int] = {}
        else:
            found = self._call("RoleGet", "AuthRoleGetRequest", role=name).perm
            had = {(perm.key, perm.range_end): perm.permType for perm in found}
        changes = []
        for (key, end), kind in wanted.items():
            if had.get((key, end)) != _KINDS[kind]:
                perm = {"permType": _KINDS[kind], "key": key, "range_end": end}
                self._do("RoleGrantPermission", "AuthRoleGrantPermissionRequest", name=name, perm=perm)
                changes.append(Change(f"{name} may {kind} {key.decode()}"))
        for key, end in had.keys() - wanted.keys():
            span = {"role": name, "key": key, "range_end": end}
            self._do("RoleRevokePermission", "AuthRoleRevokePermissionRequest", **span)
            changes.append(Change(f"{name} may no longer reach {key.decode()}"))
        return changes

    def forget(self, name: str) -> list[Change]:
        """Neither a user nor a role of that name is there."""
        changes = []
        if name in self._call("UserList", "AuthUserListRequest").users:
            self._do("UserDelete", "AuthUserDeleteRequest", name=name)
            changes.append(Change(f"{name} is not known any more"))
        if name in self._call("RoleList", "AuthRoleListRequest").roles:
            self._do("RoleDelete", "AuthRoleDeleteRequest", role=name)
        return changes

    def enable(self) -> list[Change]:
        """From now on the store lets nobody do what no role of theirs covers. `root` must be there before."""
        try:
            self._call("Authenticate", "AuthenticateRequest", name="root", password="")  # asks only whether it is on
        except AuthIsOff:
            self._do("AuthEnable", "AuthEnableRequest")
            return [Change("the store asks everybody who they are")]
        except StoreError:
            return []
        return []

    def close(self) -> None:
        self._channel.close()

    def _span(self, grant: Grant) -> tuple[bytes, bytes]:
        """First key and end; the end is empty for one key."""
        key = f"{self._prefix}{grant.key}".encode()
        return (key, key[:-1] + bytes([key[-1] + 1])) if key.endswith(b"/") else (key, b"")

    def _do(self, verb: str, request: str, **fields: Any) -> None:
        if not self._check:
            self._call(verb, request, **fields)

    def _call(self, verb: str, request: str, **fields: Any) -> Any:
        return self._channel.call(method("Auth", verb), message(request)(**fields), repeatable=True)
