"""Secrets of a project become seals before anything is decided, logged or kept; nobody else makes any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from appserver.core import compose, secrets
from appserver.core.compose import Project, Service
from appserver.core.options import options
from appserver.errors import InvalidMany

Seal = Callable[[str], str]
"""One text to its seal, in the application's place."""

_NO_SEAL = f"begins with {secrets.MARK}, as only what is sealed here may"


def sealed_base(project: Project, seal: Seal, known: tuple[str, ...] = ()) -> Project:
    """What Compose rendered, with secrets sealed before anything is decided, logged or kept.

    Args:
        known: texts that are secret wherever they stand, from `.env`.
    Raises:
        InvalidMany: a seal that the author wrote.
    """
    if faults := tuple(_given_seals(project)):
        raise InvalidMany(faults)
    declared = options(project).secrets
    services = {
        name: sealed_environment(_sealed_known(service, known, seal), declared, seal)
        for name, service in compose.services(project).items()
    }
    contents = {
        name: {**given, "content": seal(str(given["content"]))} if given.get("content") is not None else given
        for name, given in cast(Mapping[str, Mapping[str, object]], project.get("secrets") or {}).items()
    }
    return {**project, "services": services, **({"secrets": contents} if contents else {})}


def sealed_environment(service: Service, declared: tuple[str, ...], seal: Seal) -> Service:
    """The service with its secret environment values sealed; those sealed before stay as they are."""
    environment = cast(Mapping[str, object], service.get("environment") or {})
    if not environment:
        return service
    known = tuple(
        str(value)
        for name, value in environment.items()
        if value and secrets.is_secret_name(name) and not secrets.is_sealed(value)
    )
    return {
        **service,
        "environment": {
            name: seal(value)
            if isinstance(value, str)
            and not secrets.is_sealed(value)
            and secrets.is_secret(name, value, declared, known)
            else value
            for name, value in environment.items()
        },
    }


def seals_of_layers(name: str, rendered: Service, base: Service) -> Iterator[tuple[str, str]]:
    """Only what the project came with was sealed before its layers are read."""
    for option, value in rendered.items():
        if {*secrets.seals(value)} - {*secrets.seals(base.get(option))}:
            yield f"{name}.{option}", _NO_SEAL


def _given_seals(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    if secrets.is_sealed(value):
        yield where, _NO_SEAL
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _given_seals(item, f"{where}.{name}" if where else str(name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _given_seals(item, f"{where}/{number}")


def _sealed_known(service: Service, known: tuple[str, ...], seal: Seal) -> Service:
    """Compose doubled every `$` of what it rendered, and so of the secrets in it."""
    spelled = {one for text in known if len(text) >= 4 for one in (text, text.replace("$", "$$"))}

    def hide(text: str) -> str:
        return seal(text) if any(one in text for one in spelled) else text

    return {**service, **{name: secrets.each(service[name], hide) for name in secrets.FREE_TEXT if name in service}}
