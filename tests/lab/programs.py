"""Another version of the program, made of the release that a lab is installed from."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from pathlib import Path

_WHEEL = re.compile(r"(?P<where>.*/)?moorage-(?P<version>[0-9][^-]*)-(?P<rest>.*\.whl)")


def renumbered(archive: Path, version: str) -> bytes:
    """The same archive of wheels, whose own says another version; what it depends on is as it was."""
    made = io.BytesIO()
    with tarfile.open(archive) as before, tarfile.open(fileobj=made, mode="w") as after:
        for member in before:
            held = before.extractfile(member)
            if found := _WHEEL.fullmatch(member.name):
                assert held is not None
                content = _wheel(held.read(), found["version"], version)
                member.name = f"{found['where'] or ''}moorage-{version}-{found['rest']}"
                member.size, held = len(content), io.BytesIO(content)  # type: ignore[assignment]
            after.addfile(member, held)
    return made.getvalue()


def holding(name: str, content: bytes) -> bytes:
    """An archive of that file alone."""
    made, told = io.BytesIO(), tarfile.TarInfo(name)
    told.size = len(content)
    with tarfile.open(fileobj=made, mode="w") as tree:
        tree.addfile(told, io.BytesIO(content))
    return made.getvalue()


def _wheel(content: bytes, old: str, new: str) -> bytes:
    made, named = io.BytesIO(), f"moorage-{old}.dist-info/"
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            text = before.read(name)
            if name == f"{named}METADATA":
                text = text.replace(f"\nVersion: {old}\n".encode(), f"\nVersion: {new}\n".encode())
            elif name == f"{named}RECORD":
                text = _unsigned(text.decode()).replace(named, f"moorage-{new}.dist-info/").encode()
            after.writestr(name.replace(named, f"moorage-{new}.dist-info/"), text)
    return made.getvalue()


def _unsigned(record: str) -> str:
    """Without digests: what one has changed is not to be found broken."""
    return "".join(f"{line.split(',')[0]},,\n" for line in record.splitlines())
