"""B8, images: references that are none, registries that lie or send too much, labels that want to be more than data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appserver.adapters.registry import MOST_LABELS, Registries
from appserver.errors import RegistryError
from appserver.ports import KV
from image_config import from_labels
from tests.bad_input.doors import Bad, Doors, record
from tests.lab.registry import MANIFEST, Answer, Stall, digest, standing
from tests.lab.served import Site, serving

REFERENCES = {
    "option": "--help",
    "short option": "-v",
    "two words": "a b",
    "file": "file:/etc/passwd",
    "scheme": "file:",
    "metadata service": "169.254.169.254/latest:1",
    "etcd": "localhost:2379/x",
    "loopback": "127.0.0.1:2379/x",
    "loopback, v6": "[::1]:5000/x",
    "private": "10.0.0.1/x",
    "unspecified": "0.0.0.0/x",
    "separator in a tag": "bb:1;id",
    "substitution": "bb:$$(id)",
    "climbing out": "a/../b",
    "upper case": "BB:1",
    "newline": "bb\\n:1",
    "nul": "bb\\0",
    "digest cut short": "bb@sha256:12",
    "another digest": "bb@md5:d41d8cd98f00b204e9800998ecf8427e",
    "endless": "x" * 600,
    "empty": "",
}
PLACED = ("metadata service", "etcd", "loopback", "private", "unspecified")
"""Well-formed: who pulls them is who refuses them."""
MIB = 1 << 20


@pytest.fixture
def site(kv: KV, tmp_path: Path) -> Iterator[Site]:
    """Its nodes hold no image, so that registries are asked: real requests, as far as they are allowed."""
    with serving(kv, tmp_path, registry=Registries()) as served:
        served.nodes.absent = lambda reference: True
        served.node()
        yield served


@pytest.fixture
def doors(site: Site, tmp_path: Path) -> Doors:
    folder = tmp_path / "project"
    folder.mkdir()
    return Doors(site, folder, "operator")


@pytest.mark.parametrize("reference", REFERENCES.values(), ids=REFERENCES.keys())
def test_a_reference_that_names_no_image_anybody_may_ask_for_is_refused(doors: Doors, reference: str) -> None:
    """At every door; no program and no registry is called with it."""
    doors.refused(Bad(f'services:\n  web:\n    image: "{reference}"\n'))


@pytest.mark.parametrize("reference", ["--help", "a b", "bb:1;id", "169.254.169.254/x"])
def test_nor_by_an_override(doors: Doors, reference: str) -> None:
    """The image is an option like others."""
    bad = Bad("services:\n  web:\n    image: bb:1\n", overrides={"web": {"image": reference}})
    doors.refused(bad, by=("plan", "deploy", "page"))


UNNAMED = {kind: reference for kind, reference in REFERENCES.items() if kind not in PLACED}


@pytest.mark.parametrize("reference", UNNAMED.values(), ids=UNNAMED.keys())
def test_nor_is_anything_placed_for_it(site: Site, reference: str) -> None:
    """Placement asks nobody for the image, and takes no text that is the name of none."""
    before = record(site.services.kv)
    answer = site.api("POST", "/placements", site.token("olga", "operator"), json={"image": reference})
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "name")
    assert record(site.services.kv) == before


@pytest.fixture
def stall() -> Iterator[Stall]:
    with standing() as found:
        yield found


def registries(stall: Stall) -> Registries:
    return Registries((f"http://{stall.host}",))


def test_a_manifest_of_50_mb_is_not_read_to_its_end(stall: Stall) -> None:
    """An error that says how much is too much."""
    stall.answers["/v2/bb/manifests/1"] = Answer(extent=50 * MIB, headers={"Content-Type": MANIFEST})
    with pytest.raises(RegistryError, match="more than 4194304 bytes"):
        registries(stall).image(f"{stall.host}/bb:1")


def test_a_configuration_of_50_mb_is_not_read_to_its_end(stall: Stall) -> None:
    """Nor one that says it is small: what is read is counted."""
    reference = stall.image("bb", {})
    (blob,) = [path for path in stall.answers if "/blobs/" in path]
    stall.answers[blob] = Answer(extent=50 * MIB)
    with pytest.raises(RegistryError, match="more than 4194304 bytes"):
        registries(stall).image(reference)


def test_bytes_that_are_not_what_their_digest_says_are_refused(stall: Stall) -> None:
    """Of the manifest asked for by digest, and of the configuration it names."""
    stall.image("bb", {})
    manifest = stall.answers["/v2/bb/manifests/1"]
    wrong = digest(b"another")
    stall.answers[f"/v2/bb/manifests/{wrong}"] = manifest
    with pytest.raises(RegistryError, match=wrong[:20]):
        registries(stall).image(f"{stall.host}/bb@{wrong}")
    (blob,) = [path for path in stall.answers if "/blobs/" in path]
    stall.answers[blob] = Answer(b'{"config": {"Labels": {"arg.memory": "1G"}}}')
    with pytest.raises(RegistryError):
        registries(stall).image(f"{stall.host}/bb:1")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b"\xff", b'{"config": []}', b'{"config": {"digest": "x"}}', b"[" * 100_000]
)
def test_a_manifest_that_is_none_is_an_error_of_the_registry(stall: Stall, body: bytes) -> None:
    """Told as such; never a traceback."""
    stall.answers["/v2/bb/manifests/1"] = Answer(body, headers={"Content-Type": MANIFEST})
    with pytest.raises(RegistryError):
        registries(stall).image(f"{stall.host}/bb:1")


@pytest.mark.parametrize("labels", [None, [], "x", 1, {"a": 1, "b": None, "c": ["x"], "d": {"e": "f"}}])
def test_labels_that_are_no_text_are_not_there(stall: Stall, labels: object) -> None:
    """An image without labels is an image."""
    found = registries(stall).image(stall.image("bb", labels))
    assert found is not None and found.labels == {}


def test_labels_without_number_are_cut(stall: Stall) -> None:
    """Kept in an order that does not depend on the registry's."""
    found = registries(stall).image(stall.image("bb", {f"arg.environment.A{n:05}": "x" for n in range(20_000)}))
    assert found is not None and len(found.labels) == MOST_LABELS


