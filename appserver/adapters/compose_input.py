"""What a project's files may be, before any program sees them: names, sizes, and YAML that stays small."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import yaml

from appserver.core.entities import ProjectFiles
from appserver.errors import Invalid

MOST_FILES = 500
MOST_SERVICES = 1_000
FILE_LIMIT = 1 << 20
TOTAL_LIMIT = 8 << 20
_MOST_NODES = 100_000
_PATH_LIMIT = 255
_PROJECT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_PROFILE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")


def check(files: ProjectFiles) -> None:
    """
    Raises:
        Invalid: the first thing that is not as it must be.
    """
    if not _PROJECT.fullmatch(files.name):
        raise Invalid("name", "a project's name is 1 to 63 of a-z 0-9 _ - and begins with a letter or digit")
    for profile in files.profiles:
        if not _PROFILE.fullmatch(profile):
            raise Invalid("profiles", f"{profile!r} is not a profile's name")
    if not files.compose_files:
        raise Invalid("compose_files", "names no compose file")
    _check_paths(files.files)
    for name in files.compose_files:
        if name not in files.files:
            raise Invalid("compose_files", f"{name!r} is not among the files")
    texts = {**files.files, ".env": files.env_file} if files.env_file else files.files
    total = 0
    for path, text in texts.items():
        size = len(_encoded(path, text))
        if size > FILE_LIMIT:
            raise Invalid(path, f"is {size} bytes long; at most {FILE_LIMIT}")
        total += size
    if total > TOTAL_LIMIT:
        raise Invalid("files", f"are {total} bytes together; at most {TOTAL_LIMIT}")
    for path, text in files.files.items():
        if path in files.compose_files or path.endswith((".yml", ".yaml")):
            _check_aliases(path, text)


def write(files: ProjectFiles, directory: Path) -> None:
    """Checked files below a directory of our own, as regular files: no link or device can be among them."""
    for path, text in files.files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_encoded(path, text))
    if files.env_file:
        (directory / ".env").write_bytes(_encoded(".env", files.env_file))


def _check_paths(files: Mapping[str, str]) -> None:
    if len(files) > MOST_FILES:
        raise Invalid("files", f"{len(files)} files; at most {MOST_FILES}")
    for path in files:
        pure = PurePosixPath(path)
        plain = path and str(pure) == path and not pure.is_absolute() and ".." not in pure.parts and path.isprintable()
        if not plain or "\\" in path or len(path) > _PATH_LIMIT or pure.parts[0].startswith("-"):
            raise Invalid("files", f"{path[:80]!r} is not a plain relative path")
        for parent in pure.parents:
            if str(parent) in files:
                raise Invalid("files", f"{path!r} is below {str(parent)!r}, which is a file")


def _encoded(path: str, text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise Invalid(path, "is not text that UTF-8 can hold") from error
    if b"\0" in raw:
        raise Invalid(path, "holds a NUL byte")
    return raw


def _check_aliases(path: str, text: str) -> None:
    """Refuse aliases that grow without bound or contain themselves. Faults of syntax are left to Compose to tell."""
    if "&" not in text or "*" not in text:
        return
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    spent = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, spent))
                spent += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_nodes.pop()
                if anchor:
                    sizes[anchor] = spent - before
            elif isinstance(event, yaml.AliasEvent):
                if any(anchor == event.anchor for anchor, _ in open_nodes):
                    raise Invalid(f"{path}:{_line(event)}", f"*{event.anchor} contains itself")
                spent += sizes.get(event.anchor or "", 1)
            elif isinstance(event, yaml.ScalarEvent):
                spent += 1
            if spent > _MOST_NODES:
                raise Invalid(f"{path}:{_line(event)}", f"its aliases stand for more than {_MOST_NODES} values")
    except yaml.YAMLError:
        return


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
