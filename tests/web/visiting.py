"""Visiting the pages without a browser: which there are, who visits, how a form is sent."""

from __future__ import annotations

import re
from dataclasses import replace

from flask.testing import FlaskClient

from tests.web import values
from tests.web.harbour import ADA, SESSION, Harbour

APP = "/applications/default/shop"
PAGES = (
    "/applications",
    "/applications/new",
    APP,
    "/applications/default/blog",
    "/applications/default/wiki",
    "/applications/default/mail",
    "/applications/default/ferry",
    f"{APP}/edit",
    f"{APP}/explain",
    f"{APP}/history",
    f"{APP}/history/3",
    f"{APP}/history/1/rollback",
    "/applications/default/blog/drift",
    f"{APP}/drift",
    f"{APP}/usage",
    "/applications/default/blog/usage?span=24h",
    "/applications/default/mail/usage",
    f"{APP}/logs",
    f"{APP}/logs?service=web",
    f"{APP}/delete",
    f"{APP}/move",
    f"{APP}/move?to=edge",
    "/applications/default/blog/move?to=edge",
    "/applications/default/wiki/move",
    "/applications/default/mail/move",
    "/applications/default/mail/move?again=1",
    "/applications/default/gone/move",
    *(f"/operations/{operation}" for operation in values.OPERATIONS),
    "/import",
    "/sources",
    "/sources/new",
    "/sources/config",
    "/sources/ops",
    "/nodes",
    "/nodes/harbour-1",
    "/nodes/harbour-1?span=168h",
    "/nodes/harbour-2",
    "/nodes/harbour-1/drain",
    "/bootservers",
    "/bootservers?kind=deb&name=curl",
    "/bootservers?kind=container&name=nothing",
    "/bootservers/0",
    "/bootservers/10",
    "/bootservers/0/differences?with=1",
    "/bootservers/1/differences?with=1",
    "/updates",
    "/updates?after=3",
    "/updates/1",
    "/updates/2",
    "/updates/3",
    "/updates/new",
    "/updates/do/stop",
    "/updates/do/recover",
    "/updates/do/retry",
    "/updates/do/undo",
    "/settings",
    "/settings/config/proxy",
    "/settings/config/env",
    "/settings/config/release-time",
    "/settings/bmc/bmc-user",
    "/settings/worker-timeout",
    "/plays",
    "/plays/new",
    "/plays/new?playbook=site.yml",
    "/plays/new?playbook=rotate.yml",
    "/plays/new?from=2",
    *(f"/plays/{number}" for number in range(1, 7)),
    "/events",
    "/audit",
    "/tokens",
    "/users",
)
OPEN = ("/login", "/setup/first")
VIEWER = replace(ADA, role="viewer")
OPERATOR = replace(ADA, role="operator")
FORM = {"name": "shop", "cluster": "default", "path": "compose.yaml", "compose_files": "compose.yaml"}


def logged_in(harbour: Harbour) -> FlaskClient:
    found = harbour.app().test_client()
    with found.session_transaction() as session:
        session["_user_id"] = SESSION
    return found


def send(client: FlaskClient, path: str, source: str, /, **form: str):
    """Submit a form as the page `source` holds it: with its token."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(source).text)
    assert token, f"{source} has no form"
    return client.post(path, data={"csrf_token": token[1], **form})
