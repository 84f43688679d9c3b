"""B2, paths in a project: whatever names a file names one of the project's own, or the project is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bad_input.doors import Bad, Doors, is_refusal, record
from tests.lab.served import Site

PATHS = {
    "absolute": "/etc/passwd",
    "climbing out": "../../../../../../etc/passwd",
    "climbing out from within": "a/../../../etc/passwd",
    "own environment": "/proc/self/environ",
    "endless device": "/dev/zero",
    "where it runs": "/proc/self/cwd/compose.yaml",
    "home": "~/.ssh/id_rsa",
    "remote": "https://127.0.0.1:2379/x.yaml",
    "remote repository": "git@127.0.0.1:x.git",
    "absent": "no-such-file",
}
NAMED_BY = {
    "env_file": "services:\n  web:\n    image: bb:1\n    env_file: [{path}]\n",
    "include": "include: [{path}]\nservices:\n  web:\n    image: bb:1\n",
    "extends": "services:\n  web:\n    extends: {{file: {path}, service: web}}\n",
    "secrets": "services:\n  web:\n    image: bb:1\n    secrets: [s]\nsecrets: {{s: {{file: {path}}}}}\n",
    "configs": "services:\n  web:\n    image: bb:1\n    configs: [s]\nconfigs: {{s: {{file: {path}}}}}\n",
    "build": "services:\n  web:\n    build: {{context: {path}}}\n",
    "label_file": "services:\n  web:\n    image: bb:1\n    label_file: {path}\n",
}
ROOT_LINE = "root:x:0:0"


@pytest.mark.parametrize("template", NAMED_BY.values(), ids=NAMED_BY.keys())
def test_no_file_but_the_projects_own_is_read(doors: Doors, template: str) -> None:
    """Refused, whatever names it; nothing of the host's file is in the answer."""
    for path in PATHS.values():
        assert ROOT_LINE not in doors.refused(Bad(template.format(path=path)), by=("deploy", "command line"))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_every_door_refuses_it(doors: Doors, path: str) -> None:
    """The plan and the form too."""
    assert ROOT_LINE not in doors.refused(Bad(NAMED_BY["env_file"].format(path=path)))


def test_a_refused_path_is_on_the_audit(doors: Doors) -> None:
    """Who tried, once per try that would have written."""
    doors.deploy(Bad(NAMED_BY["env_file"].format(path="/etc/passwd")))
    assert doors.audited() == ["refused"]


@pytest.mark.parametrize(
    "path", ["/etc/x", "../x", "a/../../x", "a//x", "./x", "", "-x", "a\\x", "a\0x", "a\nx", "compose.yaml/x"]
)
def test_no_file_of_a_project_lies_outside_it(doors: Doors, site: Site, path: str) -> None:
    """The paths that a request itself gives its files."""
    before = record(site.services.kv)
    bad = Bad("services:\n  web:\n    image: bb:1\n", files={path: "x"})
    for way in (doors.plan, doors.deploy):
        assert is_refusal(way(bad))
    assert record(site.services.kv) == before


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _directory_link(path: Path) -> None:
    path.symlink_to("/etc")


@pytest.mark.parametrize(
    ("make", "path"),
    [(_link, "secret.env"), (_directory_link, "secret.env/passwd"), (os.mkfifo, "secret.env")],
    ids=["symbolic link", "linked directory", "FIFO"],
)
@pytest.mark.parametrize("template", [NAMED_BY["env_file"], NAMED_BY["secrets"], NAMED_BY["include"]])
def test_the_command_line_sends_no_link_and_waits_for_no_pipe(
    doors: Doors, tmp_path: Path, template: str, make, path: str
) -> None:  # type: ignore[no-untyped-def]
    """A project somebody unpacked here can not make its deployer send another file of theirs."""
    make(tmp_path / "project" / "secret.env")
    said = doors.command_line(Bad(template.format(path=path)))
    assert is_refusal(said), said
    assert ROOT_LINE not in said.text
