"""What the pages take from elsewhere is what the manifest says."""

from __future__ import annotations

import runpy
from pathlib import Path

VENDOR = Path(__file__).parents[3] / "tools" / "vendor.py"


def test_vendored_files_are_those_of_the_manifest():
    """Nobody edits a vendored file by hand, and none is missing its entry."""
    tool = runpy.run_path(str(VENDOR))
    assert tool["differences"](tool["VENDOR"]) == []


def test_every_package_brings_its_licence():
    """What is shipped is shipped with the words of its authors."""
    tool = runpy.run_path(str(VENDOR))
    assert all(any(ours.startswith("LICENSE.") for ours in one.files.values()) for one in tool["PACKAGES"])
    assert (tool["VENDOR"] / "LICENSE.codemirror.txt").is_file()
