"""The effective compose project as a value: canonical form, text, hashes, differences.

A project here is what `docker compose config` prints, as JSON values, plus our layers: names sorted, images
pinned, secrets sealed, `$` doubled where Compose would interpolate. Equal inputs give equal bytes.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, cast

import yaml

from appserver.core import secrets
from appserver.core.entities import AppKey

Project = Mapping[str, object]
Service = Mapping[str, object]

APPLICATION = "moorage.application"
HASH = "moorage.hash"
KEPT = "moorage-keep/"
"""Below this, tags by which an application holds on to its images."""
EXTENSION = "x-moorage"
"""How a project is to be run, apart from what it is; see `core/options.py`."""
_OWN_LABELS = frozenset({APPLICATION, HASH})
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@-]*([ :][A-Za-z0-9_./@-]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def services(project: Project) -> Mapping[str, Service]:
    return cast(Mapping[str, Service], project.get("services") or {})


def canonical(project: Project, key: AppKey, effective: Mapping[str, Service]) -> Project:
    """The project with these services, in the one form in which equal projects are equal bytes.

    Every service gets the two labels by which its containers are known: whose they are, and the hash of
    their definition, which takes in the content of the configs and secrets they mount.
    """
    bare = {name: value for name, value in project.items() if name not in ("services", EXTENSION) and value}
    out: dict[str, object] = _tidy(bare)
    out["name"] = key.name
    out["services"] = {
        name: _labelled(_one_unsaid(_tidy(service)), key, service_hash(project, service))
        for name, service in sorted(effective.items())
    }
    return dict(sorted(out.items()))


def service_hash(project: Project, service: Service) -> str:
    """64 hex digits over the definition and the configs and secrets it mounts, without our own labels.

    How many copies there are is left out, as Compose leaves it out of its own hash: no container changes by it.
    """
    bare = {**_without_copies(_tidy(service)), "labels": _without_own(service.get("labels"))}
    mounted = {
        kind: {name: _named(project, kind).get(name) for name in sorted(sources(service, kind))}
        for kind in ("configs", "secrets")
    }
    return _sha256(json.dumps([bare, mounted], sort_keys=True, ensure_ascii=False))


def hashes(project: Project) -> Mapping[str, str]:
    """Service to the hash its containers carry."""
    return {name: str(cast(Mapping[str, str], service["labels"])[HASH]) for name, service in services(project).items()}


def digest(project: Project) -> str:
    return _sha256(to_text(project))


def to_text(project: Project) -> str:
    """YAML that Compose and a person read alike: every string that YAML could take for something else is quoted."""
    return yaml.dump(
        project, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=100_000, default_flow_style=False
    )


def diff(before: Project | None, after: Project) -> str:
    """A unified diff of the two texts, secrets masked, our hash labels left out."""
    old, new = (_readable(project).splitlines() if project else [] for project in (before, after))
    return "\n".join(difflib.unified_diff(old, new, "in force", "planned", lineterm="", n=3))


def published_ports(service: Service) -> tuple[tuple[str, str, str], ...]:
    """(host address or "", port, protocol) of every fixed host port."""
    ports = cast(list[Mapping[str, object]], service.get("ports") or [])
    return tuple(
        (str(port.get("host_ip") or ""), str(port["published"]), str(port.get("protocol") or "tcp"))
        for port in ports
        if port.get("published") not in (None, "", "0")
    )


def memory(service: Service) -> int:
    """Bytes to reserve: what the service is promised, else what it may use at most, else 0."""
    deploy = _resources(service)
    asked = service.get("mem_reservation") or deploy("reservations", "memory") or service.get("mem_limit")
    return int(str(asked or deploy("limits", "memory") or 0))


def cpus(service: Service) -> float:
    """Cores to reserve, by the same rule."""
    deploy = _resources(service)
    return float(str(deploy("reservations", "cpus") or service.get("cpus") or deploy("limits", "cpus") or 0))


def replicas(service: Service) -> int:
    deploy = service.get("deploy")
    said = (service.get("scale"), deploy.get("replicas") if isinstance(deploy, Mapping) else None)
    return int(str(next((one for one in said if one is not None), 1)))


def wanted(service: Service, found: int) -> int:
    """How many containers there are to be: of a service that Swarm runs on each node, those that it has found."""
    deploy = service.get("deploy")
    everywhere = isinstance(deploy, Mapping) and str(deploy.get("mode", "")).startswith("global")
    return max(1, found) if everywhere else replicas(service)


def sources(service: Service, kind: str) -> set[str]:
    """Names of the project's configs or secrets (`kind`) that the service mounts."""
    mounted = cast(list[object], service.get(kind) or [])
    return {str(item["source"]) if isinstance(item, Mapping) else str(item) for item in mounted}


class _Dumper(yaml.SafeDumper):
    """Plain scalars only where yaml 1.1 and 1.2 agree that they are strings."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and text.isprintable() is False and not re.search(r"[^\S\n]\n|[^\n\x20-\x7e\xa0-\ud7ff]", text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _string)


def _readable(project: Project) -> str:
    shown = {
        name: {**service, "labels": _without_own(service.get("labels"))} for name, service in services(project).items()
    }
    shown = {name: {k: v for k, v in service.items() if v} for name, service in shown.items()}
    return to_text(cast(Project, secrets.masked({**project, "services": shown})))


def _labelled(service: dict[str, object], key: AppKey, known_as: str) -> dict[str, object]:
    labels = {**_without_own(service.get("labels")), APPLICATION: str(key), HASH: known_as}
    return dict(sorted({**service, "labels": dict(sorted(labels.items()))}.items()))


def _one_unsaid(service: dict[str, object]) -> dict[str, object]:
    """One copy is what there is when nobody says how many."""
    return {name: value for name, value in service.items() if not (name == "scale" and value == 1)}


def _without_copies(service: dict[str, object]) -> dict[str, object]:
    """An empty `deploy` stays: Compose's hash tells it from none."""
    bare = {name: value for name, value in service.items() if name != "scale"}
    deploy = bare.get("deploy")
    if isinstance(deploy, Mapping):
        bare["deploy"] = {name: value for name, value in deploy.items() if name != "replicas"}
    return bare


def _without_own(labels: object) -> dict[str, object]:
    given = cast(Mapping[str, object], labels or {})
    return {name: value for name, value in sorted(given.items()) if name not in _OWN_LABELS}


def _tidy(value: Mapping[str, object]) -> dict[str, object]:
    """Names sorted, absent values dropped; a null inside environment or networks means something and stays."""
    out: dict[str, object] = {}
    for name, item in sorted(value.items()):
        if item is None or item == {} or item == []:
            continue
        out[name] = _sorted(item)
    return out


def _sorted(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _sorted(item) for name, item in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [_sorted(item) for item in value]
    return value


def _named(project: Project, kind: str) -> Mapping[str, object]:
    return cast(Mapping[str, object], project.get(kind) or {})


def _resources(service: Service) -> Any:
    deploy = service.get("deploy")
    resources = deploy.get("resources") if isinstance(deploy, Mapping) else None

    def find(part: str, name: str) -> object:
        section = resources.get(part) if isinstance(resources, Mapping) else None
        return section.get(name) if isinstance(section, Mapping) else None

    return find


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
