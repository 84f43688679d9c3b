"""Placements: which node a container is to run on, and its room kept until it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from appserver.core.learned import Used
from appserver.core.placement.codec import encode_response
from appserver.core.placement.values import MB, Image
from appserver.services.placements import Explanation, Places
from appserver.web import forms, forms_placements, shapes, shapes_placements
from appserver.web.api import PREFIX, api, described
from appserver.web.context import caller, services


@api.post("/placements")
@described("placements", ok=shapes_placements.PlacementExplanation, created=shapes_placements.Placed)
def place_containers(json: forms_placements.PlacementBody, query: forms_placements.PlaceQuery) -> Response:
    """Citadel's question: where is this to run? Answered with the engine, on which its room is kept from then on.

    With `dry_run` the answer is 200: the score of each node, each other node's reason, and the nearest thing that
    would fit; nothing is written. With a `count` over 1 the answer is a list. `Location` names the placement. The same
    `container_name`, or the same `Idempotency-Key`, gives the same answer again.
    """
    wanted, sent = json.request(query), json.sent()
    if json.dry_run or query.dry_run:
        explained = _explained(sent, services().placements.explain(caller(), wanted))
        used = services().learned.of_image(caller(), wanted.image.name)
        return forms.one({**explained, **_usage(wanted.image, used)})
    found = services().placements(caller(), wanted)
    answer = forms.one(_answer(sent, found, wanted.count), status=201)
    answer.headers["Location"] = f"{PREFIX}/placements/{found.places[0].holder}"
    if found.again:
        answer.headers["Idempotent-Replayed"] = "true"
    return answer


@api.get("/placements")
@described("placements", ok=shapes.Listed[shapes_placements.Placement])
def list_placements(query: forms_placements.PlacementsQuery) -> Response:
    """Containers that have a place: all, or those of a cluster or a node."""
    found = [one for one in services().placement_list(caller(), query.cluster) if query.node in ("", one.record.node)]
    return forms.listed(found, query, lambda one: one.holder, lambda one: one.to_json())


@api.get("/placements/<cluster>/<name>")
@described("placements", ok=shapes_placements.Placement)
def show_placement(cluster: str, name: str) -> Response:
    """One container's place."""
    return forms.one(services().placement_list.show(caller(), cluster, name).to_json())


@api.delete("/placements/<cluster>/<name>")
@described("placements", 204)
def release_placement(cluster: str, name: str) -> Response:
    """Give the room back: its container is gone, or will not come. Nothing is done to a container that is there."""
    services().placements.release(caller(), cluster, name)
    return Response(status=204)


def _answer(sent: Mapping[str, Any], found: Places, count: int) -> Mapping[str, Any]:
    if count == 1:
        return encode_response(sent, found.places[0].engine)
    return {"items": [encode_response({**sent, "container_name": one.name}, one.engine) for one in found.places]}


def _explained(sent: Mapping[str, Any], found: Explanation) -> Mapping[str, Any]:
    scores = found.placement.scores if found.placement else ()
    return {
        "cluster": found.cluster,
        "strategy": found.strategy,
        "fits": found.engine is not None,
        "container": sent,
        "resource": encode_response({}, found.engine)["resource"] if found.engine else None,
        "nodes": [{"node": node, "count": count} for node, count in found.nodes.items()],
        "scores": [
            {"node": one.node, "share": one.share, "unmet": one.unmet, "alike": one.alike, "pulls": one.pulls}
            for one in scores
        ],
        "refused": [{"node": node, "why": why} for node, why in sorted(found.refused.items())],
        "nearest": found.nearest,
    }


def _usage(image: Image, used: Used | None) -> Mapping[str, Any]:
    return {
        "asked": {"cpus": image.cpus, "memory": round(image.memory * MB)},
        "used": used.to_json() if used else None,
    }
