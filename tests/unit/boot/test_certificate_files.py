"""How the module `certificate` puts a pair in place: what it leaves when it is killed at any of its steps."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from tests.unit.boot.plugins import plugin

certificate: Any = plugin("modules/certificate.py")
pki: Any = certificate.pki
MODE = 0o640


class Killed(BaseException):
    """The process is gone: nothing after this step happens."""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Where there is a pair already."""
    assert run(tmp_path, days=100)["changed"]
    return tmp_path


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_run_that_was_killed_is_finished_by_the_next(site: Path, steps: int) -> None:
    """A certificate that is in place already is not made again: its key was kept."""
    with killed_after(steps), pytest.raises(Killed):
        run(site, renew_days=200)
    left = (site / "a.crt").read_bytes()
    assert run(site, renew_days=200)["changed"]
    assert_whole(site)
    assert ((site / "a.crt").read_bytes() == left) is (steps == 2)
    assert not run(site, renew_days=200)["changed"]
    assert {path.name for path in site.iterdir()} == {"a.crt", "a.key"}


def test_a_key_is_never_there_for_others_to_read_or_not(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mode and owner are those that were asked for from the moment it has its name."""
    put, seen = os.replace, []

    def replace(source: str, target: str) -> None:
        put(source, target)
        if target == str(site / "a.key"):
            seen.append(stat.S_IMODE(Path(target).stat().st_mode))

    monkeypatch.setattr(os, "replace", replace)
    run(site, renew_days=200)
    assert seen == [MODE]


@contextmanager
def killed_after(steps: int) -> Iterator[None]:
    """So many files have been put in place when it is killed."""
    left, put = [steps], os.replace

    def replace(source: str, target: str) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        put(source, target)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "replace", replace)
        yield


def run(folder: Path, days: int = 397, **more: object) -> dict[str, Any]:
    """The module, once, as an authority of its own; what it told."""
    asked = {"path": str(folder / "a.crt"), "key": str(folder / "a.key"), "subject": "site", "key_mode": "0640"}
    told: dict[str, Any] = {}

    def exit_json(_module: object, **result: object) -> None:
        told.update(result)
        raise SystemExit(0)

    with patch_module_args({**asked, "days": days, **more}), pytest.MonkeyPatch.context() as patched:
        patched.setattr(certificate.AnsibleModule, "exit_json", exit_json)
        with pytest.raises(SystemExit):
            certificate.main()
    return told


def assert_whole(folder: Path) -> None:
    pair = pki.Pair((folder / "a.crt").read_bytes(), (folder / "a.key").read_bytes())
    wanted = pki.Wanted("site", (), 397, 200)
    assert pki.why_not(pair, wanted, b"", certificate.datetime.datetime.now(certificate.datetime.UTC)) == ""
    assert stat.S_IMODE((folder / "a.key").stat().st_mode) == MODE
