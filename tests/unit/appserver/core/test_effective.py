"""The effective project: what the layers may say of it."""

import pytest

from appserver.core.containers import ImageFacts
from appserver.core.effective import Effective, Overrides, effective
from appserver.core.entities import AppKey
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
