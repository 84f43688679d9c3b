"""`moorage config lint`: a directory of configuration, checked without a server as a push of it would be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from appserver.cli import lazy, show
from appserver.cli.reading import config_blobs, tree
from appserver.core import config_tree
from appserver.core.config_tree import MAX_FAULTS
from image_config import lint as faults_of

_CALLERS_MISTAKE = 2


@click.command(cls=lazy.Command)
@click.argument("directory", type=click.Path(path_type=Path))
def lint(directory: Path) -> int:
    """Check the configuration below DIRECTORY. Offline; exit code 2 when something is wrong, with file and line."""
    found, files = examine(directory)
    if lazy.wants_json():
        show.as_json({"items": [{"where": one.where, "key": one.key, "why": one.why} for one in found]})
    else:
        for one in found[:MAX_FAULTS]:
            show.say(": ".join(filter(None, (one.where, one.key, one.why))), err=True)
        if len(found) > MAX_FAULTS:
            show.note(f"and {len(found) - MAX_FAULTS} more")
        if not found:
            show.say(f"{directory}: {files} file{'' if files == 1 else 's'} of configuration, nothing wrong")
    return _CALLERS_MISTAKE if found else 0


@dataclass(frozen=True, slots=True)
class Fault:
    """As the API has it: `where` is file and line, `key` as its author wrote it."""

    where: str
    key: str
    why: str


def examine(directory: Path) -> tuple[tuple[Fault, ...], int]:
    """Every fault, and how many files were read. A tree that a push would refuse is not read further.

    Raises:
        Invalid: `directory` is none, or cannot be read.
    """
    entries = tuple(tree(directory))
    refused = config_tree.faults(entries)
    if refused:
        return tuple(Fault(where, "", why) for where, why in refused), 0
    texts, bad = config_tree.texts(config_blobs(directory, iter(entries)))
    told = (Fault(one.where, one.key, one.reason) for one in faults_of(texts))
    return (*(Fault(where, "", why) for where, why in bad), *told), len(texts)
