"""Releases as a team makes them: a working copy, a manifest and a playbook, a tag, and keys that sign it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab.git import Copy

PLAY = "- hosts: all\n  tasks: []\n"
MANIFEST = "steps:\n  - name: agent\n    playbook: play.yml\n"


@dataclass(frozen=True, slots=True)
class Signer:
    """One person's key. `line` is theirs in `config/release-signers`."""

    name: str
    key: Path

    @property
    def line(self) -> str:
        return f"{self.name} {self.key.with_suffix('.pub').read_text().strip()}"


def signer(folder: Path, name: str) -> Signer:
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / name.partition("@")[0]
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return Signer(name, key)


def release(
    copy: Copy, *tags: str, files: dict[str, str | bytes | None] | None = None, by: Signer | None = None
) -> str:
    """Commit a release (a sound one where no files are given) and give it these tags; its commit."""
    sound: dict[str, str | bytes | None] = {"release.yml": MANIFEST, "play.yml": PLAY}
    commit = copy.commit(sound if files is None else files, f"release {' '.join(tags)}")
    for tag in tags:
        give_tag(copy, tag, by=by)
    return commit


def give_tag(copy: Copy, tag: str, commit: str = "HEAD", by: Signer | None = None) -> None:
    if by is None:
        copy.git("tag", tag, commit)
        return
    copy.git(
        *("-c", "gpg.format=ssh", "-c", f"user.signingkey={by.key}", "-c", f"user.email={by.name}"),
        *("tag", "-s", "-m", f"release {tag}", tag, commit),
    )
