"""Options by which a module finds an app server, said once. The standard library alone: it can always be imported."""

from __future__ import annotations

APP_SERVER = {
    "server": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "ca": {"type": "path"},
}
REQUIRED_BY = {"token": ("server",), "ca": ("server",)}
