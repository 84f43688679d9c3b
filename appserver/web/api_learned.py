"""What images use, as nodes have learned it, beside what is asked for them."""

from __future__ import annotations

from flask import Response

from appserver.web import forms, queries, shapes, shapes_learned
from appserver.web.api import api, described
from appserver.web.context import caller, services
from appserver.web.forms import application_key


@api.get("/images/usage")
@described("images", ok=shapes.Listed[shapes_learned.Used])
def list_image_usage(query: queries.ImageQuery) -> Response:
    """What containers of each image used; with `image`, of that one, or of its repository where nobody ran that tag."""
    learned = services().learned
    if query.image:
        found = learned.of_image(caller(), query.image)
        return forms.listing([found.to_json()] if found else [])
    return forms.listed(learned.images(caller()), query, lambda one: one.image, lambda one: one.to_json())


@api.get("/applications/<cluster>/<name>/usage")
@described("applications", ok=shapes.Listed[shapes_learned.ServiceUsage])
def list_application_usage(cluster: str, name: str) -> Response:
    """What one container of each service asks for, beside what containers of its image used."""
    found = services().learned.of_application(caller(), application_key(cluster, name))
    return forms.listing([one.to_json() for one in found])