LABELS = {
    "a megabyte": {"arg.memory": "1" * MIB},
    "a megabyte of key": {"arg." + "a" * MIB: "1"},
    "prototype": {"arg.__proto__": "x", "arg.constructor.prototype": "x", "arg.__class__": "x"},
    "a thousand deep": {"arg." + ".".join("a" * 1000): "x"},
    "empty": {"arg.": "x", "arg..": "x", "arg.environment.": "x", ".": "x"},
    "markup": {"arg.<script>alert(1)</script>": "x"},
    "terminal": {"arg.\x1b[2J": "\x1b[2J"},
    "newline": {"arg.memory\nprivileged": "true"},
    "no text": {"arg.memory": 1, "arg.cpus": None, "arg.ports": ["80"], "arg.labels": {"a": "b"}},
    "ten thousand": {f"arg.x{n}": "y" for n in range(10_000)},
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_a_strange_label_is_a_warning_and_nothing_else(kv: KV, tmp_path: Path, labels: dict[str, str]) -> None:
    """Printable, bounded; the plan is what it is without the label."""
    layer = from_labels(labels, image="bb:1", digest="")
    assert layer.entries == ()
    assert 0 < len(layer.warnings) <= 65
    assert all(str(warning).isprintable() and len(str(warning)) < 500 for warning in layer.warnings)
    with serving(kv, tmp_path) as site:
        site.node()
        site.nodes.labels["bb:1"] = labels
        body = {"name": "shop", "compose": "services:\n  web:\n    image: bb:1\n"}
        answer = site.api("POST", "/applications/plan", site.token(), json=body)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["warnings"]) <= 65
        assert "<script" not in answer.json()["diff"] and "\x1b" not in answer.text
