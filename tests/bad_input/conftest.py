"""What most of the tests of bad input begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.doors import Doors
from tests.lab.served import Site


@pytest.fixture
def doors(site: Site, tmp_path: Path) -> Doors:
    """Somebody who may deploy, and who is bound by policy; there is a node to deploy to."""
    site.node()
    folder = tmp_path / "project"
    folder.mkdir()
    return Doors(site, folder, "operator")
