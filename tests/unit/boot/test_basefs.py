"""Base file systems: equal inputs, equal images, and what of them an engine keeps."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from tests.unit.boot.plugins import plugin

basefs: Any = plugin("module_utils/basefs.py")
INPUTS = basefs.Inputs("bookworm", ("less", "sudo"), (), 1735689600)
BASE = basefs.Image("sha256:one", ("L1",), ("moorage/basefs:1",))
NEXT = basefs.Image("sha256:two", ("L2",), ("moorage/basefs:2",))


def decide(seen: Any, version: str = "2") -> Any:
    return basefs.decide(seen, "moorage/basefs", version, ["sha256:two", "sha256:two-manifest"])


def test_inputs_are_known_by_what_matters() -> None:
    """The order of packages and their repetition do not; every other difference does."""
    assert replace(INPUTS, packages=("sudo", "less", "less")).digest == INPUTS.digest
    others = [("suite", "trixie"), ("packages", ("less",)), ("sources", ("deb x y z",)), ("epoch", 1)]
    assert len({replace(INPUTS, **{name: value}).digest for name, value in others} | {INPUTS.digest}) == 5


def test_a_configuration_has_nothing_of_the_moment() -> None:
    """The same layer makes the same configuration, and the manifest names it by its digest."""
    config = basefs.configuration("1", INPUTS, "amd64", "ab" * 32)
    assert config == basefs.configuration("1", INPUTS, "amd64", "ab" * 32)
    assert json.loads(config)["created"] == "2025-01-01T00:00:00Z"
    manifest = json.loads(basefs.manifest(config, "ab" * 32, 12))
    assert manifest["config"]["digest"] == f"sha256:{hashlib.sha256(config).hexdigest()}"
    assert manifest["layers"][0]["size"] == 12


def test_an_engine_without_it_loads_it() -> None:
    """One that has it, by either of its ids, does nothing; one where it lost its name gives it back."""
    assert decide(basefs.Seen()).load
    assert decide(basefs.Seen((NEXT,))) == basefs.Plan()
    assert decide(basefs.Seen((replace(NEXT, id="sha256:two-manifest"),))) == basefs.Plan()
    assert decide(basefs.Seen((replace(NEXT, tags=()),))) == basefs.Plan(tag=True)


def test_a_name_that_somebody_gave_to_another_image_is_taken_back() -> None:
    """Under the name of a version is that version."""
    stolen = replace(BASE, tags=("moorage/basefs:2",))
    assert decide(basefs.Seen((stolen, replace(NEXT, tags=())))).tag


def test_old_versions_go_when_nothing_stands_on_them() -> None:
    """A container keeps them, a stopped one too, and so does an image that was built or saved from them."""
    images = (BASE, NEXT)
    assert decide(basefs.Seen(images)).remove == ("moorage/basefs:1",)
    assert decide(basefs.Seen(images, {"bob-1-0": "sha256:one"})).kept == {"moorage/basefs:1": ("bob-1-0",)}
    saved = basefs.Image("sha256:saved", ("L1", "L9"), ("bob/work:1",))
    used = decide(basefs.Seen((*images, saved), {"bob-1-1": "sha256:saved"}))
    assert used.remove == ()
    assert used.kept == {"moorage/basefs:1": ("bob-1-1", "bob/work:1")}


def test_other_images_are_none_of_its_business() -> None:
    """Neither what others use nor what has no name is touched."""
    others = (basefs.Image("sha256:x", ("L7",), ("shop:1",)), basefs.Image("sha256:y", ("L8",)))
    assert decide(basefs.Seen((NEXT, *others), {"web": "sha256:x"})) == basefs.Plan()


def test_packages_are_read_of_dpkgs_own_record() -> None:
    """Installed ones alone, with their versions."""
    status = (
        "Package: sudo\nStatus: install ok installed\nVersion: 1.9.13p3-1\nDescription: x\n more: text\n\n"
        "Package: old\nStatus: deinstall ok config-files\nVersion: 1\n"
    )
    assert basefs.installed(status) == {"sudo": "1.9.13p3-1"}
