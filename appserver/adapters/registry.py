"""`ports.Registry`: an image's labels and digest from its registry, by its manifest and configuration alone."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import requests
from dxf import DXF, DXFBase
from dxf.exceptions import DXFError

from appserver.adapters.registry_session import LIMIT_S, Resolve, session
from appserver.core.addresses import Outgoing
from appserver.core.containers import ImageFacts
from appserver.errors import Invalid, RegistryError

MOST_LABELS = 1_000
MOST_TAGS = 50_000
_TIMEOUT_S = 15.0
_HUB = "registry-1.docker.io"
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", _HUB})
_REFERENCE = re.compile(
    r"(?:(?P<host>[a-zA-Z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-fA-F:.]+\](?::[0-9]{1,5})?)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LISTS = ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_LONGEST = 512
_TAGS_AT_ONCE = 1_000
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
T = TypeVar("T")
PUBLIC = Outgoing()

Login = Callable[[str], tuple[str, str] | None]
"""Registry host to user and password."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`repository` is the name as people write it, without tag or digest; `host` is where it is asked for."""

    host: str
    path: str
    tag: str
    digest: str
    repository: str


def parse(text: str) -> Reference:
    """
    Raises:
        Invalid: not an image's name.
    """
    found = _REFERENCE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise Invalid("image", f"{text[:80]!r} is not an image's name")
    host, path = found["host"] or "", found["path"]
    if host and not ("." in host or ":" in host or host == "localhost"):
        host, path = "", f"{host}/{path}"
    repository = f"{host}/{path}" if host else path
    if not host or host in _HUB_NAMES:
        host, path = _HUB, path if "/" in path else f"library/{path}"
    return Reference(host.lower(), path, found["tag"] or "latest", found["digest"] or "", repository)


class Registries:
    """Asks the registry that a reference names; nothing is remembered, since tags move."""

    def __init__(
        self,
        permitted: Iterable[str] = (),
        rule: Outgoing = PUBLIC,
        login: Login | None = None,
        ca: str = "",
        resolve: Resolve | None = None,
        limit_s: float = LIMIT_S,
    ) -> None:
        """
        Args:
            permitted: registries within the private network, `host:port`; `http://` before it: without TLS.
            ca: PEM file of their authority; empty: the system's.
            limit_s: for one image, all requests together.
        """
        told = tuple(permitted)
        self._plain = frozenset(one.removeprefix("http://") for one in told if one.startswith("http://"))
        self._permitted = frozenset(one.partition("://")[2] or one for one in told)
        self._rule = rule
        self._login = login
        self._verify: str | bool = ca or True
        self._resolve = resolve
        self._limit_s = limit_s

    def image(self, reference: str) -> ImageFacts | None:
        """See `ports.Registry`. None when the registry does not have it.

        Raises:
            Invalid: not an image's name, or a registry that may not be asked.
            RegistryError: it did not answer, or not in a way that can be trusted.
        """
        return self._asked(reference, lambda client, wanted: self._read(client, wanted, reference))

    def tags(self, name: str) -> tuple[str, ...]:
        """See `ports.releases.TagList`. Of an image that the registry does not have, none."""
        return self._asked(name, lambda client, _: client.tags()) or ()

    def digest(self, reference: str) -> str:
        """See `ports.releases.TagList`: of the list of platforms, where the tag is at one."""
        return self._asked(reference, lambda client, wanted: client.manifest(wanted.digest or wanted.tag)[1]) or ""

    def _asked(self, reference: str, ask: Callable[[_Client, Reference], T]) -> T | None:
        wanted = parse(reference)
        try:
            with _Client(wanted, wanted.host in self._plain, self._verify, self._login) as client:
                client.use(session(self._permitted, self._rule, self._resolve, self._limit_s))
                return ask(client, wanted)
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code == 404:
                return None
            raise RegistryError(f"{wanted.host}: {reference}: {error}") from error
        except DXFError as error:
            raise RegistryError(f"{wanted.host}: {reference}: {_told(error)}") from error
        except UnicodeDecodeError as error:
            raise RegistryError(f"{wanted.host}: {reference}: the registry's answer is not text") from error
        except (requests.RequestException, OSError) as error:
            raise RegistryError(f"{wanted.host} does not answer for {reference}: {error}") from error

    def _read(self, client: _Client, wanted: Reference, reference: str) -> ImageFacts:
        manifest, digest = client.manifest(wanted.digest or wanted.tag)
        if wanted.digest and digest != wanted.digest:
            raise RegistryError(f"{wanted.host}: {reference}: it sent {digest} instead")
        pinned = digest
        if manifest.get("mediaType") in _LISTS or "manifests" in manifest:
            manifest, _ = client.manifest(_for_this_machine(manifest, reference))
        config_digest = _text(manifest, "config", "digest")
        config = client.blob(config_digest)
        labels = (config.get("config") or {}).get("Labels") or {} if isinstance(config.get("config"), dict) else {}
        return ImageFacts(reference, config_digest, f"{wanted.repository}@{pinned}", _labels(labels), "registry")


