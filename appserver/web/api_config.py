"""Configuration: is it sound, what does it say."""

from __future__ import annotations

from flask import Response, jsonify

from appserver.web import forms, shapes
from appserver.web.api import api, described
from appserver.web.context import caller, services


@api.post("/config/lint")
@described("configuration", ok=shapes.Listed[shapes.ConfigFault])
def lint_configuration(json: forms.LintBody) -> Response:
    """Every fault of a tree of files, as a push of it would be told. None: it is sound."""
    faults = services().configuration.lint(caller(), json.files)
    return forms.listing([{"where": fault.where, "key": fault.key, "why": fault.reason} for fault in faults])


@api.post("/config/explain")
@described("configuration", ok=shapes.Configuration)
def explain_configuration(json: forms.ExplainBody) -> Response:
    """What a container of an image would be told, and by whom."""
    answer = services().configuration.explain(caller(), json.source, json.target(), json.labels)
    return jsonify(
        {
            "items": list(answer.values),
            "constraints": list(answer.resolved.constraints),
            "affinities": list(answer.resolved.affinities),
            "warnings": [str(notice) for notice in answer.resolved.warnings],
        }
    )
