"""The effective project: what the layers may say of it."""

import pytest

from appserver.core.containers import ImageFacts
from appserver.core.effective import Effective, Overrides, effective
from appserver.core.entities import AppKey
from appserver.core.sealing import sealed_base
from appserver.errors import InvalidMany
from image_config import Repository

BASE = {
    "name": "shop",
    "services": {"web": {"image": "web:1", "networks": {"default": None}}, "db": {"image": "db:1"}},
    "networks": {"default": {"name": "shop_default"}, "back": {"name": "shop_back"}},
    "volumes": {"data": {"name": "shop_data"}},
}
IMAGES = {name: ImageFacts(f"{name}:1", "sha256:1", "sha256:1") for name in ("web", "db")}


def made(git: str, overrides: dict[str, object] | None = None) -> Effective:
    repository = Repository({"web.yml": git}, "c" * 40)
    given = Overrides({"web": overrides} if overrides else {}, "ann", "now")
    return effective(AppKey("default", "shop"), BASE, IMAGES, repository, given, {}, lambda text: text)


@pytest.mark.parametrize(
    ("git", "option"),
    [
        ("networks: [nobody]\n", "networks"),
        ("volumes: ['nobody:/data']\n", "volumes"),
        ("configs: [nobody]\n", "configs"),
        ("secrets: [nobody]\n", "secrets"),
        ("depends_on: [nobody]\n", "depends_on"),
    ],
)
def test_a_layer_names_only_what_the_project_declares(git: str, option: str):
    """Compose would refuse the whole project on the node; the push or the form is told, with its line."""
    with pytest.raises(InvalidMany) as told:
        made(git)
    assert told.value.faults == (("cccccc:web.yml:1", f"{option}: nobody is not declared in the project"),)


def test_the_form_is_told_by_its_field():
    """It has no line."""
    with pytest.raises(InvalidMany) as told:
        made("", {"networks": ["nobody"]})
    assert told.value.where == "web.networks"


def test_what_is_declared_may_be_named():
    """By any layer; a dependency that need not be there may be missing."""
    git = "networks: [back]\nvolumes: ['data:/data', '/anonymous']\ndepends_on: {db: {}, other: {required: false}}\n"
    assert made(git).project["services"]


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ({"services": {"web": {"network_mode": "sealed:v1:x"}}}, "services.web.network_mode"),
        ({"services": {"web": {"environment": {"A": "sealed:v1:x"}}}}, "services.web.environment.A"),
        ({"services": {"web": {"volumes": [{"source": "sealed:v1:x"}]}}}, "services.web.volumes/0.source"),
        ({"networks": {"n": {"name": "sealed:v1:x"}}}, "networks.n.name"),
    ],
)
def test_an_author_writes_no_seals(part: dict[str, object], where: str):
    """Policy would judge the seal, and the node run what is within; so none is taken from outside."""
    with pytest.raises(InvalidMany) as told:
        sealed_base({"name": "shop", **part}, lambda text: f"sealed:v1:{text}")
    assert told.value.where == where


def test_nor_does_a_layer():
    """By git, a label or the form; what the project came with is sealed by then, and stays."""
    with pytest.raises(InvalidMany) as told:
        made("network_mode: sealed:v1:x\n")
    assert told.value.where == "web.network_mode"
    with pytest.raises(InvalidMany):
        made("", {"environment": {"A": "sealed:v1:x"}})
    base = {**BASE, "services": {"web": {"image": "web:1", "environment": {"A": "sealed:v1:x"}}}}
    given = Overrides({}, "ann", "now")
    found = effective(AppKey("default", "shop"), base, IMAGES, None, given, {}, lambda text: text)
    assert found.project["services"]
