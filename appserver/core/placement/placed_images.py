"""Placements and Citadel's Image: a name made of one, and what is known of one that was placed."""

from __future__ import annotations

from appserver.core.placement.placed import Placed
from appserver.core.placement.request import Claim
from appserver.core.placement.values import MB, Image, parse_image_name
from appserver.core.placement.values import Port as PortValue

_SHORT = 40


def named(image: Image, word: str) -> str:
    """A name for a container that was given none: `redis-3f9a1c2b`."""
    last = parse_image_name(image.name).name.partition("@")[0].rpartition("/")[2]
    return f"{last[:_SHORT]}-{word}"


def image_of(placed: Placed, claim: Claim) -> Image:
    """What is known of Citadel's Image."""
    return Image(
        name=placed.image,
        cpus=claim.cpus,
        memory=claim.memory / MB,
        type=placed.type,
        labels=placed.labels,
        bind_ports=tuple(PortValue(protocol, host, int(number)) for host, number, protocol in claim.ports),
        resources=claim.counted,
        group=placed.group,
        reschedulable=placed.reschedulable,
    )
