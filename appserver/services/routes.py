"""The table of routes, as proxies have it or are about to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from appserver.core.access import Caller
from appserver.core.entities import AppKey
from appserver.core.routes import Applied, Route
from appserver.ports import KV
from appserver.services.routes_claims import Claims
from appserver.store import keys
from appserver.store.records import below
from appserver.store.routes import PREFIXES, table_of


@dataclass(frozen=True, slots=True)
class RouteView:
    route: Route
    url: str

    def to_json(self) -> Mapping[str, object]:
        return {
            "host": self.route.host,
            "path": self.route.path,
            "url": self.url,
            "application": self.route.application,
            "containers": [
                {
                    "node": one.name.rsplit(".", 2)[0],
                    "container": one.container,
                    "address": one.address,
                    "port": one.port,
                }
                for one in self.route.upstreams
            ],
        }


class Routes:
    def __init__(self, *, kv: KV, claims: Claims, public_url: str) -> None:
        """`public_url` is how people reach the app servers through the proxies; empty where there are none."""
        self._kv = kv
        self._claims = claims
        public = urlsplit(public_url)
        self._scheme = public.scheme or "http"
        self._port = f":{public.port}" if public.port else ""

    def list(self, caller: Caller, application: AppKey | None = None) -> tuple[RouteView, ...]:
        """By host and path; those of applications that the caller may read, or of one."""
        found = table_of(self._kv.snapshot(*PREFIXES))
        return tuple(
            RouteView(route, f"{self._scheme}://{route.host}{self._port}{route.path}")
            for route in found
            if application is None or route.application == str(application)
            if caller.may("R", f"application:{route.application}")
        )

    def proxies(self) -> tuple[str, ...]:
        """Names of those that follow the table now."""
        return tuple(name for name, _ in below(self._kv.snapshot(keys.PROXIES), keys.PROXIES, Applied))

    def prune(self) -> None:
        self._claims.prune()
