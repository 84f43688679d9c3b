"""Which files a container is configured by."""

import pytest

from image_config import Target
from image_config.lookup import image_name, stem, stems


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("web", "web", "latest"),
        ("web:1.2", "web", "1.2"),
        ("a/x/web:1.2", "web", "1.2"),
        ("host:5000/a/web", "web", "latest"),
        ("host:5000/a/web:1@sha256:" + "a" * 64, "web", "1"),
        ("web@sha256:" + "a" * 64, "web", ""),
        ("sha256:" + "a" * 64, "", ""),
        ("", "", "latest"),
    ],
)
def test_an_images_name_and_tag(reference, name, tag):
    """The name is what follows the last slash; registry and path are shared, as in Haven."""
    assert image_name(reference) == (name, tag)


def test_the_order_of_look_up():
    """Weakest first, as the specification says."""
    assert stems(Target("r:5000/a/web:1.2", "dev", "shop", "front", "shop-front-1")) == (
        "web",
        "web:1.2",
        "dev/web",
        "dev/web:1.2",
        "dev/shop/front",
        "dev/shop-front-1",
    )


def test_what_is_not_known_is_not_looked_up():
    """An image alone; an image by id."""
    assert stems(Target("web@sha256:" + "a" * 64)) == ("web",)
    assert stems(Target("sha256:" + "a" * 64, "dev", "shop", "front", "c")) == ("dev/shop/front", "dev/c")


def test_a_file_counts_once_at_its_weaker_place():
    """A container called like its image does not lift the image's file above its tag's."""
    assert stems(Target("web:1", "dev", container_name="web")) == ("web", "web:1", "dev/web", "dev/web:1")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("web.yml", "web"),
        ("dev/web:1.2.yml", "dev/web:1.2"),
        ("dev/web@1.2.properties", "dev/web:1.2"),
        ("a@b/c.yml", "a@b/c"),
    ],
)
def test_a_colon_may_be_written_at(path, name):
    """In the file's name, not in its directory's."""
    assert stem(path) == name
