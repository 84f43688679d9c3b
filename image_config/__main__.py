"""`python -m image_config`: explain one container of a directory, lint a directory, print the documentation."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from image_config import docs, lookup
from image_config.bounds import LIMITS
from image_config.documents import EXTENSIONS
from image_config.errors import ConfigError, fail
from image_config.files import Repository
from image_config.labels import from_labels
from image_config.merge import resolve
from image_config.model import Target
from image_config.resolved import Resolved

DONE, FAILED, FAULTY = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        code = int(given.act(given))
        sys.stdout.flush()
        return code
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return FAULTY
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else what is unwritten fails again at the end
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"cannot write: {error.strerror}\n")
        return FAILED


def read_directory(directory: Path) -> tuple[dict[str, str], tuple[ConfigError, ...]]:
    """Path to text of its configuration files, and why others have none; links and hidden directories are not followed.

    Raises:
        ConfigError: the directory is none, or may not be read.
    """
    if not directory.is_dir():
        raise ConfigError(str(directory), 0, "", "is not a directory")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise ConfigError(str(directory), 0, "", "may not be read by this user")
    found: dict[str, str] = {}
    faults: list[ConfigError] = []
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.suffix not in EXTENSIONS or any(part.startswith(".") for part in name.split("/")):
            continue
        if path.is_symlink() or not path.is_file():
            continue
        try:
            found[name] = _read(path, name)
        except ConfigError as fault:
            faults.append(fault)
    return found, tuple(faults)


def _read(path: Path, name: str) -> str:
    """Its text, or as much of it as shows that it is too long."""
    try:
        with path.open("rb") as file:
            raw = file.read(LIMITS.bytes + 1)
    except OSError as e:
        raise ConfigError(name, 0, "", f"cannot be read: {e.strerror}") from e
    if len(raw) > LIMITS.bytes:
        raise ConfigError(name, 0, "", f"is longer than the {LIMITS.bytes} bytes that are read")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as e:
        raise ConfigError(name, raw.count(b"\n", 0, e.start) + 1, "", "is not UTF-8 text") from e


def _explain(given: argparse.Namespace) -> int:
    target = Target(given.image, given.cluster, given.application, given.service, given.container)
    labels = dict(label.partition("=")[::2] for label in given.label)
    files, unread = read_directory(given.directory)
    if unread:
        fail(unread)
    layers = Repository(files).layers(target)
    resolved = resolve((from_labels(labels, image=given.image, digest=""), *layers))
    if not layers:
        sys.stderr.write(f"no file is for this container; looked for {', '.join(lookup.stems(target)) or 'none'}\n")
    sys.stdout.write(_as_json(resolved) if given.json else _as_text(resolved))
    return DONE


def _lint(given: argparse.Namespace) -> int:
    files, unread = read_directory(given.directory)
    if not files and not unread:
        sys.stderr.write(f"{given.directory}: holds no {', '.join(EXTENSIONS)} file\n")
    repository = Repository(files)
    faults = sorted((*unread, *repository.faults()), key=lambda fault: (fault.file, fault.line))
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    for path in repository.unreached():
        sys.stdout.write(f"{path}: warning: no look-up reaches this file, and no other file includes it\n")
    return FAULTY if faults else DONE


def _docs(_: argparse.Namespace) -> int:
    sys.stdout.write(docs.text())
    return DONE


def _as_text(resolved: Resolved) -> str:
    lines = []
    for row in resolved.explain():
        name = f"{row.option}/{row.key}" if row.key else row.option
        hidden = ", ".join(str(source) for source, _ in row.hides)
        lines.append(f"{name} = {row.text}    # {row.source}{f', hides {hidden}' if hidden else ''}")
    lines += [f"constraint {text}" for text in resolved.constraints]
    lines += [f"affinity {text}" for text in resolved.affinities]
    lines += [f"warning: {notice}" for notice in resolved.warnings]
    return "".join(f"{line}\n" for line in lines)


def _as_json(resolved: Resolved) -> str:
    whole = {
        "items": [row.to_json() for row in resolved.explain()],
        "service": resolved.to_compose(),
        "constraints": resolved.constraints,
        "affinities": resolved.affinities,
        "warnings": [str(notice) for notice in resolved.warnings],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m image_config", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    explain = verbs.add_parser("explain", help="every value of one container, its source, and what it hides")
    explain.add_argument("directory", type=Path)
    explain.add_argument("--image", required=True, help="reference, as in a compose file")
    for name in ("cluster", "application", "service", "container"):
        explain.add_argument(f"--{name}", default="")
    explain.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="a label of the image")
    explain.add_argument("--json", action="store_true")
    explain.set_defaults(act=_explain)
    lint = verbs.add_parser("lint", help="every fault of a directory; exit code 2 where there is one")
    lint.add_argument("directory", type=Path)
    lint.set_defaults(act=_lint)
    document = verbs.add_parser("docs", help="docs/config-sources.md, from the tables")
    document.set_defaults(act=_docs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
