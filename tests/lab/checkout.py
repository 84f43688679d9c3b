"""This checkout as somebody else would have it: the files that git knows or would add, as they are now."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def checkout() -> bytes:
    """A tar archive of the tree, owned by root, without what is ignored."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in sorted(filter(None, listed.split("\0"))):
            if (ROOT / name).is_file():
                tar.add(ROOT / name, name, filter=_owned_by_root)
    return archive.getvalue()


def release() -> str:
    """Make of it what `site.yml` installs, in `build/`, where it is not there already; its id."""
    pip = str(Path(sys.executable).with_name("pip"))
    done = subprocess.run(("packaging/release", pip), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
