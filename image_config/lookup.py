"""Which files a container is configured by: their names without extension, weakest first."""

from __future__ import annotations

import posixpath

from image_config.model import Target

ORDER = (
    "<image>",
    "<image>:<tag>",
    "<cluster>/<image>",
    "<cluster>/<image>:<tag>",
    "<cluster>/<application>/<service>",
    "<cluster>/<container name>",
)
"""For people, in the order of `stems`."""
DEEPEST = 3


def stems(target: Target) -> tuple[str, ...]:
    """Each file counts once, at its weaker place: `dev/web` is the image's where a container has that name too."""
    name, tag = image_name(target.image)
    tagged = f"{name}:{tag}" if name and tag else ""
    cluster, service = target.cluster, target.service
    named = (
        name,
        tagged,
        _join(cluster, name),
        _join(cluster, tagged),
        _join(cluster, target.application, service),
        _join(cluster, target.container_name),
    )
    return tuple(dict.fromkeys(stem for stem in named if stem))


def image_name(reference: str) -> tuple[str, str]:
    """Name after the last slash, and tag: `host:5000/a/web` is (`web`, `latest`), by digest alone (`web`, "").

    An image id names no image that a file could be called by: both are empty.
    """
    if reference.startswith("sha256:"):
        return "", ""
    rest, _, digest = reference.partition("@")
    name, _, tag = rest.rpartition("/")[2].partition(":")
    return name, tag or ("" if digest else "latest")


def stem(path: str) -> str:
    """A file's name without its extension, `@` read as `:` (some file systems take no colon)."""
    directory, file = posixpath.split(posixpath.splitext(path)[0])
    return posixpath.join(directory, file.replace("@", ":"))


def _join(*parts: str) -> str:
    return "/".join(parts) if all(parts) else ""
