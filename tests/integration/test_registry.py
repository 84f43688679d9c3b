"""Labels and digests from a real image registry, without pulling."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import requests

from appserver.adapters.engine import DockerEngine
from appserver.adapters.registry import Registries
from appserver.core.containers import ImageFacts
from appserver.errors import EngineError, Invalid, RegistryError
from tests.lab.agents import run_docker
from tests.lab.certs import Authority
from tests.lab.docker_registry import PASSWORD, USER, DockerRegistry, serving
from tests.lab.images import busybox

LABELS = {"arg.memory": "64M", "arg.environment.GREETING": "hello"}
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an image `team/web:1` that carries `LABELS`."""
    folder = tmp_path_factory.mktemp("registry")
    with serving(folder / "store", folder) as registry:
        registry.push(busybox(LABELS), "team/web:1")
    return folder / "store"


@pytest.fixture
def registry(store: Path, tmp_path: Path) -> Iterator[DockerRegistry]:
    """Without TLS and login."""
    with serving(store, tmp_path) as running:
        yield running


@pytest.fixture
def asking(registry: DockerRegistry) -> Registries:
    return Registries([f"http://{registry.host}"])


def manifest(registry: DockerRegistry, reference: str) -> tuple[str, bytes]:
    """Its digest, and its bytes."""
    url = f"http://{registry.host}/v2/team/web/manifests/{reference}"
    raw = requests.get(url, headers={"Accept": MANIFEST}, timeout=5).content
    return f"sha256:{hashlib.sha256(raw).hexdigest()}", raw


def put_index(registry: DockerRegistry, tag: str, *platforms: Mapping[str, str]) -> str:
    """An index whose every platform has the one image; its digest."""
    digest, raw = manifest(registry, "1")
    entries = [{"mediaType": MANIFEST, "size": len(raw), "digest": digest, "platform": p} for p in platforms]
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    url = f"http://{registry.host}/v2/team/web/manifests/{tag}"
    assert requests.put(url, body, headers={"Content-Type": INDEX}, timeout=5).status_code == 201
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_an_image_is_known_without_being_pulled(registry: DockerRegistry, asking: Registries, engine: DockerEngine):
    """Its id is what an engine calls it, its pin what an engine would pull; this machine's engine is left out of it."""
    reference = f"{registry.host}/team/web:1"
    found = asking.image(reference)
    held = engine.image(busybox(LABELS))
    assert held is not None
    digest, _ = manifest(registry, "1")
    pin = f"{registry.host}/team/web@{digest}"
    assert found == ImageFacts(reference, held.id, pin, {**held.labels, **LABELS}, "registry")
    assert engine.image(reference) is None


def test_a_pin_is_found_again(registry: DockerRegistry, asking: Registries):
    """A digest says the same as the tag it stood for."""
    by_tag = asking.image(f"{registry.host}/team/web:1")
    assert by_tag is not None
    by_pin = asking.image(by_tag.pin)
    assert by_pin is not None
    assert (by_pin.id, by_pin.pin, by_pin.labels) == (by_tag.id, by_tag.pin, by_tag.labels)


def test_of_an_index_this_machines_image_is_read_and_the_index_pinned(registry: DockerRegistry, asking: Registries):
    """Nodes of another kind find theirs under the same pin."""
    single = asking.image(f"{registry.host}/team/web:1")
    assert single is not None
    ours = [{"os": "linux", "architecture": name} for name in ("arm64", "amd64")]
    digest = put_index(registry, "many", {"os": "windows", "architecture": "amd64"}, *ours)
    found = asking.image(f"{registry.host}/team/web:many")
    assert found is not None
    assert (found.id, found.labels) == (single.id, single.labels)
    assert found.pin == f"{registry.host}/team/web@{digest}"
    put_index(registry, "foreign", {"os": "plan9", "architecture": "mips"})
    with pytest.raises(RegistryError, match="has no image for linux/"):
        asking.image(f"{registry.host}/team/web:foreign")


