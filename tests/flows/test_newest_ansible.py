"""The newest ansible-core there is, on Debian 13 as a controller; the lowest that we support is what all else runs on.

It prints which version it was. Each test stands on those before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.lab.boot_lab import lab
from tests.lab.checkout import ROOT
from tests.lab.controller import BIN, HOME, Controller, controller

pytestmark = [
    pytest.mark.slow,
    pytest.mark.lab,
    pytest.mark.night,
    pytest.mark.timeout(1800),
]
COLLECTION = ROOT / "collections/ansible_collections/moorage/boot"
SITE = "playbooks/site.yml"


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A controller with the newest ansible-core and all else as it is pinned, and one bare boot server."""
    with lab(1, tmp_path_factory.mktemp("newest")) as made, controller(made) as there:
        there.sh(f"sed -i '/^ansible-core==/d' {HOME}/requirements/run.txt {HOME}/requirements/dev.txt")
        pinned = ("-c", "requirements/dev.txt", "pytest", "pytest-timeout", "hypothesis")
        there.pip("install", "-q", "--use-pep517", "-r", "requirements/run.txt", "ansible-core", *pinned)
        yield there


@pytest.fixture(scope="module")
def told(newest: Controller, request: pytest.FixtureRequest) -> str:
    """Its version, printed for whoever reads what the night said."""
    found = newest.run(f"{BIN}/python", "-c", "from importlib.metadata import version; print(version('ansible-core'))")
    python = newest.run("python3", "--version").split()[1]
    said = f"newest: ansible-core {found.strip()} on Python {python}; lowest: ansible-core {version('ansible-core')}"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        request.config.get_terminal_writer().line(f"\n{said}")
    return found.strip()


def test_the_lowest_version_is_the_one_that_is_pinned() -> None:
    """So all other tests are those of the lowest supported minor version."""
    wanted = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())["requires_ansible"]
    lowest = re.fullmatch(r">=(\d+\.\d+)\.0", wanted)
    assert lowest
    assert version("ansible-core").startswith(f"{lowest[1]}.")


def test_the_newest_is_another_than_the_lowest(told: str) -> None:
    """Else this file proves nothing that the others do not."""
    assert tuple(map(int, told.split(".")[:2])) > tuple(map(int, version("ansible-core").split(".")[:2]))


def test_modules_and_plugins_pass_their_unit_tests(newest: Controller) -> None:
    """Those of the collection, with the Python of Debian 13."""
    said = newest.run("env", "-C", HOME, f"{BIN}/python", "-m", "pytest", "-q", "tests/unit/boot")
    assert re.search(r"^\d+ passed in", said, re.MULTILINE), said


def test_every_module_and_plugin_is_documented(newest: Controller) -> None:
    """As ansible-doc renders it."""
    for kind, folder in {"module": "modules", "inventory": "inventory", "lookup": "lookup"}.items():
        names = [f"moorage.boot.{path.stem}" for path in sorted((COLLECTION / "plugins" / folder).glob("*.py"))]
        shown = json.loads(newest.ansible("ansible-doc", "-t", kind, "--json", *names))
        assert set(shown) == set(names)


def test_a_bare_host_becomes_a_boot_server(newest: Controller, release: str, told: str) -> None:
    """Checked, made, and left as it is by the second run and by a check; nothing of ours is out of date."""
    archive = ("-e", f"program_archive={ROOT}/build/moorage-{release}.tar")
    assert newest.play(SITE, *archive, "--check", "--diff").changed["boot-0"] > 20
    made = newest.play(SITE, *archive)
    assert made.changed["boot-0"] > 20
    assert newest.play(SITE, *archive).changed["boot-0"] == 0
    assert newest.play(SITE, *archive, "--check", "--diff").changed["boot-0"] == 0
    assert "DEPRECAT" not in made.text, [line for line in made.text.splitlines() if "DEPRECAT" in line]


def test_the_record_is_its_inventory(newest: Controller, tmp_path: Path) -> None:
    """The plugin, by Ansible's own program."""
    authority = newest.lab.directory / "authority"
    source = {
        "plugin": "moorage.boot.bootservers", "endpoints": [f"{newest.lab[0].address}:2379"],
        "ca": f"{authority}/ca.crt", "cert": f"{authority}/controller.crt", "key": f"{authority}/controller.key",
    }  # fmt: skip
    (newest.lab.directory / "bootservers.yml").write_text(json.dumps(source))
    drawn = newest.ansible("ansible-inventory", "-i", f"{newest.lab.directory}/bootservers.yml", "--graph")
    assert "|--@role_etcd:\n  |  |--boot-0\n" in drawn, drawn