class _Client(DXF):
    """The package's client with a session of ours."""

    def __init__(self, wanted: Reference, plain: bool, verify: str | bool, login: Login | None) -> None:
        super().__init__(
            wanted.host, wanted.path, self._authorize, insecure=plain, tlsverify=verify, timeout=_TIMEOUT_S
        )
        self._user = login(wanted.host) if login else None

    def use(self, made: requests.Session) -> None:
        """Instead of the one the package made when the context was entered."""
        self._sessions[0] = made

    def manifest(self, alias: str) -> tuple[dict[str, Any], str]:
        """The manifest, and the digest of the very bytes that were sent."""
        _, answer = self.get_manifest_and_response(alias)
        digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        if alias.startswith("sha256:") and digest != alias:
            raise RegistryError(f"{self._host}: asked for {alias}, it sent {digest}")
        return _object(answer.content), digest

    def blob(self, digest: str) -> dict[str, Any]:
        """A small blob; the package checks that it is what its digest says."""
        return _object(b"".join(cast(Iterable[bytes], self.pull_blob(digest))))

    def tags(self) -> tuple[str, ...]:
        """So many, page by page; a registry that goes on without end is not believed."""
        found: list[str] = []
        for tag in self.list_aliases(batch_size=_TAGS_AT_ONCE, iterate=True):
            if not isinstance(tag, str) or not _TAG.fullmatch(tag):
                raise RegistryError(f"{self._host}: it names a tag that cannot be one")
            found.append(tag)
            if len(found) > MOST_TAGS:
                raise RegistryError(f"{self._host}: over {MOST_TAGS} tags of one image")
        return tuple(found)

    def _authorize(self, client: DXFBase, answer: requests.Response) -> None:
        user, password = self._user or (None, None)
        client.authenticate(user, password, actions=["pull"], response=answer)


def _for_this_machine(index: Mapping[str, Any], reference: str) -> str:
    """Digest of the manifest for the nodes' platform, which is taken to be this one's."""
    machine = _MACHINES.get(platform.machine(), platform.machine())
    for entry in index.get("manifests") or ():
        given = entry.get("platform") if isinstance(entry, dict) else None
        if isinstance(given, dict) and given.get("os") == "linux" and given.get("architecture") == machine:
            return _text(entry, "digest")
    raise RegistryError(f"{reference} has no image for linux/{machine}")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise RegistryError("the registry's answer is not JSON") from error
    if not isinstance(found, dict):
        raise RegistryError("the registry's answer is not a manifest")
    return found


def _text(found: Mapping[str, Any], *path: str) -> str:
    value: Any = found
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise RegistryError(f"the manifest has no sha256 digest at {'.'.join(path)}")
    return value


def _labels(given: object) -> Mapping[str, str]:
    """Only texts, and only so many: what configures containers is judged elsewhere."""
    if not isinstance(given, dict):
        return {}
    kept = [(name, value) for name, value in given.items() if isinstance(name, str) and isinstance(value, str)]
    return dict(sorted(kept)[:MOST_LABELS])


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
