"""A layer to an archive that every engine loads as the same image: one OCI layout with Docker's manifest beside it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import BinaryIO

from ansible_collections.moorage.boot.plugins.module_utils import basefs

QUICK = 1
"""Of zlib: it is sent once to each host and thrown away."""


def pack(layer_path: str, archive: str, reference: str, inputs: basefs.Inputs, architecture: str) -> tuple[str, str]:
    """Write the archive, compressed; the image's id and its manifest's digest."""
    layer, size = _digest(layer_path)
    config = basefs.configuration(reference.rpartition(":")[2], inputs, architecture, layer)
    manifest = basefs.manifest(config, layer, size)
    image, digest = (hashlib.sha256(part).hexdigest() for part in (config, manifest))
    with (
        open(archive, "wb") as out,
        gzip.GzipFile("", "wb", QUICK, out, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        open(layer_path, "rb") as data,
    ):
        _add(tar, f"blobs/sha256/{image}", config)
        _add(tar, f"blobs/sha256/{digest}", manifest)
        _add_file(tar, f"blobs/sha256/{layer}", data, size)
        _add(tar, "index.json", _index(manifest, digest, reference))
        _add(tar, "manifest.json", _docker(image, layer, reference))
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    return f"sha256:{image}", f"sha256:{digest}"


def status(layer_path: str) -> str:
    """The text of dpkg's status file in a layer."""
    with tarfile.open(layer_path) as tar:
        for member in tar:
            if member.name.lstrip("./") == "var/lib/dpkg/status":
                found = tar.extractfile(member)
                return found.read().decode() if found else ""
    return ""


def _index(manifest: bytes, digest: str, reference: str) -> bytes:
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": f"sha256:{digest}",
        "size": len(manifest),
        "annotations": {
            "io.containerd.image.name": f"docker.io/{reference}",
            "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
        },
    }
    return json.dumps({"schemaVersion": 2, "manifests": [entry]}, sort_keys=True).encode()


def _docker(image: str, layer: str, reference: str) -> bytes:
    entry = {"Config": f"blobs/sha256/{image}", "RepoTags": [reference], "Layers": [f"blobs/sha256/{layer}"]}
    return json.dumps([entry], sort_keys=True).encode()


def _digest(path: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    _add_file(tar, name, io.BytesIO(data), len(data))


def _add_file(tar: tarfile.TarFile, name: str, data: BinaryIO, size: int) -> None:
    """With nothing of the moment and the host in it."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    tar.addfile(info, data)
