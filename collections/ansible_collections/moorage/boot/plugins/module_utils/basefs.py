"""Base file systems: what makes one equal to another, and what of them an engine is to have. Nothing is touched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

LABEL = "moorage.basefs"
"""Of an image: its version. Images that are built upon it carry it too."""
RECIPE = "1"
"""Raised whenever the same inputs make other bytes."""


@dataclass(frozen=True)
class Inputs:
    """Everything that people decide about a version. `sources` is empty where those of the building host are used."""

    suite: str
    packages: tuple[str, ...]
    sources: tuple[str, ...] = ()
    epoch: int = 0

    @property
    def digest(self) -> str:
        told = [RECIPE, self.suite, sorted(set(self.packages)), list(self.sources), self.epoch]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True)
class Image:
    """An image of an engine. `layers` are the digests of its layers, from the lowest."""

    id: str
    layers: tuple[str, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What an engine has: every image, and container name to image id, of those that are stopped as well."""

    images: tuple[Image, ...] = ()
    containers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What is to be done on one engine.

    load: the archive has to be loaded. tag: the image is there and has lost its name.
    remove: references that nothing uses. kept: references of other versions to what stands on them.
    """

    load: bool = False
    tag: bool = False
    remove: tuple[str, ...] = ()
    kept: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        told = [("load", "it is not here")] if self.load else [("tag", "it has lost its name")] if self.tag else []
        told += [(f"remove {name}", "nothing stands on it") for name in self.remove]
        return "".join(f"{action}: {cause}\n" for action, cause in told)


def decide(seen: Seen, repository: str, version: str, ids: Sequence[str]) -> Plan:
    """
    Args:
        repository: other references to it are old versions, and no others are touched.
        ids: what the image of this version may be called: engines name it by its configuration or its manifest.
    """
    wanted = f"{repository}:{version}"
    by_tag = {tag: image for image in seen.images for tag in image.tags}
    here = [image for image in seen.images if image.id in ids]
    named = wanted in by_tag and by_tag[wanted].id in ids
    old = {tag: image for tag, image in sorted(by_tag.items()) if tag.startswith(f"{repository}:") and tag != wanted}
    kept = {tag: users for tag, image in old.items() if (users := _users(seen, image))}
    return Plan(not here, bool(here) and not named, tuple(tag for tag in old if tag not in kept), kept)


def configuration(version: str, inputs: Inputs, architecture: str, layer: str) -> bytes:
    """The image's configuration, whose digest is the image's id: the same for the same layer, to the byte."""
    created = datetime.fromtimestamp(inputs.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": created,
            "config": {
                "Cmd": ["/bin/bash"],
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
                "Labels": {LABEL: version, f"{LABEL}.inputs": inputs.digest},
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
            "history": [{"created": created, "created_by": f"moorage.boot.basefs {inputs.suite}"}],
        }
    )


def manifest(config: bytes, layer: str, layer_size: int) -> bytes:
    """The image's manifest, by whose digest registries and newer engines know it."""
    kind = "application/vnd.oci.image"
    of_config = {
        "mediaType": f"{kind}.config.v1+json",
        "digest": f"sha256:{hashlib.sha256(config).hexdigest()}",
        "size": len(config),
    }
    of_layer = {"mediaType": f"{kind}.layer.v1.tar", "digest": f"sha256:{layer}", "size": layer_size}
    whole = {"schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json", "config": of_config, "layers": [of_layer]}
    return _json(whole)


def installed(status: str) -> dict[str, str]:
    """Package to version, of the text of dpkg's status file."""
    found = {}
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status") == "install ok installed":
            found[fields["Package"]] = fields["Version"]
    return dict(sorted(found.items()))


def _users(seen: Seen, base: Image) -> tuple[str, ...]:
    """Containers and other images that have the base's layers beneath their own."""
    upon = {image.id for image in seen.images if image.layers[: len(base.layers)] == base.layers}
    containers = (name for name, image in seen.containers.items() if image in upon)
    images = (tag for image in seen.images if image.id in upon and image.id != base.id for tag in image.tags)
    return (*sorted(containers), *sorted(images))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
