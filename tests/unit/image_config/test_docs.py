"""docs/config-sources.md says what the code does."""

from pathlib import Path

from image_config import docs
from image_config.options import NAMES, REFUSED

PAGE = Path(__file__).parents[3] / "docs" / "config-sources.md"


def test_the_page_is_current():
    """`python -m image_config docs > docs/config-sources.md` makes it."""
    assert PAGE.read_text() == docs.text()


def test_every_name_is_in_it():
    """Accepted and refused ones."""
    text = docs.text()
    assert [name for name in (*NAMES, *REFUSED) if f"`{name}`" not in text] == []
