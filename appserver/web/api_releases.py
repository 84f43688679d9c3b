"""Releases: which are on record, how the search for new ones goes, a look at once."""

from __future__ import annotations

from datetime import date

from flask import Response

from appserver.core.release_versions import parse
from appserver.services.releases_view import ReleaseView
from appserver.web import forms, queries, shapes_releases
from appserver.web.api import api, described
from appserver.web.context import caller, services


@api.get("/releases")
@described("update", ok=shapes_releases.ReleasesListed)
def list_releases(query: queries.PageQuery) -> Response:
    """Those on record, the newest first, and how the search for new ones goes: last error, next look, next window."""
    releases = services().releases
    page = forms.listed(releases.list(caller()), query, _cursor, lambda one: one.to_json())
    return forms.one({**page.get_json(), "search": releases.search(caller()).to_json()})


@api.get("/releases/<version>")
@described("update", ok=shapes_releases.ReleaseInFull)
def show_release(version: str) -> Response:
    """One release: its images, packages and steps, where it came from and who signed it."""
    return forms.one(services().releases.show(caller(), version).to_json())


@api.post("/releases/check")
@described("update", ok=shapes_releases.ReleaseSearch)
def check_releases() -> Response:
    """Look for a new release now. It is taken if its window is open and nothing is frozen, as at any other look."""
    return forms.one(services().releases.look(caller()).to_json())


@api.put("/releases/<version>/aside")
@described("update", ok=shapes_releases.ReleaseInFull)
def put_release_aside(version: str, json: forms.ReasonBody) -> Response:
    """From now on it is not taken by itself; without a reason it is again."""
    return forms.one(services().releases.put_aside(caller(), version, json.reason).to_json())


def _cursor(view: ReleaseView) -> str:
    """Sorts the newest first."""
    version = parse(view.kept.release.version)
    return f"{date.max.toordinal() - version.day.toordinal():07}-{999_999_999 - version.number:09}"
