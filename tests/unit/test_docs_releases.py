"""docs/releases.md: its examples are what it says they are."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from appserver.core import release_freeze, release_read
from appserver.core.release import ReleaseStep
from appserver.core.release_lint import untagged
from appserver.core.release_newest import read_ignored
from appserver.core.release_versions import CHANNELS
from tests.unit.test_docs_cli import against, commands

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/releases.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def manifest() -> str:
    found = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert found
    return found[1]


def test_the_manifest_is_a_release_with_each_kind_of_step_and_probe() -> None:
    """Read as a push would read it, with the playbooks that it names."""
    text = manifest()
    playbooks = dict.fromkeys(re.findall(r"playbooks/\S+\.yml", text), "[]\n")
    files = {"release.yml": text, **playbooks}
    made = release_read.read(files, untagged(files, date.min))
    assert made.version == "2026.11.22-17" and made.images and made.debs
    assert {step.scope for step in made.steps} == {"all", "one", "once"}
    kinds = {probe.kind for step in made.steps for probe in (*step.guard, *step.health)}
    assert kinds == {"container", "http", "tcp", "etcd", "command"}


def test_every_field_of_a_step_and_every_channel_has_its_row() -> None:
    """`timeout_s` is written `timeout`."""
    for name in ReleaseStep.__dataclass_fields__:
        assert f"| `steps/{name.removesuffix('_s')}` |" in TEXT, name
    for channel, prefix in CHANNELS.items():
        assert re.search(rf"^\| `{channel}` \|.*{prefix and f'{prefix}-'}", TEXT, re.MULTILINE), channel


def test_freezes_and_what_is_ignored_can_be_written_so() -> None:
    """Each line of the example, and the file beside the manifest."""
    block = re.search(r"both included:\n\n((?:    .*\n)+)", TEXT)
    assert block and len(release_freeze.read(block[1])) == 4
    ignored = re.search(r"with `\*` and `\?`:\n\n((?:      .*\n)+)", TEXT)
    assert ignored and read_ignored(ignored[1].replace("      ", "")).image("web", "2.7.0")


def test_commands_exist() -> None:
    """Each verb and option that a person may copy."""
    indented = [line.strip().partition("  #")[0] for line in TEXT.splitlines() if line.startswith("    moorage ")]
    found = [*commands(TEXT), *(f"{line}" for line in indented)]
    assert len(found) > 8
    assert [f"{line}: {why}" for line in found if (why := against(line))] == []