@pytest.mark.parametrize("name", ["team/web:2", "team/nobody:1", f"team/web@sha256:{'0' * 64}"])
def test_what_the_registry_has_not_got_is_none(registry: DockerRegistry, asking: Registries, name: str):
    """No such tag, no such name, no such digest: none of them is an error of the registry."""
    assert asking.image(f"{registry.host}/{name}") is None


def test_what_was_read_can_be_pulled(registry: DockerRegistry, asking: Registries, engine: DockerEngine):
    """By its pin, to the very same image; what is not there is told as the engine tells it."""
    found = asking.image(f"{registry.host}/team/web:1")
    assert found is not None
    try:
        pulled = engine.pull(found.pin)
        assert (pulled.id, pulled.pin, pulled.labels) == (found.id, found.pin, found.labels)
    finally:
        run_docker("rmi", found.pin)
    with pytest.raises(EngineError, match=r"pull .*/team/web:2: .*manifest unknown"):
        engine.pull(f"{registry.host}/team/web:2")


def test_a_registry_that_wants_a_login_gets_it(store: Path, tmp_path: Path):
    """The one that is kept for its host; without it, or with a wrong one, it is an error that names no password."""
    authority = Authority(tmp_path / "pki")
    with serving(store, tmp_path, authority, login=True) as registry:
        reference, permitted, ca = f"{registry.host}/team/web:1", [registry.host], str(authority.path)
        asked: list[str] = []

        def login(host: str) -> tuple[str, str]:
            asked.append(host)
            return USER, PASSWORD

        found = Registries(permitted, login=login, ca=ca).image(reference)
        assert found is not None
        assert LABELS.items() <= found.labels.items()
        assert asked == [registry.host]
        for refused in (None, lambda _: (USER, "wrong-word")):
            with pytest.raises(RegistryError) as told:
                Registries(permitted, login=refused, ca=ca).image(reference)
            assert registry.host in str(told.value)
            assert "wrong-word" not in str(told.value)


def test_a_password_never_travels_without_tls(store: Path, tmp_path: Path):
    """Not even to a registry that may be asked without."""
    with serving(store, tmp_path, login=True) as registry:
        plain = Registries([f"http://{registry.host}"], login=lambda _: (USER, PASSWORD))
        with pytest.raises(RegistryError, match="Auth requires HTTPS"):
            plain.image(f"{registry.host}/team/web:1")


def test_tls_is_held_to_the_authority(store: Path, tmp_path: Path):
    """A registry within the network is asked over TLS with the authority of the settings, and with no other."""
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    with serving(store, tmp_path, authority=ours) as registry:
        reference = f"{registry.host}/team/web:1"
        found = Registries([registry.host], ca=str(ours.path)).image(reference)
        assert found is not None
        for ca in (str(other.path), ""):
            with pytest.raises(RegistryError, match="certificate verify failed"):
                Registries([registry.host], ca=ca).image(reference)


def test_a_registry_that_nobody_permitted_is_not_asked(registry: DockerRegistry):
    """One within the private network, and one without TLS, only by the settings."""
    reference = f"{registry.host}/team/web:1"
    with pytest.raises(Invalid, match=r"127\.0\.0\.1"):
        Registries().image(reference)
    with pytest.raises(RegistryError, match="does not answer"):
        Registries([registry.host]).image(reference)


def test_a_registry_that_is_away_or_hangs_is_an_error(
    registry: DockerRegistry, asking: Registries, monkeypatch: pytest.MonkeyPatch
):
    """In its time; when it is back it is asked again."""
    monkeypatch.setattr("appserver.adapters.registry._TIMEOUT_S", 0.5)
    reference = f"{registry.host}/team/web:1"
    registry.freeze()
    began = time.monotonic()
    with pytest.raises(RegistryError, match="does not answer"):
        asking.image(reference)
    assert time.monotonic() - began < 3
    registry.kill()
    with pytest.raises(RegistryError, match=rf"{registry.host} does not answer"):
        asking.image(reference)
    registry.start()
    assert asking.image(reference) is not None
