"""The pages for people: every address in one table, and what all of them share.

Server-rendered; the scripts make them live and nothing more, so a page reads the same without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined

from appserver.core.access import Caller
from appserver.errors import AppServerError, Unauthenticated
from appserver.services.bundle import Services
from appserver.web import (
    pages_access,
    pages_application,
    pages_assets,
    pages_boot,
    pages_deploy,
    pages_fleet,
    pages_metrics,
    pages_moves,
    pages_nodes,
    pages_plays,
    pages_records,
    pages_site,
    pages_sources,
    pages_updates,
    pages_users,
    pages_words,
)
from appserver.web.context import caller

GET, POST, BOTH = ("GET",), ("POST",), ("GET", "POST")
THEMES = ("light", "dark")
APP = "/applications/<cluster>/<name>"


@dataclass(frozen=True, slots=True)
class Page:
    """One address. `section` is the entry of the menu it stands under; "" for a page that needs no log-in."""

    rule: str
    endpoint: str
    view: Callable[..., ResponseReturnValue]
    methods: tuple[str, ...]
    section: str


PAGES: tuple[Page, ...] = (
    Page("/", "home", pages_application.home, GET, "applications"),
    Page("/applications", "applications", pages_application.applications, GET, "applications"),
    Page("/applications/new", "new_application", pages_deploy.new, GET, "applications"),
    Page("/applications/amend", "amend", pages_deploy.amend, POST, "applications"),
    Page("/applications/check", "check", pages_deploy.check, POST, "applications"),
    Page("/applications/plan", "plan", pages_deploy.plan, POST, "applications"),
    Page("/applications/deploy", "deploy", pages_deploy.deploy, POST, "applications"),
    Page(APP, "application", pages_application.overview, GET, "applications"),
    Page(f"{APP}/edit", "edit_application", pages_deploy.edit, GET, "applications"),
    Page(f"{APP}/explain", "explain", pages_application.explain, GET, "applications"),
    Page(f"{APP}/history", "history", pages_application.history, GET, "applications"),
    Page(f"{APP}/history/<int:number>", "revision", pages_application.revision, GET, "applications"),
    Page(f"{APP}/history/<int:number>/rollback", "rollback", pages_deploy.rollback, BOTH, "applications"),
    Page(f"{APP}/drift", "drift", pages_application.drift, GET, "applications"),
    Page(f"{APP}/usage", "usage", pages_metrics.usage, GET, "applications"),
    Page(f"{APP}/logs", "logs", pages_application.logs, GET, "applications"),
    Page(f"{APP}/export", "export", pages_application.export, GET, "applications"),
    Page(f"{APP}/do/<any(start, stop, restart):verb>", "act", pages_application.act, POST, "applications"),
    Page(f"{APP}/do/<any(pause, resume):verb>", "hold", pages_application.hold, POST, "applications"),
    Page(f"{APP}/move", "move", pages_moves.move, BOTH, "applications"),
    Page(f"{APP}/delete", "delete_application", pages_application.delete, BOTH, "applications"),
    Page("/operations/<operation>", "operation", pages_deploy.operation, GET, "applications"),
    Page("/import", "strays", pages_fleet.strays, BOTH, "import"),
    Page("/sources", "sources", pages_sources.sources, GET, "sources"),
    Page("/sources/new", "new_source", pages_sources.new, BOTH, "sources"),
    Page("/sources/<name>", "source", pages_sources.source, GET, "sources"),
    Page("/sources/<name>/sync", "sync_source", pages_sources.sync, POST, "sources"),
    Page("/sources/<name>/delete", "delete_source", pages_sources.delete, POST, "sources"),
    Page("/nodes", "nodes", pages_fleet.nodes, GET, "nodes"),
    Page("/nodes/<name>", "node", pages_metrics.node, GET, "nodes"),
    Page("/nodes/<name>/drain", "drain_node", pages_nodes.drain, BOTH, "nodes"),
    Page("/nodes/<name>/do/<any(cordon, undrain):verb>", "hold_node", pages_nodes.hold, POST, "nodes"),
    Page("/bootservers", "boot_servers", pages_boot.servers, GET, "boot"),
    Page("/bootservers/<int:lrn>", "boot_server", pages_boot.server, GET, "boot"),
    Page("/bootservers/<int:lrn>/differences", "boot_differences", pages_boot.differing, GET, "boot"),
    Page("/updates", "updates", pages_updates.updates, GET, "updates"),
    Page("/updates/<int:number>", "update", pages_updates.update, GET, "updates"),
    Page("/updates/new", "new_update", pages_updates.new, BOTH, "updates"),
    Page("/updates/do/<any(stop, recover, retry, undo):verb>", "act_on_update", pages_updates.act, BOTH, "updates"),
    Page("/settings", "settings", pages_site.settings, GET, "settings"),
    Page("/settings/<path:key>", "setting", pages_site.setting, BOTH, "settings"),
    Page("/settings/check/<path:key>", "check_setting", pages_site.check, POST, "settings"),
    Page("/settings/unset/<path:key>", "unset_setting", pages_site.unset, POST, "settings"),
    Page("/plays", "plays", pages_plays.plays, GET, "plays"),
    Page("/plays/new", "new_play", pages_plays.new, BOTH, "plays"),
    Page("/plays/<int:number>", "play", pages_plays.play, GET, "plays"),
    Page("/plays/<int:number>/cancel", "cancel_play", pages_plays.cancel, POST, "plays"),
    Page("/events", "events", pages_records.events, GET, "events"),
    Page("/audit", "audit", pages_records.audit, GET, "audit"),
    Page("/tokens", "tokens", pages_users.tokens, BOTH, "tokens"),
    Page("/tokens/<token>/revoke", "revoke_token", pages_users.revoke, POST, "tokens"),
    Page("/users", "users", pages_users.users, BOTH, "users"),
    Page("/users/<name>", "change_user", pages_users.change, POST, "users"),
    Page("/setup/<secret>", "setup", pages_access.setup, BOTH, ""),
    Page("/login", "login", pages_access.login, BOTH, ""),
    Page("/logout", "logout", pages_access.logout, POST, "applications"),
    Page("/theme", "choose_theme", pages_access.choose_theme, POST, ""),
)
_SECTIONS: Mapping[str, str] = {f"pages.{page.endpoint}": page.section for page in PAGES}


def blueprint(_: Services) -> Blueprint:
    """Its templates and static files are those of the application, beside this file."""
    pages = Blueprint("pages", __name__)
    for page in PAGES:
        pages.add_url_rule(page.rule, page.endpoint, page.view, methods=page.methods)
    pages.record_once(_equip)
    pages.before_request(_known)
    pages.app_context_processor(_shared)
    pages.after_app_request(_lasting)
    return pages


def _equip(state: BlueprintSetupState) -> None:
    """A name that a template misspells is an error, not an empty place."""
    templates = state.app.jinja_env
    templates.undefined = StrictUndefined
    templates.trim_blocks = templates.lstrip_blocks = True
    templates.filters.update(pages_words.FILTERS)
    templates.globals["asset"] = partial(pages_assets.asset, state.app.static_folder or "")


def _known() -> Response | None:
    """Nobody reads a page without being known. A fragment cannot show the log-in page: it sends the browser there."""
    if not _SECTIONS.get(request.endpoint or "", ""):
        return None
    try:
        caller()
    except Unauthenticated:
        if "HX-Request" not in request.headers:
            raise
        return Response(status=401, headers={"HX-Redirect": url_for("pages.login")})
    return None


def _lasting(response: Response) -> Response:
    """A static file asked for by its digest never changes, nor does a font, whose name has its version."""
    lasts = "v" in request.args or request.path.endswith(".woff2")
    if request.endpoint == "static" and lasts and response.status_code == 200:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _shared() -> dict[str, object]:
    theme = request.cookies.get("theme", "")
    return {
        "me": _me(),
        "this_page": request.full_path.rstrip("?"),
        "here": _SECTIONS.get(request.endpoint or "", ""),
        "theme": theme if theme in THEMES else "",
    }


def _me() -> Caller | None:
    """None also where the record of sessions cannot be read: the page that says so is shown to nobody known."""
    try:
        return caller()
    except AppServerError:
        return None
