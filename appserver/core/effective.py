"""The effective project: what Compose made of the files, and our layers over each service.

One function serves every way in: a deployment, a push that changes configuration, a question about a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from appserver.core import affinities, compose, secrets
from appserver.core.compose import Project, Service
from appserver.core.containers import ImageFacts
from appserver.core.entities import AppKey
from appserver.core.exposed import faults as not_exposed
from appserver.core.exposed import with_ports
from appserver.core.options import options
from appserver.core.placed import Placed, faults_of, placed
from appserver.core.sealing import Seal, sealed_environment, seals_of_layers
from appserver.core.stacks import stack
from appserver.core.undeclared import undeclared
from appserver.errors import InvalidMany
from image_config import Layer, Repository, Target, from_compose, from_labels, from_overrides, resolve
from image_config.environment import is_constraint
from image_config.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Overrides:
    """The form's or the API's own values: service to option to value, and whose they are."""

    values: Mapping[str, Mapping[str, object]]
    user: str
    at: str


@dataclass(frozen=True, slots=True)
class Effective:
    """`explained` maps service to `Explained.to_json()` of each value, masked; `constraints` are placement's."""

    project: Project
    explained: Mapping[str, tuple[Mapping[str, object], ...]]
    constraints: tuple[str, ...]
    warnings: tuple[str, ...]


def references(base: Project, overrides: Mapping[str, Mapping[str, object]]) -> Mapping[str, str]:
    """Service to the image it names, before any layer: the form's word, else the compose file's.

    Raises:
        InvalidMany: services without an image, overrides of services that are not there.
    """
    found = compose.services(base)
    faults = [(f"overrides.{name}", "no such service in the project") for name in overrides if name not in found]
    images: dict[str, str] = {}
    for name, service in found.items():
        image = overrides.get(name, {}).get("image") or service.get("image")
        if image:
            images[name] = str(image)
        elif service.get("build"):
            faults.append((name, "is built from a directory, which does not travel: build the image and name it here"))
        else:
            faults.append((name, "names no image"))
    if faults:
        raise InvalidMany(tuple(faults))
    return images


def effective(
    key: AppKey,
    base: Project,
    images: Mapping[str, ImageFacts],
    repository: Repository | None,
    overrides: Overrides,
    where: Mapping[tuple[str, str], str],
    seal: Seal,
    in_swarm: bool = False,
) -> Effective:
    """Resolve every service and put the project together.

    Args:
        base: as `Compose.render` gave it, secrets sealed.
        images: service to image.
        where: (service, option) to file and line of the compose text.
        in_swarm: it becomes a stack, which Swarm places.
    Raises:
        InvalidMany: every fault of every service.
    """
    said = options(base)
    declared = said.secrets
    services: dict[str, Service] = {}
    explained: dict[str, tuple[Mapping[str, object], ...]] = {}
    constraints: dict[str, tuple[str, ...]] = {}
    warnings: list[str] = []
    faults: list[tuple[str, str]] = []
    mode = "host" if in_swarm else "ingress"
    for name, service in compose.services(base).items():
        try:
            layers = _layers(key, name, service, images[name], repository, overrides, where)
            resolved = resolve(layers)
        except ConfigError as error:
            faults += [_fault(name, fault) for fault in error.faults]
            continue
        rendered = with_ports({**resolved.to_compose(), "image": images[name].pin}, name, said.expose, mode)
        faults += undeclared(name, rendered, base, resolved)
        faults += seals_of_layers(name, rendered, service)
        on = Placed() if in_swarm else placed(rendered)
        faults += faults_of(name, on, resolved)
        faults += () if in_swarm else affinities.faults_of(name, resolved)
        services[name] = sealed_environment(rendered, declared, seal)
        hidden = (*declared, *_sealed_names(services[name]))
        explained[name] = tuple(masked(entry.to_json(), hidden) for entry in resolved.explain())
        constraints[name] = (*resolved.constraints, *on.constraints)
        near = affinities.warnings_of(resolved, in_swarm)
        warnings += [f"{name}: {text}" for text in (*resolved.warnings, *on.warnings, *near)]
        if service.get("build"):
            warnings.append(f"{name}: build is not used here; the image {images[name].reference} is")
    faults += not_exposed(said.expose, {**base, "services": services}) if not faults else ()
    if in_swarm and not faults:
        made = stack(base, services, said, constraints)
        base, services, constraints = made.project, {**made.services}, {}
        faults += made.faults
        warnings += made.warnings
    if faults:
        raise InvalidMany(tuple(faults))
    together = tuple(dict.fromkeys(text for some in constraints.values() for text in some))
    return Effective(compose.canonical(base, key, services), explained, together, tuple(warnings))


def _sealed_names(service: Service) -> tuple[str, ...]:
    """Environment values that are secret for what they hold, whatever they are called."""
    environment = cast(Mapping[str, object], service.get("environment") or {})
    return tuple(name for name, value in environment.items() if secrets.is_sealed(value))


def _layers(
    key: AppKey,
    name: str,
    service: Service,
    image: ImageFacts,
    repository: Repository | None,
    overrides: Overrides,
    where: Mapping[tuple[str, str], str],
) -> tuple[Layer, ...]:
    container = str(service.get("container_name") or f"{key.name}-{name}-1")
    target = Target(
        image=image.reference, cluster=key.cluster, application=key.name, service=name, container_name=container
    )
    return (
        from_labels(image.labels, image=image.reference, digest=image.id),
        *(repository.layers(target) if repository else ()),
        from_compose(service, where={option: line for (owner, option), line in where.items() if owner == name}),
        *(
            [from_overrides(overrides.values[name], user=overrides.user, at=overrides.at)]
            if overrides.values.get(name)
            else []
        ),
    )


def masked(entry: Mapping[str, object], declared: tuple[str, ...]) -> Mapping[str, object]:
    """An explanation without its secrets: environment values are judged by their name, seals always.

    A constraint of placement is nobody's secret, whatever label it is about: the application is placed by it again.
    """
    key = str(entry.get("key"))
    hidden = entry.get("option") == "environment" and not is_constraint(key) and secrets.is_secret(key, "?", declared)

    def mask(value: object) -> object:
        shown = secrets.masked(value)
        return secrets.MASK if hidden or _has_userinfo(shown) else shown

    weaker = cast(list[Mapping[str, object]], entry.get("hides") or [])
    return {
        **entry,
        "value": mask(entry.get("value")),
        "hides": [{**item, "value": mask(item.get("value"))} for item in weaker],
    }


def _has_userinfo(value: object) -> bool:
    return isinstance(value, str) and secrets.is_secret("", value)


def one_image(images: Mapping[str, ImageFacts | None], wanted: Mapping[str, str]) -> Mapping[str, ImageFacts]:
    """Service to image, when every one was found.

    Raises:
        InvalidMany: images that neither the nodes nor a registry have.
    """
    missing = [
        (f"{name}.image", f"{ref} is on no node and in no registry")
        for name, ref in wanted.items()
        if not images.get(ref)
    ]
    if missing:
        raise InvalidMany(tuple(missing))
    return {name: facts for name, ref in wanted.items() if (facts := images[ref]) is not None}


def _fault(service: str, fault: ConfigError) -> tuple[str, str]:
    """Where a person mends it: a file and its line, else the form's field."""
    if fault.where:
        return fault.where, f"{fault.key}: {fault.reason}" if fault.key else fault.reason
    return f"{service}.{fault.key}" if fault.key else service, fault.reason
