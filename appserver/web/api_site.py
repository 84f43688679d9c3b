"""The site's configuration: what holds, by whom it was set, and changes of it."""

from __future__ import annotations

from flask import Response

from appserver.services.site_config import Change
from appserver.web import forms, queries, shapes, shapes_record
from appserver.web.api import api, described
from appserver.web.context import caller, services


@api.get("/config")
@described("site", ok=shapes.Listed[shapes_record.Setting])
def list_settings(query: queries.PageQuery) -> Response:
    """Every key there may be, set or not: what holds, and who said so."""
    found = services().site.list(caller())
    return forms.listed(found, query, lambda one: one.setting.key, lambda one: one.to_json())


@api.get("/config/<path:key>")
@described("site", ok=shapes_record.Setting)
def show_setting(key: str) -> Response:
    """One key, by any of its names."""
    view = services().site.show(caller(), key)
    return forms.one(view.to_json(), view.version)


@api.put("/config/<path:key>")
@described("site", ok=shapes_record.ChangedSetting)
def set_setting(key: str, json: forms.SettingBody) -> Response:
    """Checked, sealed where it is secret, and in force at once."""
    return _changed(services().site.set(caller(), key, json.text(), forms.if_match()))


@api.delete("/config/<path:key>")
@described("site", ok=shapes_record.ChangedSetting)
def unset_setting(key: str) -> Response:
    """Its default holds again, if it has one."""
    return _changed(services().site.unset(caller(), key, forms.if_match()))


def _changed(change: Change) -> Response:
    return forms.one({**change.after.to_json(), "changed": change.changed}, change.after.version)
