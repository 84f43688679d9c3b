"""Nodes and requests for the tests of placement, made by hypothesis, and one placed after the other by a full scan."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from appserver.core.placement.marks import resident
from appserver.core.placement.place import place
from appserver.core.placement.rank import Strategy
from appserver.core.placement.request import Candidate, Claim, Request, Resident
from appserver.errors import NoPlacement

GIB = 2**30

ports = st.lists(
    st.tuples(
        st.sampled_from(["", "0.0.0.0", "::", "10.0.0.1", "10.0.0.2"]),
        st.sampled_from(["80", "81", "80-82"]),
        st.sampled_from(["tcp", "udp"]),
    ),
    max_size=2,
).map(tuple)
cpus = st.sampled_from([0.0, 0.1, 0.25, 0.3333, 1.0, 2.0])
memory = st.sampled_from([0, 1000, 64 << 20, 512 << 20, GIB, (1 << 30) + 7])
counted = st.dictionaries(st.sampled_from(["gpus", "fpga"]), st.integers(0, 2), max_size=2)
claims = st.builds(Claim, cpus, memory, ports, counted)
labels = st.fixed_dictionaries(
    {},
    optional={
        "zone": st.sampled_from("abc"),
        "storage": st.sampled_from(["ssd", "disk"]),
        "containerslots": st.sampled_from(["2", "5", "many"]),
        "resource.gpus": st.sampled_from(["1", "2"]),
    },
)
residents = st.builds(
    Resident,
    name=st.sampled_from(["db", "web", "cache"]),
    image=st.sampled_from(["redis:latest", "web:1"]),
    labels=st.dictionaries(st.sampled_from(["tier", "team"]), st.sampled_from(["front", "back"]), max_size=1),
    running=st.booleans(),
    group=st.sampled_from(["", "g1", "g2"]),
    holder=st.just("there before"),
)
nodes = st.lists(
    st.builds(
        Candidate,
        name=st.sampled_from([f"n{n}" for n in range(12)]),
        cpus=st.sampled_from([1.0, 2.0, 4.0, 7.5]),
        memory=st.sampled_from([GIB, 2 * GIB, 4 * GIB, 4 * GIB + 12345]),
        labels=labels,
        reserved=st.dictionaries(st.sampled_from(["p.q", "r.s"]), st.builds(Claim, cpus, memory, ports), max_size=2),
        against=st.sampled_from(["", "", "", "its agent is away"]),
        words=st.lists(st.sampled_from(["fast", "eu"]), max_size=2).map(tuple),
        images=st.frozensets(st.sampled_from(["redis:latest", "web:1"])),
        residents=st.lists(residents, max_size=3).map(tuple),
        beyond=st.builds(Claim, cpus, memory),
    ),
    max_size=6,
    unique_by=lambda node: node.name,
)
requests = st.lists(
    st.builds(
        Request,
        holder=st.just(""),
        claim=claims,
        constraints=st.lists(
            st.sampled_from(["zone==a", "zone!=b", "storage==~ssd", "zone==~/[ab]/", "node==n*", "zone=~^(a|c)$"]),
            max_size=2,
        ).map(tuple),
        type=st.sampled_from(["", "", "service", "batch", "unique", "unique-name", "host", "image", "port", "multi"]),
        name=st.sampled_from(["", "db", "web", "/cache"]),
        image=st.sampled_from(["redis:latest", "web:1"]),
        labels=st.sampled_from([(), (), ("fast",), ("zone=a",), ("host:n1",)]),
        container_labels=st.dictionaries(st.just("tier"), st.sampled_from(["front", "back"]), max_size=1),
        affinities=st.lists(
            st.sampled_from(
                ["container==db", "container!=w*", "image==redis*", "tier==front", "team!=~back", "container==~db"]
            ),
            max_size=1,
        ).map(tuple),
        whitelist=st.sampled_from([(), (), ("n1", "n2", "n3")]),
        beside=st.sampled_from([(), (), (), ("db",)]),
        group=st.sampled_from(["", "g1", "g2"]),
        spread_by=st.sampled_from(["", "", "zone"]),
        prefer_image=st.booleans(),
    ),
    min_size=1,
    max_size=8,
).map(lambda found: [replace(one, holder=f"h{n}") for n, one in enumerate(found)])
plain = requests.map(
    lambda found: [
        replace(
            one,
            constraints=tuple(text for text in one.constraints if "~" not in text),
            affinities=(),
            beside=(),
            spread_by="",
            prefer_image=False,
        )
        for one in found
    ]
)


def one_by_one(
    wanted: list[Request], found: list[Candidate], strategy: Strategy, seed: int = 0
) -> tuple[list[str | None], list[Candidate]]:
    """By full scans: the node of each or None, and the nodes with all of them on."""
    by_name = {node.name: node for node in found}
    chosen: list[str | None] = []
    for request in wanted:
        try:
            name = place(request, list(by_name.values()), strategy, seed=seed).node
        except NoPlacement:
            chosen.append(None)
            continue
        chosen.append(name)
        by_name[name] = put(by_name[name], request)
    return chosen, list(by_name.values())


def put(node: Candidate, request: Request) -> Candidate:
    return replace(
        node,
        reserved={**node.reserved, request.holder: request.claim},
        residents=(*node.residents, resident(request)),
    )
