"""`release.yml` to a release, or every fault of it at once, each with its place. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast, get_args

from appserver.core import durations, release_versions
from appserver.core.play_vars import check_vars
from appserver.core.release import FILE, Probe, ProbeKind, Release, ReleaseStep, Scope
from appserver.core.secrets import in_clear
from appserver.errors import Invalid, InvalidMany
from image_config import ConfigError
from image_config.yaml_safe import load

T = TypeVar("T")
MOST_STEPS, MOST_RETRIES = 64, 5
_LONGEST_S = 24 * 3600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}")
_WORD = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,61}[a-z0-9])?")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}")
_DEB_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~-]{0,127}")
_IMAGE = re.compile(r"[a-z0-9][a-zA-Z0-9._/:-]{0,254}:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}@sha256:[0-9a-f]{64}")
_URL = re.compile(r"https?://[^\s@/]+(/\S*)?")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")


def read(files: Mapping[str, str], version: str) -> Release:
    """
    Args:
        files: path to text of all that the release's commit has; playbooks have to be among them.
        version: that its tag says; the file may repeat it, and say no other.
    Raises:
        InvalidMany: every fault.
    """
    if FILE not in files:
        raise Invalid(FILE, "is not in the repository at this tag")
    try:
        document = load(files[FILE], FILE)
    except ConfigError as error:
        raise Invalid(FILE, str(error)) from error
    reader = _Reader(files)
    made = reader.release(document, version)
    if reader.faults:
        raise InvalidMany(tuple(reader.faults[:50]))
    return made


class _Reader:
    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self.faults: list[tuple[str, str]] = []

    def release(self, document: object, version: str) -> Release:
        given = self._mapping(document, "", ("version", "images", "debs", "steps"))
        said = given.get("version", version)
        if said != version:
            self._fault("version", f"is {str(said)[:40]!r}; the tag says {version}")
        self._try("version", lambda: release_versions.parse(version), None)
        steps = tuple(self._step(one, f"steps/{at}") for at, one in enumerate(self._list(given, "steps", "")))
        if not steps:
            self._fault("steps", "there has to be one at least")
        elif len(steps) > MOST_STEPS:
            self._fault("steps", f"are more than {MOST_STEPS}")
        self._unique("name", [step.name for step in steps])
        self._unique("target", [step.target for step in steps if step.target])
        return Release(
            version,
            steps,
            self._texts(given, "images", _WORD, _IMAGE, "is no image with tag and digest: name:tag@sha256:…"),
            self._texts(given, "debs", _PACKAGE, _DEB_VERSION, "is no version of a package"),
        )

    def _step(self, document: object, where: str) -> ReleaseStep:
        given = self._mapping(document, where, _STEP)
        scope = self._choice(given, "scope", get_args(Scope), "all", where)
        target = self._text(given, "target", _WORD, where, needed=scope == "once")
        if target and scope != "once":
            self._fault(f"{where}/target", "is of a step with `scope: once` alone")
        waves = tuple(
            self._whole(one, 1, 1000, f"{where}/waves/{at}") for at, one in enumerate(self._list(given, "waves", where))
        )
        if waves and scope != "all":
            self._fault(f"{where}/waves", "are of a step with `scope: all` alone")
        made = ReleaseStep(
            self._text(given, "name", _NAME, where, needed=True),
            self._file(given, "playbook", where, needed=True),
            cast(Scope, scope),
            target,
            waves,
            self._seconds(given, "timeout", 600.0, where),
            self._whole(given.get("retries", 0), 0, MOST_RETRIES, f"{where}/retries"),
            self._probes(given, "health", where),
            self._probes(given, "guard", where),
            self._file(given, "rollback", where, needed=False),
            self._variables(given, where),
        )
        if any(probe.kind == "etcd" for probe in made.guard) and scope == "all" and not waves:
            self._fault(f"{where}/scope", "what could cost etcd its majority is done with `scope: one`")
        return made

    def _probes(self, given: Mapping[str, object], name: str, where: str) -> tuple[Probe, ...]:
        listed = self._list(given, name, where)
        return tuple(self._probe(one, f"{where}/{name}/{at}") for at, one in enumerate(listed))

    def _probe(self, document: object, where: str) -> Probe:
        kinds = get_args(ProbeKind)
        given = self._mapping(document, where, (*kinds, "within"))
        named = [kind for kind in kinds if kind in given]
        if len(named) != 1:
            self._fault(where, f"names one of {', '.join(kinds)}")
            return Probe("etcd")
        kind = named[0]
        target = self._target(kind, given[kind], f"{where}/{kind}")
        return Probe(cast(ProbeKind, kind), target, self._seconds(given, "within", 60.0, where))

    def _target(self, kind: str, given: object, where: str) -> tuple[str, ...]:
        if kind == "etcd":
            return () if given is True else self._refused(where, "is `true`", ())
        if kind == "command":
            words = given if isinstance(given, list) else []
            if words and all(isinstance(word, str) and word and "\0" not in word for word in words):
                return tuple(words)
            return self._refused(where, "is a list of words; no shell reads them", ())
        pattern, why = _TARGETS[kind]
        return (given,) if isinstance(given, str) and pattern.fullmatch(given) else self._refused(where, why, ())

    def _variables(self, given: Mapping[str, object], where: str) -> Mapping[str, object]:
        found = self._mapping(given.get("variables", {}), f"{where}/variables")
        self._try(f"{where}/variables", lambda: check_vars(found), None)
        for place, why in in_clear(found, f"{where}/variables"):
            self._fault(place, f"{why}: let the playbook read it on the host")
        return found

    def _file(self, given: Mapping[str, object], name: str, where: str, needed: bool) -> str:
        path = given.get(name, "")
        if not path and not needed:
            return ""
        if not isinstance(path, str) or path not in self._files or not path.endswith((".yml", ".yaml")):
            return self._refused(f"{where}/{name}", f"{str(path)[:80]!r} is no playbook of this repository", "")
        return path

    def _texts(
        self, given: Mapping[str, object], name: str, key: re.Pattern[str], value: re.Pattern[str], why: str
    ) -> Mapping[str, str]:
        found = self._mapping(given.get(name, {}), name)
        for one, text in found.items():
            if not key.fullmatch(one):
                self._fault(f"{name}/{one[:64]}", "cannot be called that")
            if not isinstance(text, str) or not value.fullmatch(text):
                self._fault(f"{name}/{one[:64]}", why)
        return {one: str(text) for one, text in found.items()}

    def _text(self, given: Mapping[str, object], name: str, pattern: re.Pattern[str], where: str, needed: bool) -> str:
        text = given.get(name, "")
        if not text and not needed:
            return ""
        if not isinstance(text, str) or not pattern.fullmatch(text):
            return self._refused(f"{where}/{name}", "is missing" if not text else f"{str(text)[:64]!r} is no name", "")
        return text

    def _choice(self, given: Mapping[str, object], name: str, among: tuple[str, ...], default: str, where: str) -> str:
        found = given.get(name, default)
        return (
            str(found) if found in among else self._refused(f"{where}/{name}", f"is one of {', '.join(among)}", default)
        )

    def _seconds(self, given: Mapping[str, object], name: str, default: float, where: str) -> float:
        if name not in given:
            return default
        found = self._try(f"{where}/{name}", lambda: durations.parse(str(given[name])) / 1e9, default)
        return (
            found if 0 < found <= _LONGEST_S else self._refused(f"{where}/{name}", "is over 0 and up to 24h", default)
        )

    def _whole(self, given: object, least: int, most: int, where: str) -> int:
        good = isinstance(given, int) and not isinstance(given, bool) and least <= given <= most
        return cast(int, given) if good else self._refused(where, f"is a whole number from {least} to {most}", least)

    def _mapping(self, document: object, where: str, known: Iterable[str] | None = None) -> dict[str, Any]:
        if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
            return self._refused(where or FILE, "is no mapping", {})
        for key in document if known is not None else ():
            if key not in (names := tuple(known or ())):
                near = difflib.get_close_matches(key, names, 1)
                hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(names)}"
                self._fault(f"{where}/{key[:64]}".lstrip("/"), f"is not known{hint}")
        return document

    def _list(self, given: Mapping[str, object], name: str, where: str) -> list[object]:
        found = given.get(name, [])
        return found if isinstance(found, list) else self._refused(f"{where}/{name}".lstrip("/"), "is no list", [])

    def _unique(self, what: str, found: list[str]) -> None:
        for name in sorted({one for one in found if one and found.count(one) > 1}):
            self._fault("steps", f"two have the {what} {name!r}")

    def _try(self, where: str, work: Callable[[], T], otherwise: T) -> T:
        try:
            return work()
        except InvalidMany as error:
            self.faults += [(f"{where}/{inner.rpartition('.')[2]}", why) for inner, why in error.faults]
        except Invalid as error:
            self._fault(where, error.why)
        return otherwise

    def _refused(self, where: str, why: str, instead: T) -> T:
        self._fault(where, why)
        return instead

    def _fault(self, where: str, why: str) -> None:
        self.faults.append((where, why))


_STEP = (
    "name", "playbook", "scope", "target", "waves", "timeout", "retries", "health", "guard", "rollback", "variables",
)  # fmt: skip
_TARGETS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "container": (_WORD, "is no name of a container"),
    "http": (_URL, "is no URL of http or https, without user"),
    "tcp": (_ADDRESS, "is no host:port"),
}
