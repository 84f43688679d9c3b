"""Settings to the program that keeps a proxy's routes."""

from __future__ import annotations

from pathlib import Path

from appserver.adapters.haproxy import HAProxy
from appserver.errors import Invalid
from appserver.proxy.main import Routing
from appserver.settings import ProxySettings
from appserver.wiring.store import open_store


def build(settings: ProxySettings) -> Routing:
    """Connects when it runs."""
    return Routing(open_store(settings), haproxy(settings), settings.proxy_name)


def haproxy(settings: ProxySettings) -> HAProxy:
    """
    Raises:
        Invalid: a number is out of range.
    """
    for name, least, most in (("idle_s", 1, 86_400), ("routes", 1, 10_000)):
        if not least <= getattr(settings, name) <= most:
            raise Invalid(name, f"is {least} to {most}")
    sockets = Path(settings.admin_socket), Path(settings.master_socket)
    return HAProxy(*sockets, Path(settings.state_dir), settings.idle_s, settings.routes)
