"""An application as a directory that `docker compose up` runs without Moorage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from appserver.core import compose, secrets
from appserver.core.compose import Project
from appserver.core.containers import ImageFacts

_OWN = (compose.APPLICATION, compose.HASH)


def tree(project: Project, open_seal: Callable[[str], str], images: Mapping[str, ImageFacts]) -> Mapping[str, str]:
    """`compose.yaml`, one file for each secret below `secrets/`, and a README with what each image was.

    Images go by their digest; one that never saw a registry goes by its name, since no other host knows its id.
    """
    opened = secrets.opened(project, open_seal)
    files: dict[str, str] = {}
    held: dict[str, object] = {}
    for name, given in cast(Mapping[str, Mapping[str, object]], opened.get("secrets") or {}).items():
        if given.get("content") is None:
            held[name] = given
            continue
        files[f"secrets/{name}"] = str(given["content"]).replace("$$", "$")
        held[name] = {**{k: v for k, v in given.items() if k != "content"}, "file": f"./secrets/{name}"}
    services = {
        name: {
            **service,
            "image": _image(images.get(name), str(service.get("image", ""))),
            "labels": {k: v for k, v in cast(Mapping[str, str], service.get("labels") or {}).items() if k not in _OWN},
        }
        for name, service in compose.services(opened).items()
    }
    services = {name: {k: v for k, v in service.items() if v != {}} for name, service in services.items()}
    whole = {**opened, "services": services, **({"secrets": held} if held else {})}
    files["compose.yaml"] = compose.to_text(whole)
    files["README.md"] = _readme(project, images)
    return files


def _image(facts: ImageFacts | None, pin: str) -> str:
    return facts.reference if facts and pin.startswith("sha256:") else pin


def _readme(project: Project, images: Mapping[str, ImageFacts]) -> str:
    lines = [
        f"# {project.get('name')}",
        "",
        "`docker compose up -d` runs this.",
        "",
        "| service | image | id |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {facts.reference} | {facts.id} |" for name, facts in sorted(images.items())]
    return "\n".join(lines) + "\n"
