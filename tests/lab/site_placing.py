"""Many placements at a site's app servers at once, and what its record says of them afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.lab.api import Api
from tests.lab.boot_lab import Lab
from tests.lab.site import below

AT_ONCE = 8
"""Requests that are under way at each app server."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`name` is the container's; `node` is empty where it was refused, and `why` says why then."""

    name: str
    status: int
    node: str
    why: str


def place(apis: Sequence[Api], asked: Sequence[Sequence[Mapping[str, Any]]]) -> list[Answer]:
    """Every request of each list at its app server, all of them side by side; answers in no order."""
    with ThreadPoolExecutor(AT_ONCE * len(apis)) as pool:
        # One of each in turn, so that none is far ahead of the other.
        longest = max(map(len, asked))
        mixed = [
            (api, body)
            for n in range(longest)
            for api, some in zip(apis, asked, strict=True)
            for body in some[n : n + 1]
        ]
        return list(pool.map(lambda one: _placed(*one), mixed))


def promised(site: Lab) -> dict[str, Mapping[str, Mapping[str, Any]]]:
    """Node to its claims by holder, as they are on record."""
    found = below(site.of("etcd")[0], "reservations/")
    return {key.rpartition("/")[2]: json.loads(value)["holders"] for key, value in found.items()}


def room(site: Lab) -> dict[str, tuple[float, int]]:
    """Node to its cores and bytes, as its agent said."""
    found = {key: json.loads(value) for key, value in below(site.of("etcd")[0], "nodes/").items()}
    return {one["name"]: (one["engine"]["cpus"], one["engine"]["memory"]) for one in found.values()}


def _placed(api: Api, body: Mapping[str, Any]) -> Answer:
    answer = api.post("placements", body)
    told = answer.json()
    if answer.status_code == 201:
        return Answer(told["container"]["container_name"], 201, told["resource"]["id"], "")
    return Answer(body["container_name"], answer.status_code, "", json.dumps(told))
